//! TokenReview (`authentication.k8s.io`, v1 and v1beta1): the request that kube-apiserver posts,
//! and the response that it expects.
//! Never echoes `spec`, and never answers in another version than the request's.

use serde::Serialize;
use thiserror::Error;

use crate::{
    identity::Identity,
    secret::Secret,
    strict_json::{self, Json, Object, StrictJsonError},
};

/// A version of `authentication.k8s.io`. kube-apiserver's default is still v1beta1, and it
/// cannot read an answer in the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewApiVersion {
    /// `authentication.k8s.io/v1`
    V1,
    /// `authentication.k8s.io/v1beta1`
    V1Beta1,
}

impl ReviewApiVersion {
    /// Every version, newest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V1Beta1];

    /// The text in `apiVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "authentication.k8s.io/v1",
            Self::V1Beta1 => "authentication.k8s.io/v1beta1",
        }
    }
}

/// The request: whose token is this, and is it valid for one of these audiences?
#[derive(Clone, Debug)]
pub struct ReviewRequest {
    /// The answer must carry exactly this version.
    pub api_version: ReviewApiVersion,
    /// The bearer token; empty when the caller sent none.
    pub token: Secret,
    /// Audiences of the caller; empty when it named none.
    pub audiences: Vec<String>,
}

/// Why a body is not a TokenReview; each is the caller's fault (HTTP 400).
#[derive(Debug, Error)]
pub enum ReviewRequestError {
    /// Not one JSON object, a duplicate key, or nested too deeply.
    #[error("the body is not a TokenReview")]
    Malformed(#[source] StrictJsonError),
    /// The named member has another type than in a TokenReview.
    #[error("the body is not a TokenReview: the type of `{0}` is wrong")]
    WrongType(&'static str),
    /// `kind` is missing or wrong. It is not shown: the caller wrote it, and it may be a token.
    #[error("the body is not of kind `TokenReview`")]
    WrongKind,
    /// `apiVersion` is missing or unknown; the caller could read no response.
    #[error(
        "the body has an unknown apiVersion; known are `authentication.k8s.io/v1` and \
         `authentication.k8s.io/v1beta1`"
    )]
    UnknownVersion,
}

impl ReviewRequest {
    /// Parses a request body. Unknown fields are ignored, as a newer kube-apiserver may add some.
    pub fn parse(body: &[u8]) -> Result<Self, ReviewRequestError> {
        let question = strict_json::object(body).map_err(ReviewRequestError::Malformed)?;
        let kind = text(&question, "kind")?.unwrap_or_default();
        if kind != "TokenReview" {
            return Err(ReviewRequestError::WrongKind);
        }
        let version = text(&question, "apiVersion")?.unwrap_or_default();
        let api_version = ReviewApiVersion::ALL
            .into_iter()
            .find(|known| known.as_str() == version)
            .ok_or(ReviewRequestError::UnknownVersion)?;
        let (token, audiences) = match question.get("spec") {
            None | Some(Json::Null) => (None, Vec::new()),
            Some(Json::Object(spec)) => (text(spec, "token")?, texts(spec, "audiences")?),
            Some(_) => return Err(ReviewRequestError::WrongType("spec")),
        };
        Ok(Self { api_version, token: Secret::new(token.unwrap_or_default()), audiences })
    }
}

/// A text member; Go omits an empty one or writes `null`.
fn text<'o>(
    object: &'o Object<'_>,
    name: &'static str,
) -> Result<Option<&'o str>, ReviewRequestError> {
    match object.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(ReviewRequestError::WrongType(name)),
    }
}

fn texts(object: &Object<'_>, name: &'static str) -> Result<Vec<String>, ReviewRequestError> {
    let text = |item: &Json<'_>| match item {
        Json::Text(text) => Ok(text.to_string()),
        _ => Err(ReviewRequestError::WrongType(name)),
    };
    match object.get(name) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(items)) => items.iter().map(text).collect(),
        Some(_) => Err(ReviewRequestError::WrongType(name)),
    }
}

#[derive(Serialize)]
struct WireAnswer<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    status: WireStatus<'a>,
}

#[derive(Serialize)]
struct WireStatus<'a> {
    authenticated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<WireUser<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    audiences: &'a [String],
}

#[derive(Serialize)]
struct WireUser<'a> {
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    groups: &'a [String],
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extra: &'a std::collections::BTreeMap<String, Vec<String>>,
}

/// The response for an accepted token. `audiences` are the requested ones for which the token is
/// valid; empty omits the field, which kube-apiserver reads as "for me".
pub fn render_authenticated(
    version: ReviewApiVersion,
    identity: &Identity,
    audiences: &[String],
) -> Vec<u8> {
    let user = WireUser {
        username: &identity.username,
        uid: &identity.uid,
        groups: &identity.groups,
        extra: &identity.extra,
    };
    to_bytes(version, WireStatus { authenticated: true, user: Some(user), audiences })
}

/// The response for a refused token: no user, and no `error`, so that kube-apiserver may cache it.
pub fn render_unauthenticated(version: ReviewApiVersion) -> Vec<u8> {
    to_bytes(version, WireStatus { authenticated: false, user: None, audiences: &[] })
}

fn to_bytes(version: ReviewApiVersion, status: WireStatus<'_>) -> Vec<u8> {
    let answer = WireAnswer { kind: "TokenReview", api_version: version.as_str(), status };
    // Strings, booleans and string-keyed maps always serialise.
    serde_json::to_vec(&answer).unwrap_or_default()
}

#[cfg(test)]
mod tests;
