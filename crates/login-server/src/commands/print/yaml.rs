//! Files written line by line, with comments that a reader of the file needs.

use std::path::Path;

use serde_json::Value;

use crate::report::Failure;

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

/// A mapping of those fields that have a value.
pub(super) fn mapping<const N: usize>(fields: [(&str, Option<&str>); N]) -> Value {
    let given = |(key, value): (&str, Option<&str>)| Some((key.to_owned(), Value::from(value?)));
    Value::Object(fields.into_iter().filter_map(given).collect())
}

/// A path as text.
pub(super) fn path(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::configuration(format!("the path `{}` is not UTF-8", path.display()))
    })
}
