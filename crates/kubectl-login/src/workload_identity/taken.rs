//! What a source yielded when it was asked for the job's identity, and the digest of that identity:
//! a long-lived runner must not hand one job's token to the next.
//! Never exposes the identity in a file name: only its digest.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_cache::digest::digest_of;
use login_common::Secret;
use serde_json::Value;

use super::place::Place;
use crate::{options::identity_source::SourceKind, system::environment::Environment};

/// Claims that describe the moment, not the identity.
const OF_THE_MOMENT: [&str; 5] = ["iat", "nbf", "exp", "jti", "auth_time"];

/// The same inside `kubernetes.io`.
const WARN_AFTER: &str = "warnafter";

/// What a source yielded.
#[derive(Clone)]
pub struct Taken {
    says: String,
    /// `None` for a token service, whose answer is identified by the request token.
    token: Option<(Secret, Place)>,
}

impl Taken {
    /// A text from `place`.
    pub(super) fn token(kind: SourceKind, text: &str, place: Place) -> Self {
        let says = digest_of(format!("{}\n{}", kind.as_str(), said_by(text)).as_bytes());
        Self { says, token: Some((Secret::new(text), place)) }
    }

    /// The right to call a token service; different in each job.
    pub(super) fn right(kind: SourceKind, names: &[&str], environment: &dyn Environment) -> Self {
        let mut text = kind.as_str().to_owned();
        for name in names {
            let value = environment.variable(name).unwrap_or_default();
            let value = value.to_string_lossy();
            text.extend(["\n", name, " ", &value.len().to_string(), " ", &value]);
        }
        Self { says: digest_of(text.as_bytes()), token: None }
    }

    /// Digest of everything that distinguishes one job from another.
    pub fn says(&self) -> &str {
        &self.says
    }

    pub(super) fn found(&self) -> Option<(&Secret, &Place)> {
        self.token.as_ref().map(|(token, place)| (token, place))
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").field("says", &self.says).finish_non_exhaustive()
    }
}

impl PartialEq for Taken {
    fn eq(&self, other: &Self) -> bool {
        self.says == other.says
    }
}

impl Eq for Taken {}

/// The part of a token that identifies its job: all claims but those of the moment; the whole text
/// if it is not a JWT.
fn said_by(text: &str) -> String {
    let text = text.trim();
    let Some(payload) = payload(text) else { return text.to_owned() };
    let Ok(mut claims) = serde_json::from_slice::<BTreeMap<String, Value>>(&payload) else {
        return text.to_owned();
    };
    for name in OF_THE_MOMENT {
        claims.remove(name);
    }
    if let Some(Value::Object(bound)) = claims.get_mut("kubernetes.io") {
        bound.remove(WARN_AFTER);
    }
    // A JWT without a subject identifies no job, as if it were opaque.
    if claims.contains_key("sub") {
        serde_json::to_string(&claims).unwrap_or_else(|_| text.to_owned())
    } else {
        text.to_owned()
    }
}

/// The payload of a JWT.
pub(super) fn payload(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    URL_SAFE_NO_PAD.decode(payload).ok()
}
