//! Machine clients with a secret: client credentials and client authentication.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_protocols::oauth2::token_endpoint::{ClientAuthentication, Grant, token_request};
use serde_json::json;

use super::*;

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[test]
fn a_machine_gets_an_access_token_and_nothing_else() {
    let rig = Rig::new();
    let client = ClientId::parse("ci").unwrap();
    let scopes = ["openid".to_owned(), "offline_access".to_owned(), "groups".to_owned()];
    for authentication in [
        ClientAuthentication::Basic(rig.ci_secret.clone()),
        ClientAuthentication::Post(rig.ci_secret.clone()),
    ] {
        let grant = Grant::ClientCredentials { scopes: &scopes };
        let request = token_request(&client, &authentication, &grant, None);
        let form = Form::parse(request.body().expose().as_bytes()).unwrap();
        let header = request.authorization().map(Secret::expose);
        let answer = rig.issuer.token(&form, header, &|_| false, at(0)).unwrap();
        assert!(answer.id_token.is_none() && answer.refresh_token.is_none());
        assert_eq!(answer.scope, "groups");
        let mut claims = rig.claims(&answer.access_token, "kubernetes", at(1));
        assert!(claims.remove("jti").is_some() && claims.remove("sid").is_some());
        let expected = json!({
            "iss": ISSUER, "sub": "ci", "aud": "kubernetes", "client_id": "ci",
            "iat": at(0).as_seconds(), "exp": at(600).as_seconds(),
            "preferred_username": "client:ci", "groups": ["deployers"], "scope": "groups",
        });
        assert_eq!(Value::Object(claims), expected);
    }
}

#[test]
fn clients_that_do_not_prove_who_they_are_get_nothing() {
    let rig = Rig::new();
    let secret = rig.ci_secret.expose();
    let ask = |body: &str, header: Option<&str>| {
        let form = Form::parse(format!("grant_type=client_credentials&{body}").as_bytes()).unwrap();
        let refusal = rig.issuer.token(&form, header, &|_| false, at(0)).unwrap_err();
        (refusal.status(), refusal.error(), refusal.challenge().is_some())
    };
    let unproven = (401, "invalid_client", false);
    assert_eq!(ask("client_id=ci", None), unproven);
    assert_eq!(ask("client_id=ci&client_secret=", None), unproven);
    assert_eq!(ask("client_id=ci&client_secret=wrong", None), unproven);
    assert_eq!(ask("client_id=CI&client_secret=x", None), unproven);
    assert_eq!(ask("client_id=kubectl-login&client_secret=x", None), unproven);

    let challenged = (401, "invalid_client", true);
    assert_eq!(ask("", Some(&basic("ci", "wrong"))), challenged);
    assert_eq!(ask("", Some(&basic("ci", ""))), challenged);
    assert_eq!(ask("", Some("Bearer abc")), challenged);
    assert_eq!(ask("", Some("Basic !!!")), challenged);

    let twice = (400, "invalid_request", false);
    let post = format!("client_id=ci&client_secret={secret}");
    assert_eq!(ask(&post, Some(&basic("ci", secret))), twice);
    assert_eq!(ask("client_id=other", Some(&basic("ci", secret))), twice);
    // Any caller can claim to be the public client, so that alone grants nothing.
    assert_eq!(ask("client_id=kubectl-login", None), (400, "unauthorized_client", false));
}

#[test]
fn a_deleted_machine_gets_nothing_more() {
    let rig = Rig::new();
    let body = format!(
        "grant_type=client_credentials&client_id=ci&client_secret={}",
        rig.ci_secret.expose()
    );
    assert!(rig.token(&body, at(0)).is_ok());
    rig.issuer.administration().delete_client(&ClientId::parse("ci").unwrap()).unwrap();
    assert_eq!(refused(rig.token(&body, at(1))).1, "invalid_client");
}
