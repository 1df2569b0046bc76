//! Reads YAML that may hold credentials, and says of a fault only where and of what kind it is.
//! Never a word of the text in an error: the parser's own errors show lines and quote values.

use serde::de::DeserializeOwned;
use serde_saphyr::Error;
use thiserror::Error;

/// What is wrong with a text, without a word of it.
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
            // The names of our own fields.
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

/// What `text` says.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! { with_snippet: false };
    Ok(serde_saphyr::from_str_with_options(text, options)?)
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
}
