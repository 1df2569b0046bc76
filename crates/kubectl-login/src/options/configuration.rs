//! Parses the configuration file: option names as keys, for values that the user does not want to
//! repeat.
//! Never opens the file: the caller passes its text.
//!
//! ```yaml
//! # ~/.config/kubectl-login/config.yaml
//! token-cache-storage: encrypted-file
//! browser-command: firefox
//! allowed-commands: [pass show kubernetes/oidc]
//! issuers:
//! - issuer-url: https://id.example.com
//!   client-secret-file: ~/.secrets/id.example.com
//! ```

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{
    fault::OptionError,
    layers::values_of,
    table::{Name, Row, Use, row_named},
};

/// A parsed configuration file.
#[derive(Debug, PartialEq, Eq)]
pub struct Configuration {
    path: PathBuf,
    values: Values,
    /// Values that apply to one issuer only.
    sections: Vec<(String, Values)>,
    /// Command lines that a kubeconfig may name.
    allowed_commands: Vec<String>,
}

type Values = Vec<(Name, Vec<String>)>;

/// The key of the sections for one issuer each.
const SECTIONS: &str = "issuers";

/// The key of the command lines that a kubeconfig may name.
pub const ALLOWED_COMMANDS: &str = "allowed-commands";

impl Configuration {
    /// Parses a file that has only comments, `key: value` lines whose values need no quotes (also
    /// in sections), and plain commands: that covers most files, in a fraction of a YAML parser's
    /// time. `None`: use `parse`.
    pub fn plain(path: &Path, text: &str) -> Option<Self> {
        let mut read = Self::with(path, Vec::new());
        let (mut sections, mut list): (Vec<Values>, Option<&str>) = (Vec::new(), None);
        let mut lists = Vec::new();
        for line in text.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(key) = line.strip_suffix(':') {
                let known = [SECTIONS, ALLOWED_COMMANDS].into_iter().find(|known| *known == key)?;
                list = (!lists.contains(&known)).then_some(Some(known))?;
                lists.push(known);
            } else if let Some(item) = line.strip_prefix("- ") {
                if list? == ALLOWED_COMMANDS {
                    let is_line = item.split(' ').all(is_plain_word) && is_plain_text(item);
                    read.allowed_commands.push(is_line.then(|| item.to_owned())?);
                } else {
                    sections.push(Vec::new());
                    push_line(sections.last_mut()?, item)?;
                }
            } else if let Some(line) = line.strip_prefix("  ") {
                (list? == SECTIONS).then_some(())?;
                push_line(sections.last_mut()?, line)?;
            } else {
                list = None;
                push_line(&mut read.values, line)?;
            }
        }
        for values in sections {
            let issuer = one(&values, Name::IssuerUrl)?.to_owned();
            if read.section(&issuer).is_some() {
                return None;
            }
            read.sections.push((issuer, values));
        }
        Some(read)
    }

    fn with(path: &Path, values: Values) -> Self {
        let path = path.to_owned();
        Self { path, values, sections: Vec::new(), allowed_commands: Vec::new() }
    }

    /// Parses any YAML.
    pub fn parse(path: &Path, text: &str) -> Result<Self, OptionError> {
        let fault = |problem: String| OptionError::file(path, problem);
        let has_content = text
            .lines()
            .map(str::trim)
            .any(|line| !line.is_empty() && !line.starts_with('#') && line != "---");
        if !has_content {
            return Ok(Self::with(path, Vec::new()));
        }
        let document: Value = located_yaml::typed::read(text)
            .map_err(|error| fault(format!("it is not valid YAML: {error}")))?;
        let Value::Object(mut object) = document else {
            return Err(fault("it is not a mapping of option names to values".to_owned()));
        };
        let wrong_type =
            |key: &str| fault(format!("the value of its key `{key}` has a wrong type"));
        let items = |key: &str, value: Option<Value>| match value {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(wrong_type(key)),
        };
        let sections = items(SECTIONS, object.remove(SECTIONS))?;
        let commands = items(ALLOWED_COMMANDS, object.remove(ALLOWED_COMMANDS))?;
        let command = |item: &Value| item.as_str().map(ToOwned::to_owned);
        let mut read = Self::with(path, options(&object, &fault)?);
        read.allowed_commands = commands
            .iter()
            .map(|item| command(item).ok_or_else(|| wrong_type(ALLOWED_COMMANDS)))
            .collect::<Result<_, _>>()?;
        for section in &sections {
            let Value::Object(section) = section else { return Err(wrong_type(SECTIONS)) };
            let values = options(section, &fault)?;
            let issuer = one(&values, Name::IssuerUrl).ok_or_else(|| {
                fault(format!("an item of its key `{SECTIONS}` has no `issuer-url`"))
            })?;
            if read.section(issuer).is_some() {
                let problem = format!("its key `{SECTIONS}` has two items for one issuer");
                return Err(fault(problem));
            }
            read.sections.push((issuer.to_owned(), values));
        }
        Ok(read)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The issuer that it names outside of sections.
    pub fn issuer(&self) -> Option<&str> {
        one(&self.values, Name::IssuerUrl)
    }

    /// The issuers that it has a section for.
    pub fn section_issuers(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|(issuer, _)| issuer.as_str())
    }

    /// Command lines that a kubeconfig may name.
    pub fn allowed_commands(&self) -> &[String] {
        &self.allowed_commands
    }

    /// Replaces the allowed commands by those of `own`, the user's own configuration.
    #[must_use]
    pub fn allowing_what(mut self, own: Option<&Self>) -> Self {
        self.allowed_commands = own.map(|own| own.allowed_commands.clone()).unwrap_or_default();
        self
    }

    /// The values of an option outside of sections.
    pub fn values(&self, name: Name) -> Option<&[String]> {
        all(&self.values, name)
    }

    /// The values of an option for `issuer`. Credentials and trust anchors apply only to the issuer
    /// that is named beside them.
    pub fn values_for(&self, row: &Row, issuer: Option<&str>) -> Option<&[String]> {
        let section = issuer.and_then(|issuer| self.section(issuer));
        if let Some(values) = section.and_then(|section| all(section, row.name)) {
            return Some(values);
        }
        let is_bound = matches!(row.used, Use::Proof | Use::Anchor);
        let is_for_another = is_bound && self.issuer().is_some_and(|own| Some(own) != issuer);
        self.values(row.name).filter(|_| !is_for_another)
    }

    fn section(&self, issuer: &str) -> Option<&Values> {
        self.sections.iter().find(|(own, _)| own == issuer).map(|(_, values)| values)
    }
}

fn all(values: &Values, name: Name) -> Option<&[String]> {
    values.iter().find(|(known, _)| *known == name).map(|(_, values)| values.as_slice())
}

fn one(values: &Values, name: Name) -> Option<&str> {
    all(values, name)?.last().map(String::as_str)
}

/// Reads a mapping of option names to values.
fn options(
    object: &Map<String, Value>,
    fault: &dyn Fn(String) -> OptionError,
) -> Result<Values, OptionError> {
    let mut values = Vec::new();
    for (key, value) in object {
        let row = row_named(key).ok_or_else(|| {
            let key: String = key.chars().take(60).collect();
            fault(format!("it has the key `{key}`, which is not an option"))
        })?;
        let given = values_of(row, value)
            .ok_or_else(|| fault(format!("the value of its key `{key}` has a wrong type")))?;
        push(&mut values, row, given)
            .ok_or_else(|| fault(format!("its key `{key}` stands there under two names")))?;
    }
    Ok(values)
}

fn push(values: &mut Values, row: &Row, given: Vec<String>) -> Option<()> {
    if values.iter().any(|(known, _)| *known == row.name) {
        return None;
    }
    // In the table's order, not the file's.
    let place = values.partition_point(|(known, _)| *known < row.name);
    values.insert(place, (row.name, given));
    Some(())
}

/// A line `key: value` whose value is plain.
fn push_line(values: &mut Values, line: &str) -> Option<()> {
    let (key, value) = line.split_once(": ")?;
    let row = row_named(key).filter(|_| is_plain(value))?;
    push(values, row, vec![value.to_owned()])
}

/// Whether YAML reads the value literally.
fn is_plain(value: &str) -> bool {
    is_plain_text(value) && is_plain_word(value)
}

/// Whether YAML reads a text as a string, judged by its beginning, its end and the whole.
fn is_plain_text(value: &str) -> bool {
    let begins_like_a_name = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    // Words that YAML reads as something other than a string.
    let special = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    begins_like_a_name
        && !value.ends_with(' ')
        && !special.contains(&value.to_ascii_lowercase().as_str())
}

fn is_plain_word(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/._@%+-".contains(&byte);
    // A colon only inside a URL, and not before a space.
    word.split("://").all(|part| part.bytes().all(allowed)) && !word.ends_with("://")
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

    #[test]
    fn sections_and_commands_are_read_alike_by_both_readers() {
        let text = "# mine\nflow: device\nallowed-commands:\n- pass show kubernetes/oidc\n\
                    # and\n- /usr/bin/x --a=b\nissuers:\n- issuer-url: https://id.example\n  \
                    client-secret-file: /s\n- issuer-url: https://other.example\nscope: a\n";
        let file = read(&text.replace("--a=b", "--a")).unwrap();
        assert_eq!(
            Configuration::plain(Path::new("/c"), &text.replace("--a=b", "--a")),
            Some(file)
        );
        let file = read(text).unwrap();
        assert_eq!(file.allowed_commands(), ["pass show kubernetes/oidc", "/usr/bin/x --a=b"]);
        let issuers: Vec<&str> = file.section_issuers().collect();
        assert_eq!(issuers, ["https://id.example", "https://other.example"]);
        let row = crate::options::table::row_of(Name::ClientSecretFile);
        let secret = |issuer| file.values_for(row, Some(issuer)).map(<[String]>::concat);
        assert_eq!(secret("https://id.example"), Some("/s".to_owned()));
        assert_eq!(secret("https://other.example"), None);
        for (text, expected) in [
            ("issuers:\n- flow: device\n", "an item of its key `issuers` has no `issuer-url`"),
            ("issuers: x\n", "the value of its key `issuers` has a wrong type"),
            ("allowed-commands: [1]\n", "the value of its key `allowed-commands` has a wrong type"),
            (
                "issuers:\n- issuer-url: https://a\n- issuer-url: https://a\n",
                "its key `issuers` has two items for one issuer",
            ),
        ] {
            assert!(problem(text).ends_with(expected), "{}", problem(text));
            assert_eq!(Configuration::plain(Path::new("/c"), text), None, "{text}");
        }
        assert!(read("issuers:\nallowed-commands:\n").unwrap().allowed_commands().is_empty());
    }

    proptest! {
        #[test]
        fn whatever_the_plain_reader_accepts_of_lists_yaml_reads_alike(
            lines in prop::collection::vec(
                prop_oneof![
                    Just("issuers:".to_owned()),
                    Just("allowed-commands:".to_owned()),
                    "(- |  |)issuer-url: https://[a-c]{1,2}",
                    "(- |  |)(flow|scope|client-id): [a-c]{1,2}",
                    "- [a-c/ .=@%+:-]{1,8}",
                    "[ #-]{0,3}",
                ],
                0..6,
            )
        ) {
            let mut text = lines.join("\n");
            text.push('\n');
            if let Some(plain) = Configuration::plain(Path::new("/c"), &text) {
                prop_assert_eq!(Ok(plain), read(&text), "{}", text);
            }
        }

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
