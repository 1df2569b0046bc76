//! Exchanges a machine client's secret for an access token (RFC 6749 §4.4).
//! Never issues a refresh token (§4.4.3) or an ID token: no user signed in.

use super::{Granted, Request};
use crate::{
    TokenError,
    clients::Caller,
    mint::{SignInFacts, Subject},
    opaque, scope,
};

pub(super) fn grant(request: &Request<'_>) -> Result<Granted, TokenError> {
    let Caller::Machine(client) = request.caller else {
        return Err(TokenError::UnauthorizedClient);
    };
    Ok(Granted {
        subject: Subject {
            id: client.id.clone(),
            // No user name contains a colon, so no user can have this name.
            username: format!("client:{}", client.id),
            groups: client.groups.clone(),
        },
        sign_in: SignInFacts {
            session_id: opaque::identifier("")?,
            authenticated_at: None,
            ends_at: request.now.plus(request.issuer.settings.token_lifetime),
        },
        scope: scope::granted_to_machine(request.form.text("scope")),
        nonce: None,
        with_id_token: false,
        refresh_token: None,
    })
}
