//! Signing in with a browser: authorization request, login form, code, tokens.

use login_common::{
    Secret,
    names::{ClientId, IssuerUrl},
};
use login_protocols::{
    oauth2::authorization::{
        AuthorizationRequest, Callback, CallbackExpectations, Nonce, State, read_callback,
    },
    oauth2::token_endpoint::{ClientAuthentication, Grant, parse_token_response, token_request},
    oidc::{ProviderMetadata, check_from_token_endpoint},
};
use serde_json::json;

use super::*;
use crate::{AuthorizationRefusal, AuthorizationTicket, GrantType, TicketError};

#[test]
fn the_client_of_this_project_and_the_issuer_agree() {
    let rig = Rig::new();
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    let client = ClientId::parse("kubectl-login").unwrap();
    let discovery = rig.issuer.discovery().to_string();
    let provider = ProviderMetadata::parse(discovery.as_bytes(), &issuer).unwrap();
    assert!(provider.authorization_response_iss_parameter_supported);

    let (state, nonce) = (State::from_random([1; 32]), Nonce::from_random([2; 32]));
    let url = AuthorizationRequest {
        endpoint: provider.authorization_endpoint.offered().unwrap(),
        client_id: &client,
        redirect_uri: REDIRECT,
        scopes: &["openid".to_owned(), "offline_access".to_owned()],
        state: &state,
        nonce: &nonce,
        code_challenge: Some(&verifier().challenge_s256()),
        response_mode: None,
        extra: &[("login_hint", "alice")],
    }
    .to_url();
    assert_eq!(url.path(), "/authorize");
    let prompt = rig.issuer.authorize(url.query().unwrap(), at(0)).unwrap();
    assert_eq!(prompt.login_hint.as_deref(), Some("alice"));
    assert_eq!(prompt.redirect_origin, "http://127.0.0.1:4242");

    let location = rig.submit(&prompt, "alice", PASSWORD, at(30)).unwrap();
    let expected =
        CallbackExpectations { state: &state, issuer: &issuer, issuer_must_be_named: true };
    let Callback::Answer(Ok(code)) = read_callback(location.query().unwrap(), &expected) else {
        panic!("{location}")
    };
    let grant = Grant::AuthorizationCode {
        code: &code,
        redirect_uri: REDIRECT,
        verifier: Some(&verifier()),
    };
    let request = token_request(&client, &ClientAuthentication::Public, &grant, None);
    let answer = rig.token(request.body().expose(), at(31)).unwrap();
    let tokens = parse_token_response(200, answer.body().expose().as_bytes()).unwrap();
    assert_eq!(tokens.expires_in, Some(seconds(600)));
    let facts = check_from_token_endpoint(
        tokens.id_token.unwrap().expose(),
        &issuer,
        &client,
        Some(nonce.as_str()),
        at(31),
    )
    .unwrap();
    assert_eq!(facts.preferred_username.as_deref(), Some("alice"));
    assert_eq!(facts.expires_at, at(631));
}

#[test]
fn tokens_say_who_signed_in_when_and_for_whom_they_are() {
    let rig = Rig::new();
    let code = rig.code(&[], at(0));
    let answer = rig.exchange(&code, &[], at(5)).unwrap();
    assert_eq!(answer.scope, "openid offline_access");
    assert!(answer.refresh_token.as_ref().unwrap().expose().starts_with("klr_"));

    let mut id = rig.claims(answer.id_token.as_ref().unwrap(), "kubectl-login", at(5));
    let mut access = rig.claims(&answer.access_token, "kubernetes", at(5));
    assert_ne!(id.remove("jti").unwrap(), access.remove("jti").unwrap());
    let common = json!({
        "iss": ISSUER, "sub": rig.alice.id, "exp": at(605).as_seconds(),
        "iat": at(5).as_seconds(), "auth_time": at(0).as_seconds(),
        "sid": answer.grantee.session_id,
        "preferred_username": "alice", "groups": ["developers"],
    });
    let with = |further: Value| {
        let mut all = common.as_object().unwrap().clone();
        all.extend(further.as_object().unwrap().clone());
        all
    };
    assert_eq!(id, with(json!({"aud": "kubectl-login", "nonce": "the-nonce"})));
    let scope = "openid offline_access";
    assert_eq!(
        access,
        with(json!({"aud": "kubernetes", "client_id": "kubectl-login", "scope": scope}))
    );
    let kind =
        |token: &Secret| CompactJws::parse(token.expose()).unwrap().header().token_type.clone();
    assert_eq!(kind(&answer.access_token).as_deref(), Some("at+jwt"));
    assert_eq!(kind(answer.id_token.as_ref().unwrap()).as_deref(), Some("JWT"));
    assert_ne!(rig.alice.id, "alice", "`sub` is not the name");
}

#[test]
fn scope_decides_about_id_token_and_refresh_token_and_unknown_ones_are_ignored() {
    let rig = Rig::new();
    for (scope, granted, id_token, refresh_token) in [
        ("openid offline_access", "openid offline_access", true, true),
        ("openid email unknown", "openid", true, false),
        ("offline_access groups", "offline_access groups", false, true),
        ("", "", false, false),
    ] {
        let answer = rig.exchange(&rig.code(&[("scope", scope)], at(0)), &[], at(1)).unwrap();
        assert_eq!(answer.scope, granted);
        assert_eq!(answer.id_token.is_some(), id_token, "{scope}");
        assert_eq!(answer.refresh_token.is_some(), refresh_token, "{scope}");
    }
}

#[test]
fn requests_that_cannot_be_trusted_end_on_a_page() {
    let rig = Rig::new();
    let check = |changes: &[(&str, &str)], expected: &str| match rig.prompt(changes, at(0)) {
        Err(AuthorizationRefusal::Page(fault)) => assert_eq!(fault.to_string(), expected),
        other => panic!("{changes:?}: {other:?}"),
    };
    let unknown = "the client is not known to this issuer";
    let redirect = "the redirect address does not belong to the client";
    check(&[("client_id", "")], unknown);
    check(&[("client_id", "other")], unknown);
    check(&[("client_id", "ci")], unknown);
    check(&[("redirect_uri", "")], redirect);
    check(&[("redirect_uri", "https://evil.example/callback")], redirect);
    check(&[("state", "a"), ("state", "b")], "a parameter appears more than once");
    let long = "x".repeat(10_000);
    check(&[("state", &long)], "the request has more than 16384 bytes of parameters");
}

#[test]
fn other_faults_go_back_to_the_client_with_state_and_issuer() {
    let rig = Rig::new();
    for (changes, error) in [
        (&[("response_type", "")] as &[_], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("prompt", "none")], "login_required"),
        (&[("request", "x.y.z")], "request_not_supported"),
        (&[("request_uri", "https://x.example")], "request_uri_not_supported"),
    ] {
        let Err(AuthorizationRefusal::Redirect(refusal)) = rig.prompt(changes, at(0)) else {
            panic!("{changes:?}")
        };
        assert_eq!(refusal.error, error, "{changes:?}");
        assert!(refusal.location.as_str().starts_with(&format!("{REDIRECT}?error={error}&")));
        assert_eq!(parameter(&refusal.location, "state").as_deref(), Some("the-state"));
        assert_eq!(parameter(&refusal.location, "iss").as_deref(), Some(ISSUER));
        assert_eq!(
            parameter(&refusal.location, "error_description").as_deref(),
            Some(refusal.description)
        );
    }
}

#[test]
fn a_login_form_is_good_until_it_is_too_old_and_can_be_shown_again() {
    let rig = Rig::new();
    let prompt = rig.prompt(&[("login_hint", "al\u{7}ice")], at(0)).unwrap();
    assert_eq!(prompt.login_hint.as_deref(), Some("alice"));
    assert_eq!(prompt.expires_at, at(600));
    assert!(matches!(
        rig.submit(&prompt, "alice", "wrong", at(1)),
        Err(SignInRefusal::WrongCredentials)
    ));
    let again = rig.issuer.login_prompt(&prompt.ticket, at(2)).unwrap();
    assert_eq!(again.ticket, prompt.ticket);
    assert!(rig.submit(&again, "ALICE", PASSWORD, at(599)).is_ok(), "names have no case");
    assert!(matches!(
        rig.submit(&prompt, "alice", PASSWORD, at(600)),
        Err(SignInRefusal::Ticket(TicketError::Expired))
    ));
    let forged = AuthorizationTicket::from_form("AAAA");
    assert_eq!(rig.issuer.login_prompt(&forged, at(0)).unwrap_err(), TicketError::Forged);

    let cancelled = rig.issuer.cancel_sign_in(&prompt.ticket, at(3)).unwrap();
    assert_eq!(parameter(&cancelled, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&cancelled, "state").as_deref(), Some("the-state"));
}

#[test]
fn a_code_is_bound_to_everything_it_was_issued_for() {
    let rig = Rig::new();
    let code = rig.code(&[], at(0));
    let check = |changes: &[(&str, &str)], now, expected: (u16, &'static str, &str)| {
        let (status, error, text) = refused(rig.exchange(&code, changes, at(now)));
        assert_eq!((status, error, text.as_str()), expected, "{changes:?}");
    };
    let other_verifier = Verifier::from_random([8; 32]);
    let challenge = verifier().challenge_s256();
    let mismatch = "`code_verifier` does not match the code challenge";
    let unbound = "`redirect_uri` is not the one the code was issued for";
    check(
        &[("code_verifier", other_verifier.as_secret().expose())],
        1,
        (400, "invalid_grant", mismatch),
    );
    // The verifier that method `plain` would accept.
    check(&[("code_verifier", &challenge)], 1, (400, "invalid_grant", mismatch));
    check(&[("code_verifier", "")], 1, (400, "invalid_request", "`code_verifier` is missing"));
    check(
        &[("redirect_uri", "http://127.0.0.1:4243/callback")],
        1,
        (400, "invalid_grant", unbound),
    );
    check(&[("redirect_uri", "")], 1, (400, "invalid_request", "`redirect_uri` is missing"));
    check(&[("code", "")], 1, (400, "invalid_request", "`code` is missing"));
    check(
        &[("code", "klc_guess")],
        1,
        (400, "invalid_grant", "the authorization code is not valid"),
    );
    check(&[("client_id", "")], 1, (400, "invalid_request", "`client_id` is missing"));
    check(&[("grant_type", "")], 1, (400, "invalid_request", "`grant_type` is missing"));
    check(
        &[("grant_type", "password")],
        1,
        (400, "unsupported_grant_type", "this grant type is not available"),
    );
    check(
        &[("client_id", "nobody")],
        1,
        (401, "invalid_client", "the client is not known, or its secret is wrong"),
    );
    check(
        &[("client_id", "ci"), ("client_secret", rig.ci_secret.expose())],
        1,
        (400, "unauthorized_client", "this client may not use this grant type"),
    );
    check(&[], 60, (400, "invalid_grant", "the authorization code is not valid"));
    // None of these attempts used the code up.
    assert!(rig.exchange(&code, &[], at(59)).is_ok());
}

#[test]
fn a_code_used_twice_ends_the_session_it_began() {
    let rig = Rig::new();
    let code = rig.code(&[], at(0));
    let refresh_token = rig.exchange(&code, &[], at(1)).unwrap().refresh_token.unwrap();
    let refresh_token = rig.refresh(&refresh_token, &[], at(2)).unwrap().refresh_token.unwrap();

    let (_, error, text) = refused(rig.exchange(&code, &[], at(3)));
    assert_eq!(error, "invalid_grant");
    assert_eq!(text, "the authorization code was used before; its session is ended");
    let (_, error, _) = refused(rig.refresh(&refresh_token, &[], at(4)));
    assert_eq!(error, "invalid_grant");
}

#[test]
fn grants_that_are_off_are_neither_answered_nor_announced() {
    let on = Rig::new().issuer.discovery();
    assert_eq!(
        on["device_authorization_endpoint"],
        "https://login.example.com/device_authorization"
    );
    assert_eq!(on["code_challenge_methods_supported"], json!(["S256"]));

    let rig =
        Rig::with(IssuerSettings { grants: vec![GrantType::AuthorizationCode], ..settings() });
    let off = rig.issuer.discovery();
    assert_eq!(off["grant_types_supported"], json!(["authorization_code"]));
    assert_eq!(off.get("device_authorization_endpoint"), None);
    assert_eq!(off.get("revocation_endpoint"), None);
    let answer = rig.signed_in(at(0));
    assert!(answer.refresh_token.is_none());
    let (_, error, _) = refused(rig.refresh(&Secret::new("klr_x"), &[], at(1)));
    assert_eq!(error, "unsupported_grant_type");

    let rig = Rig::with(IssuerSettings { grants: vec![GrantType::DeviceCode], ..settings() });
    assert_eq!(rig.issuer.discovery().get("authorization_endpoint"), None);
    let Err(AuthorizationRefusal::Redirect(refusal)) = rig.prompt(&[], at(0)) else { panic!() };
    assert_eq!(refusal.error, "unauthorized_client");
}

#[test]
fn wrong_passwords_slow_down_the_name_and_the_network() {
    let rig = Rig::new();
    let attempt = |name: &str, password: &str, now| {
        let prompt = rig.prompt(&[], at(now)).unwrap();
        match rig.submit(&prompt, name, password, at(now)) {
            Ok(_) => "in".to_owned(),
            Err(SignInRefusal::WrongCredentials) => "wrong".to_owned(),
            Err(SignInRefusal::Throttled { until }) => {
                format!("wait {}", until.since(at(now)).as_secs())
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    for _ in 0..5 {
        assert_eq!(attempt("alice", "wrong", 0), "wrong");
    }
    assert_eq!(attempt("Alice", PASSWORD, 0), "wait 1", "even the right one");
    assert_eq!(attempt("alice", "", 1), "wrong");
    assert_eq!(attempt("alice", PASSWORD, 2), "wait 1");
    assert_eq!(attempt("alice", PASSWORD, 3), "in");
    assert_eq!(attempt("alice", "wrong", 3), "wrong", "a right one clears the name");

    // The network has its own count, whatever the names.
    let mut wrong = 0;
    while attempt(&format!("nobody{wrong}"), "x", 4) == "wrong" {
        wrong += 1;
        assert!(wrong < 30, "a network is never slowed down");
    }
    assert!(attempt("alice", PASSWORD, 4).starts_with("wait"));
    assert_eq!(attempt("alice", &"x".repeat(2000), 10), "wrong");
    assert_eq!(attempt("alice", PASSWORD, 1000), "in", "nobody stays locked out");
}

#[test]
fn owning_one_account_does_not_wash_off_guesses_at_others() {
    let rig = Rig::new();
    let prompt = rig.prompt(&[], at(0)).unwrap();
    for number in 0..20 {
        let guess = rig.submit(&prompt, &format!("victim{number}"), "guess", at(0));
        assert!(matches!(guess, Err(SignInRefusal::WrongCredentials)), "guess {number}");
        let own = rig.submit(&prompt, "alice", PASSWORD, at(0));
        assert_eq!(own.is_ok(), number < 19, "after guess {number}");
    }
    let guess = rig.submit(&prompt, "victim20", "guess", at(0));
    assert!(matches!(guess, Err(SignInRefusal::Throttled { .. })));
}
