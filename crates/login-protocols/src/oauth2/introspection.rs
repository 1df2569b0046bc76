//! Token introspection at an authorization server (RFC 7662).
//! Never treats a fault of the request, such as a wrong client secret, as an answer about the
//! token; never guesses what a response means.

use login_common::{Secret, names::ClientId, strict_json};
use serde_json::Value;
use thiserror::Error;

use super::{
    error::OAuthErrorCode,
    token_endpoint::{ClientAuthentication, FormRequest, TokenEndpointError, failure},
};
use crate::oidc::{Claims, Statement};

/// Maximum length of a response in bytes; it contains the claims of one token.
pub const MAX_ANSWER_LENGTH: usize = 64 * 1024;

/// Why a response says nothing about the token.
#[derive(Debug, Error)]
pub enum IntrospectionError {
    /// The server refuses our client id and secret: the operator's fault.
    #[error(
        "the introspection endpoint answered {status}: it does not accept our client id and secret"
    )]
    Credentials {
        /// The HTTP status.
        status: u16,
    },
    /// The server refuses this one request: often a proxy's filter, or a server that refuses the
    /// token's shape. Says nothing about other requests.
    #[error("the introspection endpoint answered {status} to the question about this token")]
    Question {
        /// The HTTP status.
        status: u16,
    },
    /// The server failed, or returned an OAuth error.
    #[error("the introspection endpoint gave no answer")]
    Failed(#[source] TokenEndpointError),
    /// The media type is not JSON; often a proxy's page.
    #[error("the introspection endpoint answered with another media type than `application/json`")]
    MediaType,
    /// Not a JSON object with unique keys, or too long.
    #[error("the introspection endpoint's answer is not a JSON object with unique keys")]
    NotAnObject,
    /// `active` is missing, or neither `true` nor `false`.
    #[error("the introspection endpoint's answer has no boolean `active`")]
    NoVerdict,
}

/// The introspection request for `token`.
pub fn introspection_request(
    client: &ClientId,
    authentication: &ClientAuthentication,
    token: &Secret,
) -> FormRequest {
    let mut form = FormRequest::new(client, authentication);
    form.push_secret("token", token);
    form.push("token_type_hint", "access_token");
    form
}

/// What the response states (RFC 7662 §2.2): `"active": true` with all other members, or
/// `"active": false`. `media_type` is the `Content-Type` header, if present.
pub fn parse_introspection_response(
    status: u16,
    media_type: Option<&str>,
    body: &[u8],
) -> Result<Statement, IntrospectionError> {
    let failed = failure(status, body);
    let error = failed.as_ref().and_then(TokenEndpointError::oauth_error);
    let is_about_the_client = match error {
        None => status == 401,
        Some(error) => status == 401 || error.code == OAuthErrorCode::InvalidClient,
    };
    if is_about_the_client {
        return Err(IntrospectionError::Credentials { status });
    }
    let is_about_the_token = error.is_none_or(|error| error.code == OAuthErrorCode::InvalidRequest);
    if matches!(status, 400 | 403 | 413 | 414) && is_about_the_token {
        return Err(IntrospectionError::Question { status });
    }
    if let Some(error) = failed {
        return Err(IntrospectionError::Failed(error));
    }
    let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return Err(IntrospectionError::MediaType);
    }
    if body.len() > MAX_ANSWER_LENGTH {
        return Err(IntrospectionError::NotAnObject);
    }
    let members = strict_json::object(body).map_err(|_| IntrospectionError::NotAnObject)?;
    let members = members.into_map();
    match members.get("active") {
        Some(Value::Bool(true)) => Ok(Statement::Valid(Claims::from(members))),
        Some(Value::Bool(false)) => Ok(Statement::Invalid),
        _ => Err(IntrospectionError::NoVerdict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");

    fn outcome(status: u16, media_type: Option<&str>, body: &str) -> String {
        match parse_introspection_response(status, media_type, body.as_bytes()) {
            Ok(Statement::Valid(claims)) => {
                format!("active {}", claims.subject().unwrap_or("-"))
            }
            Ok(Statement::Invalid) => "inactive".to_owned(),
            Err(IntrospectionError::Failed(error)) => format!("failed: {error}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_request_has_the_form_of_the_rfc() {
        let form = introspection_request(
            &ClientId::parse("kube").unwrap(),
            &ClientAuthentication::Basic(Secret::new("s")),
            &Secret::new("o/1"),
        );
        assert_eq!(form.body().expose(), "token=o%2F1&token_type_hint=access_token");
        assert_eq!(form.authorization().unwrap().expose(), "Basic a3ViZTpz");
    }

    #[test]
    fn an_answer_says_yes_or_no_by_a_boolean_only() {
        assert_eq!(outcome(200, JSON, r#"{"active":true,"sub":"jane"}"#), "active jane");
        assert_eq!(outcome(200, JSON, r#"{"active":false}"#), "inactive");
        assert_eq!(outcome(200, JSON, r#"{"active":false,"sub":"jane"}"#), "inactive");
        for body in [
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"Active":true}"#,
            "{}",
        ] {
            assert!(outcome(200, JSON, body).ends_with("no boolean `active`"), "{body}");
        }
        for body in ["", "[]", "true", "<html>", r#"{"active":true,"active":false}"#, "{} {}"] {
            assert!(outcome(200, JSON, body).contains("not a JSON object"), "{body}");
        }
        let long = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(MAX_ANSWER_LENGTH));
        assert!(outcome(200, JSON, &long).contains("not a JSON object"));
    }

    #[test]
    fn a_fault_of_the_question_is_no_answer_about_the_token() {
        for (status, media_type, body, expected) in [
            (401, JSON, r#"{"error":"invalid_client"}"#, "does not accept our client id"),
            (401, None, "", "does not accept our client id"),
            (403, JSON, r#"{"error":"invalid_client"}"#, "does not accept our client id"),
            (400, JSON, r#"{"error":"invalid_client"}"#, "does not accept our client id"),
            (403, None, "", "403 to the question about this token"),
            (413, None, "<html>", "413 to the question about this token"),
            (400, None, "", "400 to the question about this token"),
            (400, JSON, r#"{"error":"unauthorized_client"}"#, "400 `unauthorized_client`"),
            (401, JSON, r#"{"active":false}"#, "does not accept our client id"),
            (400, JSON, r#"{"error":"invalid_request"}"#, "400 to the question about this token"),
            (200, JSON, r#"{"error":"server_error"}"#, "out of order"),
            (500, JSON, r#"{"active":false}"#, "out of order"),
            (429, JSON, r#"{"active":false}"#, "out of order"),
            (302, None, "", "302 without an OAuth error"),
            (404, JSON, r#"{"active":false}"#, "404 without an OAuth error"),
            (200, Some("text/html"), r#"{"active":true}"#, "another media type"),
            (200, None, r#"{"active":true}"#, "another media type"),
        ] {
            let said = outcome(status, media_type, body);
            assert!(said.contains(expected), "{status} {body}: {said}");
        }
    }
}
