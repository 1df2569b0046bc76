//! Decides which value wins (flag, then variable, then the cluster's settings, then the
//! configuration file) and records where it came from.
//! Never validates a value; never lets the cluster's settings name a secret, a program or a file.

use std::path::{Path, PathBuf};

use login_common::lists;
use serde_json::Value;

use super::{
    configuration::Configuration,
    fault::OptionError,
    origin::Origin,
    table::{ByCluster, Name, OPTIONS, Row, Shape, VARIABLES, row_named, row_of},
    typed::Typed,
};
use crate::system::environment::Environment;

/// Every option that has a value, and where the value came from.
#[derive(Default)]
pub struct Settings {
    values: Vec<(Name, Vec<String>, Origin)>,
    /// Every issuer that a layer names, the one in force first.
    named: Vec<(Origin, String)>,
    allowed_commands: Vec<String>,
    configuration: Option<PathBuf>,
}

/// The layers, highest precedence first.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    /// The typed options.
    pub typed: &'a Typed,
    /// Where they were typed.
    pub typed_origin: &'a Origin,
    /// The variables.
    pub environment: &'a dyn Environment,
    /// The cluster's settings, if kubectl passed any.
    pub cluster: Option<&'a Value>,
    /// The configuration file, if there is one.
    pub configuration: Option<&'a Configuration>,
}

impl Settings {
    /// Merges the layers. Values that the cluster or the file gives for another issuer than the one
    /// in force are ignored.
    pub fn resolve(layers: &Layers<'_>) -> Result<Self, OptionError> {
        let any_variable = layers.environment.may_have_any(VARIABLES);
        let variable = |row: &'static Row| -> Result<Option<String>, OptionError> {
            // Shells and CI systems set an empty variable to say "not set".
            let given = any_variable.then(|| layers.environment.variable(row.variable)).flatten();
            let Some(given) = given.filter(|given| !given.is_empty()) else { return Ok(None) };
            given.into_string().map(Some).map_err(|_| {
                OptionError::new(row, &Origin::Variable(row.variable), "it is not UTF-8")
            })
        };
        let mut cluster = layers.cluster.map(read_cluster).transpose()?.unwrap_or_default();
        let named = named(layers, variable(row_of(Name::IssuerUrl))?, &cluster);
        let issuer = named.first().map(|(_, issuer)| issuer.as_str());
        let by_cluster = named.iter().find(|(origin, _)| *origin == Origin::Cluster);
        if by_cluster.is_some_and(|(_, theirs)| Some(theirs.as_str()) != issuer) {
            cluster.retain(|(name, _)| row_of(*name).by_cluster == ByCluster::Always);
        }
        let mut values = Vec::new();
        for row in OPTIONS {
            if layers.typed.has(row.name) {
                let given = layers.typed.of(row.name).map(ToOwned::to_owned).collect();
                values.push((row.name, given, layers.typed_origin.clone()));
            } else if let Some(given) = variable(row)? {
                values.push((row.name, vec![given], Origin::Variable(row.variable)));
            } else if let Some(index) = cluster.iter().position(|(name, _)| *name == row.name) {
                let (name, given) = cluster.swap_remove(index);
                values.push((name, given, Origin::Cluster));
            } else if let Some(configuration) = layers.configuration
                && let Some(given) = configuration.values_for(row, issuer)
            {
                let origin = Origin::File(configuration.path().to_owned());
                values.push((row.name, given.to_vec(), origin));
            }
        }
        let configuration = layers.configuration;
        Ok(Self {
            values,
            named,
            allowed_commands: configuration
                .map(|file| file.allowed_commands().to_vec())
                .unwrap_or_default(),
            configuration: configuration.map(|file| file.path().to_owned()),
        })
    }

    /// Records `origin` as the origin of the options in `typed`.
    pub fn attribute(&mut self, typed: &Typed, origin: &Origin) {
        let is_typed = |known: &Origin| {
            matches!(known, Origin::CommandLine | Origin::Arguments | Origin::Kubeconfig { .. })
        };
        for (name, _, known) in &mut self.values {
            if typed.has(*name) && is_typed(known) {
                known.clone_from(origin);
            }
        }
        if let Some((known, _)) = self.named.first_mut()
            && typed.has(Name::IssuerUrl)
            && is_typed(known)
        {
            known.clone_from(origin);
        }
    }

    /// Records `origin` as the origin of the values that came from these variables.
    pub fn attribute_variables(&mut self, variables: &[(String, String)], origin: &Origin) {
        let origins = self
            .values
            .iter_mut()
            .map(|(_, _, known)| known)
            .chain(self.named.iter_mut().map(|(known, _)| known));
        for known in origins {
            if let Origin::Variable(name) = known
                && variables.iter().any(|(set, _)| set == name)
            {
                known.clone_from(origin);
            }
        }
    }

    /// The issuer in force, as written.
    pub fn issuer(&self) -> Option<&str> {
        self.named.first().map(|(_, issuer)| issuer.as_str())
    }

    /// The layers that name `issuer`.
    pub fn namers(&self, issuer: &str) -> impl Iterator<Item = &Origin> {
        self.named.iter().filter(move |(_, named)| named == issuer).map(|(origin, _)| origin)
    }

    /// Every option that has a value, and where the value came from.
    pub fn origins(&self) -> impl Iterator<Item = (Name, &Origin)> {
        self.values.iter().map(|(name, _, origin)| (*name, origin))
    }

    /// Whether the user's own configuration allows running `line`.
    pub fn allows(&self, line: &str) -> bool {
        self.allowed_commands.iter().any(|allowed| allowed == line)
    }

    /// The configuration file, if there is one.
    pub fn configuration(&self) -> Option<&Path> {
        self.configuration.as_deref()
    }

    /// The single value of an option and its origin.
    pub fn value(&self, name: Name) -> Option<(&str, &Origin)> {
        self.values
            .iter()
            .find(|(known, _, _)| *known == name)
            .and_then(|(_, given, origin)| Some((given.last()?.as_str(), origin)))
    }

    /// All values of a list; commas separate, empty parts are dropped.
    pub fn list(&self, name: Name) -> Result<Vec<String>, OptionError> {
        let mut all = Vec::new();
        for text in self.each(name) {
            let parts = lists::parts(text).map_err(|error| self.wrong(name, error.to_string()))?;
            all.extend(parts.into_iter().map(|part| part.trim().to_owned()));
        }
        all.retain(|part| !part.is_empty());
        Ok(all)
    }

    /// All pairs of an option.
    pub fn pairs(&self, name: Name) -> Result<Vec<(String, String)>, OptionError> {
        let mut all = Vec::new();
        for text in self.each(name) {
            all.extend(lists::pairs(text).map_err(|error| self.wrong(name, error.to_string()))?);
        }
        Ok(all)
    }

    fn wrong(&self, name: Name, problem: String) -> OptionError {
        let origin = self.origin(name).unwrap_or(&Origin::CommandLine);
        OptionError::new(row_of(name), origin, problem)
    }

    /// All values of an option whose values are not split.
    pub fn each(&self, name: Name) -> Vec<&str> {
        self.values
            .iter()
            .filter(|(known, _, _)| *known == name)
            .flat_map(|(_, given, _)| given.iter())
            .map(String::as_str)
            .filter(|given| !given.is_empty())
            .collect()
    }

    /// Where the option's value came from.
    pub fn origin(&self, name: Name) -> Option<&Origin> {
        self.value(name).map(|(_, origin)| origin)
    }

    /// Whether a switch is on. A variable or the cluster can also turn it off.
    pub fn switch(&self, name: Name) -> Result<bool, OptionError> {
        let Some((text, origin)) = self.value(name) else { return Ok(false) };
        match text {
            // The flag alone has an empty value; Go also accepts `t` and the like.
            "" | "1" | "t" | "T" | "true" | "True" | "TRUE" | "yes" | "on" => Ok(true),
            "0" | "f" | "F" | "false" | "False" | "FALSE" | "no" | "off" => Ok(false),
            _ => Err(OptionError::new(
                row_of(name),
                origin,
                format!("it is `{text}`, neither `true` nor `false`"),
            )),
        }
    }
}

/// Every issuer that a layer names, topmost layer first.
fn named(
    layers: &Layers<'_>,
    variable: Option<String>,
    cluster: &[(Name, Vec<String>)],
) -> Vec<(Origin, String)> {
    let mut named = Vec::new();
    if let Some(typed) = layers.typed.of(Name::IssuerUrl).last() {
        named.push((layers.typed_origin.clone(), typed.to_owned()));
    }
    if let Some(issuer) = variable {
        named.push((Origin::Variable(row_of(Name::IssuerUrl).variable), issuer));
    }
    let theirs = cluster.iter().find(|(name, _)| *name == Name::IssuerUrl);
    if let Some(issuer) = theirs.and_then(|(_, given)| given.last()) {
        named.push((Origin::Cluster, issuer.clone()));
    }
    if let Some(configuration) = layers.configuration {
        let origin = || Origin::File(configuration.path().to_owned());
        // The issuer outside of sections comes first; a section's issuer counts only for that
        // section.
        if let Some(issuer) = configuration.issuer() {
            named.push((origin(), issuer.to_owned()));
        }
        if !named.is_empty() {
            let sections = configuration.section_issuers();
            named.extend(sections.map(|issuer| (origin(), issuer.to_owned())));
        }
    }
    named
}

/// Reads the extension's object: keys are option names, values are strings, numbers, booleans or
/// lists of strings.
fn read_cluster(config: &Value) -> Result<Vec<(Name, Vec<String>)>, OptionError> {
    let object = match config {
        Value::Null => return Ok(Vec::new()),
        Value::Object(object) => object,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(OptionError::cluster(
                "it is not an object whose keys are option names, such as `issuer-url`",
            ));
        }
    };
    let mut values = Vec::new();
    for (key, value) in object {
        let row = row_named(key).ok_or_else(|| {
            let key: String = key.chars().take(60).collect();
            OptionError::cluster(format!("it has the key `{key}`, which is not an option"))
        })?;
        if row.by_cluster == ByCluster::Never {
            return Err(OptionError::cluster(format!(
                "it has the key `{}`: a cluster's settings hold no secrets, start no programs \
                 and read no files",
                row.long
            )));
        }
        let given = values_of(row, value).ok_or_else(|| {
            OptionError::cluster(format!("the value of its key `{}` has a wrong type", row.long))
        })?;
        values.push((row.name, given));
    }
    Ok(values)
}

/// Converts strings, numbers, booleans or lists of them to values of an option.
pub(super) fn values_of(row: &Row, value: &Value) -> Option<Vec<String>> {
    let single = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(on) if row.shape == Shape::Switch => Some(on.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    match value {
        Value::Array(items) if row.is_list() => items.iter().map(single).collect(),
        other => Some(vec![single(other)?]),
    }
}
