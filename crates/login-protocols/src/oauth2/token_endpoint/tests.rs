//! Tables of requests to a token endpoint and of its responses.
//! Never uses a network: bytes in, values out.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

fn client() -> ClientId {
    ClientId::parse("kube ctl").unwrap()
}

/// Header and body in one line.
fn sent(
    authentication: &ClientAuthentication,
    grant: &Grant<'_>,
    audience: Option<&str>,
) -> String {
    let form = token_request(&client(), authentication, grant, audience);
    let header = form.authorization().map_or("-", Secret::expose).to_owned();
    format!("{header} {}", form.body().expose())
}

#[test]
fn each_grant_has_the_form_of_its_rfc() {
    let verifier = Verifier::from_random([0; 32]);
    let scopes = ["a".to_owned(), "b".to_owned()];
    let secret = Secret::new("s e/c");
    for (authentication, grant, audience, expected) in [
        (
            ClientAuthentication::Public,
            Grant::AuthorizationCode {
                code: &secret,
                redirect_uri: "http://127.0.0.1:1/callback",
                verifier: Some(&verifier),
            },
            None,
            "- client_id=kube+ctl&grant_type=authorization_code&code=s+e%2Fc\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
             &code_verifier=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        (
            ClientAuthentication::Post(Secret::new("p&q")),
            Grant::RefreshToken(&secret),
            None,
            "- client_id=kube+ctl&client_secret=p%26q&grant_type=refresh_token\
             &refresh_token=s+e%2Fc",
        ),
        (
            ClientAuthentication::Public,
            Grant::ClientCredentials { scopes: &scopes },
            Some("https://k8s.example"),
            "- client_id=kube+ctl&grant_type=client_credentials&scope=a+b\
             &audience=https%3A%2F%2Fk8s.example&resource=https%3A%2F%2Fk8s.example",
        ),
        (
            ClientAuthentication::Public,
            Grant::ClientCredentials { scopes: &[] },
            Some("kubernetes"),
            "- client_id=kube+ctl&grant_type=client_credentials&audience=kubernetes",
        ),
        (
            ClientAuthentication::Public,
            Grant::DeviceCode(&secret),
            None,
            "- client_id=kube+ctl&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
             &device_code=s+e%2Fc",
        ),
    ] {
        assert_eq!(sent(&authentication, &grant, audience), expected);
    }
}

#[test]
fn basic_authentication_encodes_both_parts_first() {
    let sent = sent(
        &ClientAuthentication::Basic(Secret::new("a:b%")),
        &Grant::RefreshToken(&Secret::new("r")),
        None,
    );
    let expected = format!(
        "Basic {} grant_type=refresh_token&refresh_token=r",
        STANDARD.encode("kube+ctl:a%3Ab%25")
    );
    assert_eq!(sent, expected);
}

#[test]
fn the_announced_client_authentication_is_used() {
    let secret = Secret::new("s");
    let chosen = |secret: Option<&Secret>, announced: Option<&[&str]>| {
        let announced: Option<Vec<String>> =
            announced.map(|methods| methods.iter().map(ToString::to_string).collect());
        match ClientAuthentication::choose(secret, announced.as_deref()) {
            ClientAuthentication::Public => "public",
            ClientAuthentication::Basic(_) => "basic",
            ClientAuthentication::Post(_) => "post",
            ClientAuthentication::Assertion(_) | ClientAuthentication::TlsClientAuth => "other",
        }
    };
    assert_eq!(chosen(None, Some(&["client_secret_basic"])), "public");
    assert_eq!(chosen(Some(&secret), None), "basic");
    assert_eq!(chosen(Some(&secret), Some(&["client_secret_post"])), "post");
    assert_eq!(
        chosen(Some(&secret), Some(&["client_secret_post", "client_secret_basic"])),
        "basic"
    );
    assert_eq!(chosen(Some(&secret), Some(&["private_key_jwt"])), "basic");
}

/// The outcome in one line; it shows the tokens, which are not real.
fn judged(status: u16, body: &str) -> String {
    match parse_token_response(status, body.as_bytes()) {
        Ok(tokens) => format!(
            "access {} id {} refresh {} for {:?}",
            tokens.access_token.as_ref().map_or("-", Secret::expose),
            tokens.id_token.as_ref().map_or("-", Secret::expose),
            tokens.refresh_token.as_ref().map_or("-", Secret::expose),
            tokens.expires_in.map(|life| life.as_secs()),
        ),
        Err(error) => error.to_string(),
    }
}

#[test]
fn successes_are_read() {
    for (body, expected) in [
        (
            r#"{"access_token":"a","token_type":"Bearer","expires_in":300,"id_token":"i.i.i","refresh_token":"r","scope":"x","ext":{}}"#,
            "access a id i.i.i refresh r for Some(300)",
        ),
        (
            r#"{"access_token":" a\n","token_type":"bearer","expires_in":"60"}"#,
            "access a id - refresh - for Some(60)",
        ),
        (r#"{"id_token":"i","access_token":null}"#, "access - id i refresh - for None"),
        (
            r#"{"access_token":"a","refresh_token":"","expires_in":2.9}"#,
            "access a id - refresh - for Some(2)",
        ),
        (r#"{"access_token":"a","expires_in":-5}"#, "access a id - refresh - for None"),
        (r#"{"access_token":"a","expires_in":1e300}"#, "access a id - refresh - for None"),
        (r#"{"access_token":"a","expires_in":0}"#, "access a id - refresh - for Some(0)"),
        (r#"{"access_token":"a","error":""}"#, "access a id - refresh - for None"),
    ] {
        assert_eq!(judged(200, body), expected, "{body}");
    }
}

#[test]
fn successes_that_cannot_be_used_are_malformed() {
    for (body, reason) in [
        ("", "it is not the JSON of RFC 6749 §5.1"),
        ("<html>", "it is not the JSON of RFC 6749 §5.1"),
        ("[]", "it is not the JSON of RFC 6749 §5.1"),
        (r#"{"access_token":"a","access_token":"b"}"#, "it is not the JSON of RFC 6749 §5.1"),
        ("{}", "it has neither an access_token nor an id_token"),
        (r#"{"access_token":""}"#, "it has neither an access_token nor an id_token"),
        (r#"{"access_token":"a","token_type":"DPoP"}"#, "its token_type is `DPoP`, not `Bearer`"),
        (
            r#"{"access_token":"a b"}"#,
            "its access_token is not a bearer token of at most 131072 characters",
        ),
        (
            r#"{"id_token":"a\u0000"}"#,
            "its id_token is not a bearer token of at most 131072 characters",
        ),
    ] {
        let expected = format!("the token endpoint's answer cannot be used: {reason}");
        assert_eq!(judged(200, body), expected, "{body}");
    }
}

#[test]
fn refusals_outages_and_noise_are_told_apart() {
    let grant = r#"{"error":"invalid_grant","error_description":"revoked"}"#;
    for (status, body, expected) in [
        (400, grant, "the issuer answered 400 `invalid_grant` (revoked)"),
        (401, r#"{"error":"invalid_client"}"#, "the issuer answered 401 `invalid_client`"),
        (200, grant, "the issuer answered 200 `invalid_grant` (revoked)"),
        (500, grant, "the issuer answered 500 `invalid_grant` (revoked)"),
        (429, grant, "the issuer answered 429 `invalid_grant` (revoked)"),
        // Dex and Hydra.
        (500, r#"{"error":"invalid_request"}"#, "the issuer answered 500 `invalid_request`"),
        (401, r#"{"error":"token_inactive"}"#, "the issuer answered 401 `token_inactive`"),
        (429, r#"{"error":"slow_down"}"#, "the issuer answered 429 `slow_down`"),
        (503, "", "the issuer answered 503, which means that it is out of order"),
        (
            400,
            r#"{"error":"temporarily_unavailable","error_description":"later"}"#,
            "the issuer answered 400 `temporarily_unavailable` (later), which means that it is out of order",
        ),
        (
            500,
            r#"{"error":"unknown_error"}"#,
            "the issuer answered 500 `unknown_error`, which means that it is out of order",
        ),
        (
            502,
            r#"{"status":502,"error":"Bad Gateway"}"#,
            "the issuer answered 502, which means that it is out of order",
        ),
        (
            429,
            r#"{"error":"too_many_requests"}"#,
            "the issuer answered 429, which means that it is out of order",
        ),
        (
            503,
            r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#,
            "the issuer answered 503, which means that it is out of order",
        ),
        (403, "<html>blocked</html>", "the issuer answered 403 without an OAuth error"),
        (404, r#"{"error":"Not Found"}"#, "the issuer answered 404 without an OAuth error"),
        (302, "", "the issuer answered 302 without an OAuth error"),
        (404, r#"{"error":5}"#, "the issuer answered 404 without an OAuth error"),
        (404, r#"{"error":"a","error":"b"}"#, "the issuer answered 404 without an OAuth error"),
    ] {
        assert_eq!(judged(status, body), expected, "{status} {body}");
    }
    let slow = parse_token_response(429, br#"{"error":"slow_down"}"#).unwrap_err();
    assert!(matches!(slow.outside_of_polling(), TokenEndpointError::Unavailable { .. }));
    let gone = parse_token_response(500, grant.as_bytes()).unwrap_err();
    assert!(matches!(gone.outside_of_polling(), TokenEndpointError::Refused { .. }));
}

#[test]
fn what_real_issuers_write_beside_the_rfc_is_read() {
    let expected = "access a id - refresh - for Some(3599)";
    for (status, body) in [
        // Entra ID.
        (200, r#"{"access_token":"a","expires_in":"3599","ext_expires_in":"3599"}"#),
        (201, r#"{"access_token":"a","expires_in":3599}"#),
        (200, "\u{feff}{\"access_token\":\"a\",\"expires_in\":3599}"),
        (200, r#"{"access_token":"a","expires_in":3599,"scope":"x","scope":"x y"}"#),
        (200, r#"{"access_token":"a","expires_in":3599,"more":{"k":1,"k":2}}"#),
    ] {
        assert_eq!(judged(status, body), expected, "{body}");
    }
    for body in [
        r#"{"access_token":"a","access_token":"b"}"#,
        r#"{"access_token":"a","\u0061ccess_token":"b"}"#,
        r#"{"access_token":"a","error":"","error":""}"#,
        "{\"access_token\":\"a\"} {}",
    ] {
        let judged = judged(200, body);
        assert!(judged.contains("it is not the JSON of RFC 6749"), "{body}: {judged}");
    }
}

#[test]
fn nothing_secret_is_shown() {
    let form = token_request(
        &client(),
        &ClientAuthentication::Basic(Secret::new("hunter2")),
        &Grant::RefreshToken(&Secret::new("hunter3")),
        None,
    );
    let shown = format!("{form:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    let tokens = parse_token_response(200, br#"{"access_token":"hunter4"}"#).unwrap();
    assert!(!format!("{tokens:?}").contains("hunter"));
    assert!(!judged(200, r#"{"access_token":"hunter 5"}"#).contains("hunter"));
}

#[test]
fn the_grants_of_machines_have_the_form_of_their_rfcs() {
    let (secret, scopes) = (Secret::new("j.w.t"), ["a".to_owned()]);
    let exchange = |requested_token_type, scopes| Grant::TokenExchange {
        subject_token: &secret,
        subject_token_type: JWT_TOKEN_TYPE,
        requested_token_type,
        scopes,
    };
    for (grant, audience, expected) in [
        (
            exchange(Some(ID_TOKEN_TYPE), &scopes),
            Some("kubernetes"),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token=j.w.t\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt\
             &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token\
             &scope=a&audience=kubernetes",
        ),
        (
            exchange(None, &[]),
            None,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token=j.w.t\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt",
        ),
        (
            Grant::JwtBearer { assertion: &secret, scopes: &scopes },
            None,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer\
             &assertion=j.w.t&scope=a",
        ),
        (
            Grant::Password { username: "al ice", password: &Secret::new("p&w"), scopes: &scopes },
            None,
            "grant_type=password&username=al+ice&password=p%26w&scope=a",
        ),
    ] {
        let sent = sent(&ClientAuthentication::Public, &grant, audience);
        assert_eq!(sent, format!("- client_id=kube+ctl&{expected}"));
    }
}

#[test]
fn a_client_may_prove_itself_by_an_assertion_or_a_certificate() {
    let grant = Grant::ClientCredentials { scopes: &[] };
    assert_eq!(
        sent(&ClientAuthentication::Assertion(Secret::new("a.b.c")), &grant, None),
        "- client_id=kube+ctl\
         &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
         &client_assertion=a.b.c&grant_type=client_credentials"
    );
    assert_eq!(
        sent(&ClientAuthentication::TlsClientAuth, &grant, None),
        "- client_id=kube+ctl&grant_type=client_credentials"
    );
}

#[test]
fn an_exchange_for_an_id_token_gives_one() {
    let body = |kind: &str, token_type: &str| {
        format!(
            r#"{{"access_token":"x","token_type":"{token_type}","expires_in":60,"issued_token_type":"{kind}"}}"#
        )
    };
    let id_token = "access - id x refresh - for Some(60)";
    let access_token = "access x id - refresh - for Some(60)";
    assert_eq!(judged(200, &body(ID_TOKEN_TYPE, "N_A")), id_token);
    assert_eq!(judged(200, &body(ID_TOKEN_TYPE, "Bearer")), id_token);
    assert_eq!(judged(200, &body(JWT_TOKEN_TYPE, "N_A")), access_token);
    for token_type in ["N_A", "Bearer"] {
        let refresh_token = judged(200, &body(REFRESH_TOKEN_TYPE, token_type));
        assert!(refresh_token.contains("it is a refresh token"), "{refresh_token}");
    }
    let lonely = judged(200, r#"{"access_token":"x","token_type":"N_A"}"#);
    assert!(lonely.contains("its token_type is `N_A`"), "{lonely}");
    let tokens = parse_token_response(200, body(JWT_TOKEN_TYPE, "Bearer").as_bytes()).unwrap();
    assert_eq!(tokens.issued_token_type.as_deref(), Some(JWT_TOKEN_TYPE));
}
