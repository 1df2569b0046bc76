//! Decides whether a command line that an option names may be run.
//! Never runs it; never allows it because a kubeconfig says so.
//!
//! Otherwise the author of a kubeconfig could run any program: kubectl's own list of allowed
//! plugins contains only our name.

use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;

use super::{configuration::ALLOWED_COMMANDS, layers::Settings, origin::Origin, table::Row};

/// A command line as given: a program, and its arguments if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramLine {
    text: String,
    obstacle: Option<NotAllowed>,
}

/// A kubeconfig names a command that the user has not allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "the command of `--{}` came from {}, and is not one that you have allowed",
    .0.option,
    .0.origin
)]
pub struct NotAllowed(Box<Refused>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    option: &'static str,
    variable: &'static str,
    line: String,
    origin: Origin,
    configuration: Option<PathBuf>,
}

impl NotAllowed {
    /// What to change, and where.
    pub fn hint(&self) -> String {
        let file = self.0.configuration.as_ref().map_or_else(
            || "the configuration file".to_owned(),
            |path| format!("`{}`", path.display()),
        );
        format!(
            "if you trust it, add {} to `{ALLOWED_COMMANDS}: []` in {file}, or give it as the \
             variable `{}`",
            Value::from(self.0.line.as_str()),
            self.0.variable
        )
    }
}

impl NotAllowed {
    /// The command line.
    pub fn line(&self) -> &str {
        &self.0.line
    }
}

impl ProgramLine {
    /// The value of the option `row`, which came from `origin`. `configuration` is the file in
    /// which the user would allow it.
    pub fn new(
        row: &Row,
        text: &str,
        origin: &Origin,
        settings: &Settings,
        configuration: Option<PathBuf>,
    ) -> Self {
        let is_own = matches!(
            origin,
            // Typed or set as a variable: it belongs to the user or the job, who could run it
            // anyway.
            Origin::CommandLine | Origin::Variable(_) | Origin::File(_)
        );
        let obstacle = (!is_own && !settings.allows(text)).then(|| {
            NotAllowed(Box::new(Refused {
                option: row.long,
                variable: row.variable,
                line: text.to_owned(),
                origin: origin.clone(),
                configuration: settings.configuration().map(Into::into).or(configuration),
            }))
        });
        Self { text: text.to_owned(), obstacle }
    }

    /// The text, if it may be run.
    pub fn allowed(&self) -> Result<&str, NotAllowed> {
        match &self.obstacle {
            None => Ok(&self.text),
            Some(obstacle) => Err(obstacle.clone()),
        }
    }

    /// The text, for comparisons.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
impl ProgramLine {
    /// A command line that may be run.
    pub(crate) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), obstacle: None }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        options::{
            configuration::Configuration,
            layers::Layers,
            table::{Name, row_of},
            typed::Typed,
        },
        system::environment::NoEnvironment,
    };

    fn line(text: &str, origin: &Origin, file: &str) -> Result<String, String> {
        let configuration = Configuration::parse(Path::new("/c"), file).unwrap();
        let settings = Settings::resolve(&Layers {
            typed: &Typed::default(),
            typed_origin: origin,
            environment: &NoEnvironment,
            cluster: None,
            configuration: (!file.is_empty()).then_some(&configuration),
        })
        .unwrap();
        let row = row_of(Name::ClientSecretCommand);
        ProgramLine::new(row, text, origin, &settings, Some("/default".into()))
            .allowed()
            .map(ToOwned::to_owned)
            .map_err(|error| format!("{error} ({})", error.hint()))
    }

    #[test]
    fn a_kubeconfig_runs_nothing_that_the_person_has_not_allowed() {
        let user = Origin::Kubeconfig { user: "u".to_owned(), file: "/k".to_owned() };
        for origin in [&Origin::Arguments, &user] {
            assert!(line("pass show x", origin, "").is_err(), "{origin}");
            assert!(line("pass show x", origin, "flow: device\n").is_err());
            let file = "allowed-commands: [pass show x, other]\n";
            assert_eq!(line("pass show x", origin, file).unwrap(), "pass show x");
            // The comparison is exact.
            for text in ["pass show  x", "pass show x y", "pass show y", "Pass show x"] {
                assert!(line(text, origin, file).is_err(), "{text}");
            }
        }
        for origin in [Origin::CommandLine, Origin::Variable("V"), Origin::File("/c".into())] {
            assert!(line("pass show x", &origin, "").is_ok(), "{origin}");
        }
    }

    #[test]
    fn a_refusal_has_the_line_to_add() {
        assert_eq!(
            line("say \"hi\"", &Origin::Arguments, "").unwrap_err(),
            "the command of `--client-secret-command` came from `exec.args` of the user in the \
             kubeconfig, and is not one that you have allowed (if you trust it, add \
             \"say \\\"hi\\\"\" to `allowed-commands: []` in `/default`, or give it as the \
             variable `KUBECTL_LOGIN_CLIENT_SECRET_COMMAND`)"
        );
        assert!(line("x", &Origin::Arguments, "flow: device\n").unwrap_err().contains("`/c`"));
    }
}
