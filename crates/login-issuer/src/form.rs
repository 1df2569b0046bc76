//! Parses the parameters of a query or an `application/x-www-form-urlencoded` body.
//! Never shows a value: any of them may be a secret.

use std::{collections::BTreeMap, fmt};

use login_common::Secret;
use thiserror::Error;
use url::form_urlencoded;

/// Parameters by name. RFC 6749 §3.1, §3.2: none may be repeated, empty ones count as omitted.
#[derive(Clone, Default)]
pub struct Form {
    parameters: BTreeMap<String, Secret>,
}

/// Why a query or body is not a usable set of parameters.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FormError {
    /// Longer than [`Form::MAX_LENGTH`].
    #[error("the request has more than {} bytes of parameters", Form::MAX_LENGTH)]
    TooLong,
    /// RFC 6749 §3.1: parameters must not be included more than once.
    #[error("a parameter appears more than once")]
    Repeated,
}

impl Form {
    /// Maximum length of a query or body in bytes.
    pub const MAX_LENGTH: usize = 16 * 1024;

    /// Parses a query string (without `?`) or a body.
    pub fn parse(encoded: &[u8]) -> Result<Self, FormError> {
        if encoded.len() > Self::MAX_LENGTH {
            return Err(FormError::TooLong);
        }
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if parameters.insert(name.into_owned(), Secret::new(value)).is_some() {
                return Err(FormError::Repeated);
            }
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self { parameters })
    }

    /// A parameter's text; `None` if it is missing or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(Secret::expose)
    }

    /// A secret parameter.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.parameters.get(name)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.parameters.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parameters_count_as_left_out_and_repeated_ones_are_refused() {
        let form = Form::parse(b"a=1&b=&c=x%20y%2Bz+w").unwrap();
        assert_eq!(form.text("a"), Some("1"));
        assert_eq!(form.text("b"), None);
        assert_eq!(form.text("c"), Some("x y+z w"));
        assert_eq!(Form::parse(b"a=1&a=1").unwrap_err(), FormError::Repeated);
        assert_eq!(Form::parse(b"a=1&a=").unwrap_err(), FormError::Repeated);
        assert_eq!(Form::parse(&vec![b'a'; 20_000]).unwrap_err(), FormError::TooLong);
    }

    #[test]
    fn debug_shows_names_only() {
        let form = Form::parse(b"password=hunter2").unwrap();
        assert_eq!(format!("{form:?}"), r#"{"password"}"#);
    }
}
