//! The claims of a token (RFC 7519 §4): a JSON object, read with care.
//! Never says whether a claim is true; that is decided by whoever checked the signature.

use std::fmt;

use login_common::{strict_json, time::UnixTime};
use serde_json::{Map, Value};
use thiserror::Error;

/// `aud` may list this many audiences.
pub const MAX_AUDIENCES: usize = 64;

/// Numbers from here on are not whole seconds any more in other readers' floating point.
const MOMENTS_END: i64 = 1 << 53;

/// Why bytes or a member of them are not claims. Says nothing of their content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ClaimsError {
    /// Not a JSON object in which every key is unique.
    #[error("the claims are not a JSON object with unique keys")]
    NotAnObject,
    /// The claim has a type or a value that its definition does not allow.
    #[error("claim `{0}` is malformed")]
    Malformed(&'static str),
}

/// A JSON object with unique keys.
#[derive(Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Reads the decoded payload of a token. Names are compared exactly, case included.
    pub fn parse(json: &[u8]) -> Result<Self, ClaimsError> {
        let claims = strict_json::object(json).map_err(|_| ClaimsError::NotAnObject)?;
        Ok(Self(claims.into_map()))
    }

    /// The claim of that name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The claim of that name, if it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `aud`, as a list; empty when it is absent or malformed.
    pub fn audiences(&self) -> Vec<&str> {
        self.checked_audiences().unwrap_or_default()
    }

    /// `aud` as a list: absent is empty; a text is a list of one (RFC 7519 §4.1.3).
    pub fn checked_audiences(&self) -> Result<Vec<&str>, ClaimsError> {
        const MALFORMED: ClaimsError = ClaimsError::Malformed("aud");
        match self.0.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(audience)) => Ok(vec![audience]),
            Some(Value::Array(list)) if list.len() <= MAX_AUDIENCES => {
                list.iter().map(|audience| audience.as_str().ok_or(MALFORMED)).collect()
            }
            Some(_) => Err(MALFORMED),
        }
    }

    /// `exp`, if it is after the epoch.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.moment("exp").filter(|moment| moment.as_seconds() > 0)
    }

    /// The claim of that name, if it is a `NumericDate`; parts of a second are dropped.
    pub fn moment(&self, name: &str) -> Option<UnixTime> {
        numeric_date(self.0.get(name)?)
    }

    /// The claim of that name as a `NumericDate`; present and not one is an error.
    pub fn checked_moment(&self, name: &'static str) -> Result<Option<UnixTime>, ClaimsError> {
        self.0
            .get(name)
            .map(|value| numeric_date(value).ok_or(ClaimsError::Malformed(name)))
            .transpose()
    }

    /// All claims.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Claims {
    /// Claims that were not read from a token: our own, or those of a test.
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl fmt::Debug for Claims {
    /// Shows the names only: the values are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claims").field(&self.0.keys().collect::<Vec<_>>()).finish()
    }
}

/// RFC 7519 §2: seconds since the epoch, whole or not. Zero is allowed: old Keycloak writes
/// `"nbf":0`.
fn numeric_date(value: &Value) -> Option<UnixTime> {
    let seconds = match value.as_i64() {
        Some(seconds) => seconds,
        None => whole_seconds(value.as_f64()?)?,
    };
    (0..MOMENTS_END).contains(&seconds).then(|| UnixTime::from_seconds(seconds))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the number lies between zero and 2^53, where both are exact but for the fraction"
)]
fn whole_seconds(number: f64) -> Option<i64> {
    (0.0..MOMENTS_END as f64).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn names_are_exact_and_types_are_not_guessed() {
        let claims = claims(r#"{"iss":"a","ISS":"b","sub":7,"aud":["x","y"],"exp":1.9,"nbf":"1"}"#);
        assert_eq!((claims.issuer(), claims.text("ISS")), (Some("a"), Some("b")));
        assert_eq!((claims.subject(), claims.text("Iss")), (None, None));
        assert_eq!(claims.value("sub"), Some(&Value::from(7)));
        assert_eq!(claims.audiences(), ["x", "y"]);
        assert_eq!(claims.expires_at(), Some(UnixTime::from_seconds(1)));
        assert_eq!(claims.moment("nbf"), None);
        assert_eq!(claims.checked_moment("nbf"), Err(ClaimsError::Malformed("nbf")));
        assert_eq!(claims.checked_moment("iat"), Ok(None));
        assert_eq!(claims.as_map().len(), 6);
    }

    #[test]
    fn an_expiry_at_the_epoch_or_beyond_all_time_is_none() {
        for exp in ["0", "0.9", "-1", "9007199254740992", "1e300", "null", "\"1\"", "[1]"] {
            assert_eq!(claims(&format!("{{\"exp\":{exp}}}")).expires_at(), None, "{exp}");
        }
        let last = claims(r#"{"exp":9007199254740991}"#).expires_at();
        assert_eq!(last, Some(UnixTime::from_seconds((1 << 53) - 1)));
    }

    #[test]
    fn malformed_audiences_are_no_audiences() {
        for aud in ["7", "{}", "null", "[1]", "[\"x\",null]", "[[\"x\"]]"] {
            let claims = claims(&format!("{{\"aud\":{aud}}}"));
            assert!(claims.audiences().is_empty(), "{aud}");
            assert_eq!(claims.checked_audiences(), Err(ClaimsError::Malformed("aud")), "{aud}");
        }
        assert_eq!(claims("{}").checked_audiences(), Ok(vec![]));
        assert_eq!(claims(r#"{"aud":"x"}"#).audiences(), ["x"]);
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!("{:?}", claims(r#"{"email":"alice@example.com"}"#));
        assert_eq!(shown, r#"Claims(["email"])"#);
    }
}
