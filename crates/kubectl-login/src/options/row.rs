//! A row of the table of options: what is said about each.
//! Never a row itself.

use super::table::Name;

/// How often an option may be given, and whether it has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No value; there or not.
    Switch,
    /// One value; of several, the last counts.
    Value,
    /// Values separated by commas, each time; quoted as in CSV.
    List,
    /// `NAME=VALUE` pairs separated by commas, each time.
    Pairs,
    /// One value each time, taken whole.
    Each,
}

/// With whose issuer a value may be used. `trust` has the rules that follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It says who the issuer is.
    Issuer,
    /// It proves to the issuer who asks, or lets it be proven.
    Proof,
    /// It decides what is believed to be the issuer.
    Anchor,
    /// It says what is asked of the issuer, and how.
    Request,
    /// It is about this machine and this person only.
    Here,
}

/// What the cluster's settings (the kubeconfig extension) may say. They may name who issues
/// tokens; they may hold no secret, start no program, read no file and take no identity of this
/// place: whoever is shown it could use it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByCluster {
    /// Not this.
    Never,
    /// This, about the issuer that they name themselves.
    OfItsIssuer,
    /// This.
    Always,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Which option.
    pub name: Name,
    /// Without the dashes; also the key in the cluster's settings.
    pub long: &'static str,
    /// What int128/kubelogin calls it.
    pub aliases: &'static [&'static str],
    /// The environment variable.
    pub variable: &'static str,
    /// How it is given.
    pub shape: Shape,
    /// Stands for the value in help texts.
    pub value_name: &'static str,
    /// With whose issuer it may be used.
    pub used: Use,
    /// Whether the cluster's settings may say it.
    pub by_cluster: ByCluster,
    /// Kept for kubeconfigs that were written for int128/kubelogin; help does not list it.
    pub hidden: bool,
    /// One sentence.
    pub help: &'static str,
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

    /// Whether it may be given several times.
    pub const fn is_list(&self) -> bool {
        matches!(self.shape, Shape::List | Shape::Pairs | Shape::Each)
    }
}
