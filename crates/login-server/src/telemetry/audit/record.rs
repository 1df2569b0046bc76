//! The fields of an audit record.
//! Never holds a token, or a claim beyond these.

use std::time::Duration;

use login_common::UnixTime;
use serde::{Serialize, Serializer};

use super::TARGET;
use crate::telemetry::decision::{Decided, Origin, Outcome};

/// Texts from a token are cut to this many characters.
const MAX_TEXT: usize = 256;

/// 64 bits of an HMAC, in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextHash(u64);

impl TextHash {
    pub(super) const fn new(hash: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(hash))
    }
}

impl Serialize for TextHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

/// The record of one decision. An absent field was not known.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    time: String,
    level: &'static str,
    target: &'static str,
    #[serde(rename = "decisionID")]
    decision_id: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Answered from the cache; the record of the decision itself has the same ID.
    cached: bool,
    latency_microseconds: u64,
    /// What is known of the token and its owner.
    #[serde(flatten)]
    pub subject: Subject<'a>,
    /// The caller, and what it asked.
    #[serde(flatten)]
    pub question: Asked<'a>,
}

/// The token, and the user that it identified.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject<'a> {
    /// The kind of authenticator that judged the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticator: Option<&'static str>,
    /// The configured issuer that the token names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<&'a str>,
    /// Accepted users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<&'a str>,
    /// How many groups an accepted user has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<usize>,
    /// `jti`.
    #[serde(rename = "credentialID", skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<&'a str>,
    /// The session, for issuers that name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<&'a str>,
    /// The hash of `sub`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_hash: Option<TextHash>,
    /// The expression of the configuration that refused it, with the message of a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// `kid`.
    #[serde(rename = "keyID", skip_serializing_if = "Option::is_none")]
    pub key_id: Option<&'a str>,
    /// The hash of the whole token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<TextHash>,
}

/// The caller, and what it asked.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked<'a> {
    /// The caller's address.
    pub caller: String,
    /// The name in the caller's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_name: Option<&'a str>,
    /// `v1` or `v1beta1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<&'static str>,
    /// The audiences of the review.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub audiences: &'a [String],
}

impl<'a> Record<'a> {
    /// A record of `decided` at `time`, in milliseconds since the epoch.
    pub fn new(
        time: u64,
        decided: Decided,
        origin: Origin,
        took: Duration,
        subject: Subject<'a>,
        question: Asked<'a>,
    ) -> Self {
        let is_outage = matches!(decided.outcome, Outcome::CannotTell(_));
        Self {
            time: time_text(time),
            level: if is_outage { "WARN" } else { "INFO" },
            target: TARGET,
            decision_id: decided.id.to_string(),
            outcome: decided.outcome.as_str(),
            reason: decided.outcome.reason(),
            cached: origin == Origin::Cache,
            latency_microseconds: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            subject,
            question,
        }
    }
}

/// `text`, cut to the length that a record may hold.
pub fn bounded(text: &str) -> &str {
    text.char_indices().nth(MAX_TEXT).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

/// RFC 3339 with milliseconds.
fn time_text(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
    let whole = UnixTime::from_seconds(seconds).to_rfc3339();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), milliseconds % 1000)
}
