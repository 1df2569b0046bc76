//! Writes texts as YAML so that every parser reads the same text.
//! Never writes a text plain that some parser reads as something else.

use std::path::Path;

use crate::report::Failure;

/// `text` as a YAML scalar: plain where that is safe in YAML 1.1 and 1.2, else in double quotes
/// (every JSON string is a YAML string).
pub(super) fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        || text.starts_with("--");
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.:@=,+-".contains(&byte))
            && !text.ends_with(':')
            && text.trim_start_matches('-').len() > 1;
    let lower = text.to_ascii_lowercase();
    let is_taken = ["true", "false", "yes", "no", "on", "off", "null"].contains(&lower.as_str());
    if is_word && is_plain && !is_taken {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

/// A file written line by line.
pub(super) struct Document(String);

impl Document {
    /// Starts with `head`, which is whole lines.
    pub(super) fn beginning(head: &str) -> Self {
        Self(head.to_owned())
    }

    /// Adds one line.
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// Adds `text` as the lines of a block scalar (`|`), each after `indent` spaces.
    pub(super) fn block(&mut self, text: &str, indent: usize) {
        for line in text.lines() {
            self.line(&format!("{:indent$}{}", "", line.trim_end()));
        }
    }

    /// The whole file.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// A path as written into a file.
pub(super) fn path(path: &Path) -> Result<String, Failure> {
    path.to_str().map(scalar).ok_or_else(|| {
        Failure::configuration(format!("the path `{}` is not UTF-8", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back_as_themselves() {
        for text in [
            "https://login.example.com:8443",
            "--issuer-url=https://x",
            "kubectl-login",
            "true",
            "No",
            "null",
            "~",
            "",
            "-",
            "--",
            "1e3",
            "0x10",
            "a: b",
            "a #b",
            "a\"b\\c\n",
            "ends:",
            "müller",
            "y",
            "n",
            "2026-01-01",
            "*x",
            "{x}",
        ] {
            let document = format!("key: {}\n", scalar(text));
            let read: std::collections::BTreeMap<String, String> =
                serde_saphyr::from_str(&document).unwrap();
            assert_eq!(read.get("key").map(String::as_str), Some(text), "{document}");
        }
    }
}
