//! Which value counts: flag, then variable, then the cluster's settings, then the configuration
//! file; and where it came from.
//! Never judges a value; never lets the cluster's settings name a secret, a program or a file.

use std::{fmt, path::PathBuf};

use serde_json::Value;

use super::{
    configuration::Configuration,
    fault::OptionError,
    table::{Name, OPTIONS, Row, Shape, VARIABLES, row_named, row_of},
    typed::Typed,
};
use crate::system::environment::Environment;

/// Where a value came from; what a hint names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Typed, or in the `args` of the kubeconfig entry that kubectl runs.
    CommandLine,
    /// The `args` or `env` of a kubeconfig user that `login` has read.
    Kubeconfig {
        /// The name of the user entry.
        user: String,
        /// The file it is in.
        file: String,
    },
    /// An environment variable.
    Variable(&'static str),
    /// The extension `client.authentication.k8s.io/exec` of the kubeconfig's cluster entry.
    Cluster,
    /// The configuration file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::Kubeconfig { user, file } => write!(f, "user `{user}` in `{file}`"),
            Self::Variable(name) => write!(f, "the environment variable `{name}`"),
            Self::Cluster => f.write_str(
                "the extension `client.authentication.k8s.io/exec` of the cluster in the kubeconfig",
            ),
            Self::File(path) => write!(f, "the configuration file `{}`", path.display()),
        }
    }
}

/// Every option that has a value, with its origin.
#[derive(Default)]
pub struct Settings {
    values: Vec<(Name, Vec<String>, Origin)>,
}

/// What lies on top of what, topmost first.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    /// The options as typed.
    pub typed: &'a Typed,
    /// Where they were typed.
    pub typed_origin: &'a Origin,
    /// The variables.
    pub environment: &'a dyn Environment,
    /// The cluster's settings, if kubectl handed any on.
    pub cluster: Option<&'a Value>,
    /// The configuration file, if there is one.
    pub configuration: Option<&'a Configuration>,
}

impl Settings {
    /// Lays the layers on top of each other.
    pub fn resolve(layers: &Layers<'_>) -> Result<Self, OptionError> {
        let mut values = Vec::with_capacity(OPTIONS.len());
        let any_variable = layers.environment.has_any(VARIABLES);
        let mut from_cluster = layers.cluster.map(read_cluster).transpose()?.unwrap_or_default();
        for row in OPTIONS {
            if layers.typed.has(row.name) {
                let given = layers.typed.of(row.name).map(ToOwned::to_owned).collect();
                values.push((row.name, given, layers.typed_origin.clone()));
            // An empty variable is how shells and CI systems spell "not set".
            } else if let Some(given) =
                any_variable.then(|| layers.environment.variable(row.variable)).flatten()
                && !given.is_empty()
            {
                let origin = Origin::Variable(row.variable);
                let given = given
                    .into_string()
                    .map_err(|_| OptionError::new(row, &origin, "it is not UTF-8"))?;
                values.push((row.name, vec![given], origin));
            } else if let Some(index) = from_cluster.iter().position(|(name, _)| *name == row.name)
            {
                let (name, given) = from_cluster.swap_remove(index);
                values.push((name, given, Origin::Cluster));
            } else if let Some(configuration) = layers.configuration
                && let Some(given) = configuration.values(row.name)
            {
                let origin = Origin::File(configuration.path().to_owned());
                values.push((row.name, given.to_vec(), origin));
            }
        }
        Ok(Self { values })
    }

    /// Says of the options in `typed` that they came from `origin`.
    pub fn attribute(&mut self, typed: &Typed, origin: &Origin) {
        for (name, _, known) in &mut self.values {
            if typed.has(*name) {
                known.clone_from(origin);
            }
        }
    }

    /// The one value of an option and its origin.
    pub fn value(&self, name: Name) -> Option<(&str, &Origin)> {
        self.values
            .iter()
            .find(|(known, _, _)| *known == name)
            .and_then(|(_, given, origin)| Some((given.last()?.as_str(), origin)))
    }

    /// All values of a list; commas separate, empty parts are dropped.
    pub fn list(&self, name: Name) -> Vec<&str> {
        self.values
            .iter()
            .filter(|(known, _, _)| *known == name)
            .flat_map(|(_, given, _)| given.iter())
            .flat_map(|given| given.split(','))
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// All values of an option that are taken whole.
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

    /// Whether a switch is on. A variable or the cluster may also say that it is off.
    pub fn switch(&self, name: Name) -> Result<bool, OptionError> {
        let Some((text, origin)) = self.value(name) else { return Ok(false) };
        match text {
            // The flag alone is empty.
            "" | "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(OptionError::new(
                row_of(name),
                origin,
                format!("it is `{text}`, neither `true` nor `false`"),
            )),
        }
    }
}

/// The extension's object: keys are option names, values text, numbers, booleans or lists of text.
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
        if !row.by_cluster {
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

/// Text, numbers, booleans or lists of them as values of an option.
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
        Value::Array(items) if matches!(row.shape, Shape::List | Shape::Each) => {
            items.iter().map(single).collect()
        }
        other => Some(vec![single(other)?]),
    }
}
