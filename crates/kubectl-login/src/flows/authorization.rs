//! The authorization request, for every way in which its answer comes back.
//! Never without `state` and `nonce`; without a proof key only if an option says so.

use login_protocols::{
    oauth2::{
        authorization::{AuthorizationRequest, ResponseMode},
        token_endpoint::audience_parameters,
    },
    oidc::ProviderMetadata,
};
use url::Url;

use super::{FlowError, issuer_client::IssuerClient, providers, request::Request};
use crate::options::target::{Callback, RESPONSE_MODE};

/// The address of the page to open.
pub fn url(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    request: &Request,
    redirect_uri: &str,
    response_mode: Option<ResponseMode>,
) -> Result<Url, FlowError> {
    let target = issuer_client.target;
    let endpoint = issuer_client.endpoint(&metadata.authorization_endpoint, "the browser flow")?;
    let parameters = &target.callback.parameters;
    let mut extra = audience_parameters(target.audience.as_deref());
    if let Some(account) = &target.account {
        extra.push(("login_hint", account));
    }
    extra.extend(providers::parameters(&target.issuer, metadata));
    // Explicit parameters win; a parameter sent twice would be an error (RFC 6749 §3.1).
    extra.retain(|(name, _)| !parameters.iter().any(|(given, _)| given == name));
    extra.extend(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let challenge = target.callback.proof_key.then(|| request.verifier.challenge_s256());
    let url = AuthorizationRequest {
        endpoint,
        client_id: &target.client_id,
        redirect_uri,
        scopes: &issuer_client.scopes(metadata),
        state: &request.state,
        nonce: &request.nonce,
        code_challenge: challenge.as_deref(),
        response_mode,
        extra: &extra,
    };
    Ok(url.to_url())
}

/// `form_post` where the issuer lists it: it keeps the code out of histories and logs. Browsers
/// post to http on loopback without a warning, as it counts as trustworthy. `None` where an option
/// sets the mode.
pub fn response_mode(callback: &Callback, metadata: &ProviderMetadata) -> Option<ResponseMode> {
    if callback.parameters.iter().any(|(name, _)| name == RESPONSE_MODE) {
        return None;
    }
    let modes = metadata.response_modes.as_ref()?;
    let form_post = ResponseMode::FormPost;
    modes.iter().any(|mode| mode == form_post.as_str()).then_some(form_post)
}
