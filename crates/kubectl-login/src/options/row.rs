//! Defines the columns of the option table.

use super::table::Name;

/// How often an option may be given, and whether it has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No value; present or absent.
    Switch,
    /// One value; the last one wins.
    Value,
    /// Comma-separated values, repeatable; quoted as in CSV.
    List,
    /// Comma-separated `NAME=VALUE` pairs, repeatable.
    Pairs,
    /// One value, repeatable, not split.
    Each,
}

/// With which issuer a value may be used. `trust` has the rules that follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It names the issuer.
    Issuer,
    /// It authenticates the client or user to the issuer, or says how to.
    Proof,
    /// It decides which server is accepted as the issuer.
    Anchor,
    /// It is part of the requests to the issuer.
    Request,
    /// It concerns only this host and this user.
    Here,
}

/// What the cluster's settings (the kubeconfig extension) may set. They may name the issuer; they
/// may not contain a secret, start a program, read a file or use an identity of this host: a server
/// that receives the identity could use it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByCluster {
    /// Not this option.
    Never,
    /// This option, for the issuer that the settings themselves name.
    OfItsIssuer,
    /// This option, for any issuer.
    Always,
}

/// What a value holds; decides how it is written into a kubeconfig and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Text that anyone may read.
    Text,
    /// The path of a file or directory. Written absolute: kubectl runs the plugin in its own
    /// working directory.
    Path,
    /// One of these spellings; the parser also takes those of int128/kubelogin.
    Choice(&'static [&'static str]),
    /// A secret.
    Secret,
    /// Base64, too long to be shown.
    Data,
}

/// How long a value applies that was typed for a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applies {
    /// Accepted and ignored.
    Never,
    /// To this call only.
    Once,
    /// To every later call, too.
    Always,
}

/// The row of one option.
#[derive(Debug)]
pub struct Row {
    /// The option.
    pub name: Name,
    /// The long name without dashes; also the key in the cluster's settings.
    pub long: &'static str,
    /// Names in int128/kubelogin.
    pub aliases: &'static [&'static str],
    /// The environment variable.
    pub variable: &'static str,
    /// How values are given.
    pub shape: Shape,
    /// Placeholder for the value in help texts.
    pub value_name: &'static str,
    /// What a value holds.
    pub holds: Holds,
    /// How long a value applies.
    pub applies: Applies,
    /// With which issuer a value may be used.
    pub used: Use,
    /// Whether the cluster's settings may set it.
    pub by_cluster: ByCluster,
    /// Accepted for kubeconfigs that were written for int128/kubelogin; help does not list it.
    pub hidden: bool,
    /// The help text: one sentence. `{choices}` stands for the list of them.
    pub(super) help: &'static str,
}

pub(super) const fn row(
    name: Name,
    long: &'static str,
    variable: &'static str,
    help: &'static str,
) -> Row {
    Row {
        name,
        long,
        aliases: &[],
        variable,
        shape: Shape::Value,
        value_name: "",
        holds: Holds::Text,
        applies: Applies::Always,
        used: Use::Here,
        by_cluster: ByCluster::Never,
        hidden: false,
        help,
    }
}

impl Row {
    pub(super) const fn value(mut self, value_name: &'static str) -> Self {
        self.value_name = value_name;
        self
    }
    pub(super) const fn file(self) -> Self {
        self.value("FILE").path()
    }
    pub(super) const fn path(mut self) -> Self {
        self.holds = Holds::Path;
        self
    }
    pub(super) const fn one_of(mut self, choices: &'static [&'static str]) -> Self {
        self.holds = Holds::Choice(choices);
        self
    }
    pub(super) const fn secret(mut self) -> Self {
        self.holds = Holds::Secret;
        self
    }
    pub(super) const fn data(mut self) -> Self {
        self.holds = Holds::Data;
        self
    }
    pub(super) const fn once(mut self) -> Self {
        self.applies = Applies::Once;
        self
    }
    pub(super) const fn inert(mut self) -> Self {
        self.applies = Applies::Never;
        self
    }
    pub(super) const fn list(mut self, value_name: &'static str) -> Self {
        self.shape = Shape::List;
        self.value_name = value_name;
        self
    }
    pub(super) const fn pairs(mut self) -> Self {
        self.shape = Shape::Pairs;
        self.value_name = "NAME=VALUE";
        self
    }
    pub(super) const fn each(mut self, value_name: &'static str) -> Self {
        self.shape = Shape::Each;
        self.value_name = value_name;
        self
    }
    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }
    pub(super) const fn switch(mut self) -> Self {
        self.shape = Shape::Switch;
        self
    }
    pub(super) const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
    pub(super) const fn names_issuer(mut self) -> Self {
        self.used = Use::Issuer;
        self
    }
    pub(super) const fn proof(mut self) -> Self {
        self.used = Use::Proof;
        self
    }
    pub(super) const fn anchor(mut self) -> Self {
        self.used = Use::Anchor;
        self
    }
    pub(super) const fn request(mut self) -> Self {
        self.used = Use::Request;
        self
    }
    pub(super) const fn by_cluster(mut self) -> Self {
        self.by_cluster = ByCluster::OfItsIssuer;
        self
    }
    pub(super) const fn by_any_cluster(mut self) -> Self {
        self.by_cluster = ByCluster::Always;
        self
    }

    /// The usual values, if there is a fixed set.
    pub const fn choices(&self) -> Option<&'static [&'static str]> {
        match self.holds {
            Holds::Choice(choices) => Some(choices),
            _ => None,
        }
    }

    /// The help text, with its choices.
    pub fn help(&self) -> String {
        let choices = match self.choices() {
            Some([others @ .., last]) => format!("{} or {last}", others.join(", ")),
            _ => String::new(),
        };
        self.help.replace("{choices}", &choices)
    }

    /// Whether it may be given several times.
    pub const fn is_list(&self) -> bool {
        matches!(self.shape, Shape::List | Shape::Pairs | Shape::Each)
    }
}
