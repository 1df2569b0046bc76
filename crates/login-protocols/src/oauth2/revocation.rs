//! Revokes a token at its issuer (RFC 7009).
//! Never treats a missing response as success: the session may still be active.

use login_common::{Secret, names::ClientId};

use super::token_endpoint::{ClientAuthentication, FormRequest, TokenEndpointError, failure};

/// The type of a token, as a hint for the issuer's lookup (RFC 7009 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// `refresh_token`
    RefreshToken,
    /// `access_token`
    AccessToken,
}

/// The request that revokes `token`, and with a refresh token the whole session.
pub fn revocation_request(
    client: &ClientId,
    authentication: &ClientAuthentication,
    token: &Secret,
    hint: TokenTypeHint,
) -> FormRequest {
    let mut form = FormRequest::new(client, authentication);
    form.push_secret("token", token);
    form.push(
        "token_type_hint",
        match hint {
            TokenTypeHint::RefreshToken => "refresh_token",
            TokenTypeHint::AccessToken => "access_token",
        },
    );
    form
}

/// Judges the response. A token that the issuer does not know counts as revoked (RFC 7009 §2.2).
pub fn parse_revocation_response(status: u16, body: &[u8]) -> Result<(), TokenEndpointError> {
    // Several issuers respond with 204.
    failure(status, body).map_or(Ok(()), |error| Err(error.outside_of_polling()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_the_form_of_the_rfc() {
        let form = revocation_request(
            &ClientId::parse("kube").unwrap(),
            &ClientAuthentication::Public,
            &Secret::new("r/1"),
            TokenTypeHint::RefreshToken,
        );
        assert_eq!(
            form.body().expose(),
            "client_id=kube&token=r%2F1&token_type_hint=refresh_token"
        );
    }

    #[test]
    fn only_a_success_counts_as_revoked() {
        for (status, body, expected) in [
            (200, "", "revoked"),
            (200, "{}", "revoked"),
            (204, "", "revoked"),
            (400, r#"{"error":"unsupported_token_type"}"#, "400 `unsupported_token_type`"),
            (401, r#"{"error":"invalid_client"}"#, "401 `invalid_client`"),
            (503, "", "503, which means that it is out of order"),
            (400, r#"{"error":"slow_down"}"#, "which means that it is out of order"),
            (302, "", "302 without an OAuth error"),
        ] {
            let outcome = parse_revocation_response(status, body.as_bytes())
                .map_or_else(|error| error.to_string(), |()| "revoked".to_owned());
            assert!(outcome.ends_with(expected), "{status} {body}: {outcome}");
        }
    }
}
