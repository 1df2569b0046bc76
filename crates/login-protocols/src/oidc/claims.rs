//! The claims of a token (RFC 7519 §4): a JSON object, parsed strictly.
//! Never decides whether a claim is true: that needs the signature, which the caller verifies.

use std::fmt;

use login_common::{strict_json, time::UnixTime};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// From here on, floating point in other parsers cannot represent every whole second.
const MOMENTS_END: i64 = 1 << 53;

/// Why bytes or a member of them are not valid claims. Contains nothing of them.
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

/// What the party that knows a token states about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// The token is valid, and belongs to what these claims say.
    Valid(Claims),
    /// The token is not valid: expired, revoked, another party's, or made up.
    Invalid,
}

impl Claims {
    /// Parses the decoded payload of a token. Names are case-sensitive.
    pub fn parse(json: &[u8]) -> Result<Self, ClaimsError> {
        let claims = strict_json::object(json).map_err(|_| ClaimsError::NotAnObject)?;
        Ok(Self(claims.into_map()))
    }

    /// The claim `name`.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The claim `name`, if it is a string.
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

    /// `aud` as a list: absent or null is empty, as in Go; a string is a list of one
    /// (RFC 7519 §4.1.3).
    pub fn checked_audiences(&self) -> Result<Vec<&str>, ClaimsError> {
        const MALFORMED: ClaimsError = ClaimsError::Malformed("aud");
        match self.0.get("aud") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(audience)) => Ok(vec![audience]),
            Some(Value::Array(list)) => {
                let audiences = list.iter().filter(|audience| !audience.is_null());
                audiences.map(|audience| audience.as_str().ok_or(MALFORMED)).collect()
            }
            Some(_) => Err(MALFORMED),
        }
    }

    /// `exp`, if it is after the epoch.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.moment("exp").filter(|moment| moment.as_seconds() > 0)
    }

    /// The claim `name`, if it is a `NumericDate`; fractions of a second are dropped.
    pub fn moment(&self, name: &str) -> Option<UnixTime> {
        numeric_date(self.0.get(name)?)
    }

    /// The claim `name` as a `NumericDate`; any other value is an error. Null counts as absent.
    pub fn checked_moment(&self, name: &'static str) -> Result<Option<UnixTime>, ClaimsError> {
        self.0
            .get(name)
            .filter(|value| !value.is_null())
            .map(|value| numeric_date(value).ok_or(ClaimsError::Malformed(name)))
            .transpose()
    }

    /// All claims.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Claims {
    /// Claims that do not come from a token: our own, or those of a test.
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
/// `"nbf":0`. So is a JSON number in a string: every parser that accepts it, such as
/// kube-apiserver's, reads the same number.
fn numeric_date(value: &Value) -> Option<UnixTime> {
    let of_text = match value {
        Value::String(text) => Some(Value::Number(number(text)?)),
        _ => None,
    };
    let value = of_text.as_ref().unwrap_or(value);
    let seconds = match value.as_i64() {
        Some(seconds) => seconds,
        None => whole_seconds(value.as_f64()?)?,
    };
    (1 - MOMENTS_END..MOMENTS_END).contains(&seconds).then(|| UnixTime::from_seconds(seconds))
}

/// The text as a JSON number; surrounding white space, which a JSON document may have, is refused.
fn number(text: &str) -> Option<Number> {
    let is_bare = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_whitespace());
    let bytes = text.as_bytes();
    (is_bare(bytes.first()) && is_bare(bytes.last())).then(|| text.parse().ok())?
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the number lies within 2^53, where both are exact but for the fraction"
)]
fn whole_seconds(number: f64) -> Option<i64> {
    (number.abs() < MOMENTS_END as f64).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn names_are_exact_and_types_are_not_guessed() {
        let claims = claims(r#"{"iss":"a","ISS":"b","sub":7,"aud":["x","y"],"exp":1.9,"nbf":"x"}"#);
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
        for exp in ["0", "0.9", "-1", "9007199254740992", "1e300", "null", "\"x\"", "[1]"] {
            assert_eq!(claims(&format!("{{\"exp\":{exp}}}")).expires_at(), None, "{exp}");
        }
        let last = claims(r#"{"exp":9007199254740991}"#).expires_at();
        assert_eq!(last, Some(UnixTime::from_seconds((1 << 53) - 1)));
    }

    #[test]
    fn a_moment_is_a_number_or_a_text_that_is_one() {
        for (moment, expected) in [
            ("5", Some(5)),
            ("5.9", Some(5)),
            ("-1", Some(-1)),
            ("-1.5", Some(-1)),
            (r#""5""#, Some(5)),
            (r#""5.9""#, Some(5)),
            (r#""1e3""#, Some(1000)),
            (r#""-7""#, Some(-7)),
            ("9007199254740991", Some((1 << 53) - 1)),
        ] {
            let claims = claims(&format!("{{\"iat\":{moment}}}"));
            let expected = expected.map(UnixTime::from_seconds);
            assert_eq!(claims.checked_moment("iat"), Ok(expected), "{moment}");
            assert_eq!(claims.moment("iat"), expected, "{moment}");
        }
        assert_eq!(claims(r#"{"iat":null}"#).checked_moment("iat"), Ok(None));
        for moment in [
            r#""""#,
            r#"" 5""#,
            r#""5 ""#,
            r#""0x5""#,
            r#""05""#,
            r#""5s""#,
            r#""NaN""#,
            r#""1e999""#,
            r#""2026-01-31T12:00:00Z""#,
            r#""true""#,
            r#""null""#,
            r#""\"5\"""#,
            "true",
            "[5]",
            "{}",
            "9007199254740992",
            "-9007199254740992",
            "1e300",
            "-1e300",
        ] {
            let claims = claims(&format!("{{\"iat\":{moment}}}"));
            assert_eq!(
                claims.checked_moment("iat"),
                Err(ClaimsError::Malformed("iat")),
                "{moment}"
            );
        }
    }

    #[test]
    fn an_audience_may_stand_among_any_number_of_others() {
        let many: Vec<String> = (0..1000).map(|n| format!("client-{n}")).collect();
        let claims = Claims::from(Map::from_iter([("aud".to_owned(), Value::from(many))]));
        assert_eq!(claims.checked_audiences().map(|audiences| audiences.len()), Ok(1000));
    }

    #[test]
    fn malformed_audiences_are_no_audiences() {
        for aud in ["null", "[]", "[null]"] {
            let claims = claims(&format!("{{\"aud\":{aud}}}"));
            assert_eq!(claims.checked_audiences(), Ok(vec![]), "{aud}");
        }
        assert_eq!(claims(r#"{"aud":["x",null]}"#).checked_audiences(), Ok(vec!["x"]));
        for aud in ["7", "{}", "[1]", "[\"x\",1]", "[[\"x\"]]"] {
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
