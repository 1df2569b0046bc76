//! The configuration file: option names as keys, for what a person does not want to repeat.
//! Never read here: its text is given.
//!
//! ```yaml
//! # ~/.config/kubectl-login/config.yaml
//! token-cache-storage: encrypted-file
//! browser-command: firefox
//! ```

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    fault::OptionError,
    layers::values_of,
    table::{Name, Row, row_named},
};
use crate::yaml;

/// A configuration file that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Configuration {
    path: PathBuf,
    values: Vec<(Name, Vec<String>)>,
}

impl Configuration {
    /// Reads a file of comments and of lines `key: value` whose values need no quotes: all that
    /// most files have, in a fraction of a YAML parser's time. `None`: ask `parse`.
    pub fn plain(path: &Path, text: &str) -> Option<Self> {
        let mut values = Vec::new();
        for line in text.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once(": ")?;
            let row = row_named(key).filter(|_| is_plain(value))?;
            push(&mut values, row, vec![value.to_owned()])?;
        }
        Some(Self { path: path.to_owned(), values })
    }

    /// Reads any YAML.
    pub fn parse(path: &Path, text: &str) -> Result<Self, OptionError> {
        let fault = |problem: String| OptionError::file(path, problem);
        let mut values = Vec::new();
        let has_content = text
            .lines()
            .map(str::trim)
            .any(|line| !line.is_empty() && !line.starts_with('#') && line != "---");
        if !has_content {
            return Ok(Self { path: path.to_owned(), values });
        }
        let document: Value =
            yaml::read(text).map_err(|error| fault(format!("it is not valid YAML: {error}")))?;
        let Value::Object(object) = document else {
            return Err(fault("it is not a mapping of option names to values".to_owned()));
        };
        for (key, value) in &object {
            let row = row_named(key).ok_or_else(|| {
                let key: String = key.chars().take(60).collect();
                fault(format!("it has the key `{key}`, which is not an option"))
            })?;
            let given = values_of(row, value)
                .ok_or_else(|| fault(format!("the value of its key `{key}` has a wrong type")))?;
            push(&mut values, row, given)
                .ok_or_else(|| fault(format!("its key `{key}` stands there under two names")))?;
        }
        Ok(Self { path: path.to_owned(), values })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says about an option.
    pub fn values(&self, name: Name) -> Option<&[String]> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, values)| values.as_slice())
    }
}

fn push(values: &mut Vec<(Name, Vec<String>)>, row: &Row, given: Vec<String>) -> Option<()> {
    if values.iter().any(|(known, _)| *known == row.name) {
        return None;
    }
    // In the order of the table, whatever the order in the file.
    let place = values.partition_point(|(known, _)| *known < row.name);
    values.insert(place, (row.name, given));
    Some(())
}

/// Whether YAML reads the value as the very text that stands there.
fn is_plain(value: &str) -> bool {
    let begins_like_a_name = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/._@%+-".contains(&byte);
    // A colon only inside a URL, where no space follows.
    let allowed = value.split("://").all(|part| part.bytes().all(allowed));
    // Words that YAML takes for something else than text.
    let special = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    begins_like_a_name && allowed && !special.contains(&value.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::options::table::OPTIONS;

    fn read(text: &str) -> Result<Configuration, OptionError> {
        Configuration::parse(Path::new("/c"), text)
    }

    fn problem(text: &str) -> String {
        use std::error::Error as _;
        let error = read(text).expect_err("a fault");
        format!("{error}: {}", error.source().unwrap())
    }

    #[test]
    fn keys_are_option_names_and_values_text_numbers_switches_or_lists() {
        let file = read(
            "# mine\nflow: device\nscope: [a, b]\nforce-refresh: true\n\
             authentication-timeout-sec: 60\noidc-client-id: k\n",
        )
        .unwrap();
        let one = |name| file.values(name).unwrap().join(" ");
        assert_eq!(one(Name::Flow), "device");
        assert_eq!(one(Name::Scope), "a b");
        assert_eq!(one(Name::ForceRefresh), "true");
        assert_eq!(one(Name::AuthenticationTimeoutSec), "60");
        assert_eq!(one(Name::ClientId), "k");
        assert_eq!(file.values(Name::Audience), None);
        assert!(read("").unwrap().values.is_empty());
        assert!(read("# nothing\n---\n").unwrap().values.is_empty());
    }

    #[test]
    fn a_fault_names_the_file_and_the_key() {
        let begin = "the configuration file `/c` cannot be used: ";
        for (text, expected) in [
            ("isuer-url: x\n", "it has the key `isuer-url`, which is not an option"),
            ("flow: {a: b}\n", "the value of its key `flow` has a wrong type"),
            ("- flow\n", "it is not a mapping of option names to values"),
            (
                "client-id: a\noidc-client-id: b\n",
                "its key `oidc-client-id` stands there under two names",
            ),
        ] {
            assert_eq!(problem(text), format!("{begin}{expected}"), "{text}");
        }
        assert!(problem("flow: [\n").contains("it is not valid YAML"));
    }

    proptest! {
        #[test]
        fn whatever_the_plain_reader_accepts_yaml_reads_alike(
            lines in prop::collection::vec(
                (0..OPTIONS.len(), "(|https?://)[a-zA-Z0-9/._@%+:# -]{0,12}"), 0..4
            )
        ) {
            let mut text = String::new();
            for (row, value) in &lines {
                text.extend([OPTIONS[*row].long, ": ", value, "\n"]);
            }
            if let Some(plain) = Configuration::plain(Path::new("/c"), &text) {
                prop_assert_eq!(Ok(plain), read(&text), "{}", text);
            }
        }
    }
}
