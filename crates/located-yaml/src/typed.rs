//! Parses YAML that may hold credentials; an error says only where the fault is, and of what kind.
//! Never repeats the text in an error: the parser's own errors show lines and quote values.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, options::DuplicateKeyPolicy};
use thiserror::Error;

use crate::tree::first_document;

/// What is wrong with a text, without quoting it.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct YamlError {
    line: u64,
    column: u64,
    problem: String,
}

impl From<Error> for YamlError {
    fn from(error: Error) -> Self {
        let problem = match error.without_snippet() {
            Error::Eof { .. } => "it ends too early".to_owned(),
            Error::MultipleDocuments { .. } => "a second document begins".to_owned(),
            Error::DuplicateMappingKey { .. } => "a key stands there a second time".to_owned(),
            // A missing field is one of our own: safe to name.
            Error::SerdeMissingField { field, .. } => format!("the field `{field}` is missing"),
            Error::Unexpected { .. }
            | Error::InvalidScalar { .. }
            | Error::InvalidBooleanStrict { .. }
            | Error::NullIntoString { .. }
            | Error::TaggedScalarCannotDeserializeIntoString { .. }
            | Error::SerdeInvalidType { .. }
            | Error::SerdeInvalidValue { .. } => "a value has the wrong type".to_owned(),
            _ => "it cannot be read from here on".to_owned(),
        };
        let place = error.location().map(|place| (place.line(), place.column()));
        let (line, column) = place.unwrap_or((1, 1));
        Self { line, column, problem }
    }
}

/// Parses `text`; a duplicate key is an error.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! { with_snippet: false };
    Ok(serde_saphyr::from_str_with_options(text, options)?)
}

/// Parses `text` as kubectl does: the first document, and the last of duplicate keys.
pub fn read_as_kubectl<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
    };
    Ok(serde_saphyr::from_str_with_options(first_document(text), options)?)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Known {
        name: String,
        #[serde(default)]
        number: u8,
        #[serde(default)]
        list: Vec<String>,
    }

    #[test]
    fn a_fault_is_named_by_its_place_and_without_a_word_of_the_text() {
        for (text, expected) in [
            ("name: a\nnumber: SECRET\n", "line 2, column 9: a value has the wrong type"),
            ("name: a\nlist: SECRET\n", "line 2, column 7: a value has the wrong type"),
            ("number: 1\n", "the field `name` is missing"),
            ("name: a\n---\nname: SECRET\n", "a second document begins"),
            ("name: a\nname: SECRET\n", "line 2, column 1: a key stands there a second time"),
        ] {
            let error = read::<Known>(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(!format!("{error}{error:?}").contains("SECRET"), "{error:?}");
        }
        for text in [
            "token: SECRET\n  a: b: SECRET\n",
            "token: \"SECRET\n",
            "token: *SECRET\n",
            "token: [SECRET\n",
            "SECRET: 1\nSECRET: 2\n",
            "token: !!int SECRET\n",
            "token: SECRET\n\tb: 1\n",
        ] {
            let error = read::<Value>(text).unwrap_err();
            assert!(!format!("{error}{error:?}").contains("SECRET"), "{error:?}");
        }
    }

    // `tests/tests/yaml` compares this with kubectl's own reader.
    #[test]
    fn kubectl_reads_the_last_of_two_keys_and_the_first_of_two_documents() {
        let text = "name: a\nlist: [b]\nname: c\nlist: [d]\n";
        let read_by_kubectl: Known = read_as_kubectl(text).unwrap();
        assert_eq!((read_by_kubectl.name.as_str(), read_by_kubectl.list.len()), ("c", 1));
        assert!(read::<Known>(text).is_err());
        for text in ["name: a\n---\n", "name: a\n---\nname: b\n", "name: a\n...\n---\n[\n"] {
            assert_eq!(read_as_kubectl::<Known>(text).unwrap().name, "a", "{text:?}");
            assert!(read::<Known>(text).is_err() || text.ends_with("---\n"), "{text:?}");
        }
    }
}
