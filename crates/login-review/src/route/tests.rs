//! Each shape is routed to one party at most.

use login_common::names::IssuerUrl;

use super::*;
use crate::{
    ClaimMapping, Guard, IntrospectionRules, PrefixedClaim, RemoteAuthenticator, RemoteRules,
    StaticTokens, StaticUser, policy::IssuerPolicy,
};

const NOW: UnixTime = UnixTime::from_seconds(1_769_860_800);

fn mapping() -> ClaimMapping {
    let username = PrefixedClaim { claim: "sub".to_owned(), prefix: String::new() };
    ClaimMapping::of_claims(username, None)
}

fn remote(prefix: &str) -> RemoteAuthenticator {
    let audiences = vec!["cluster".to_owned()];
    let required_scopes = Vec::new();
    RemoteAuthenticator {
        name: IssuerUrl::parse("https://as.example/introspect").unwrap(),
        token_prefix: prefix.to_owned(),
        rules: RemoteRules::Introspection(IntrospectionRules {
            issuer: None,
            audiences,
            required_scopes,
        }),
        mapping: mapping(),
    }
}

fn policy(prefixes: &[&str], tokens: &[&str]) -> Policy {
    let issuer = IssuerUrl::parse("https://id.example").unwrap();
    let issuers = vec![IssuerPolicy::new(issuer, vec!["cluster".to_owned()], mapping())];
    let mut statics = StaticTokens::default();
    for token in tokens {
        let user = StaticUser {
            username: "admin".to_owned(),
            uid: String::new(),
            groups: Vec::new(),
            not_after: None,
        };
        assert!(statics.add(TokenDigest::of(token), user));
    }
    let policy = Policy::new(issuers, Guard::default())
        .with_remotes(prefixes.iter().map(|prefix| remote(prefix)).collect());
    if tokens.is_empty() { policy } else { policy.with_static_tokens(statics) }
}

/// `jwt`, `static`, the prefix of the remote authenticator in quotes, or the reason of the refusal.
fn routed(policy: &Policy, token: &str) -> String {
    match route(policy, token, NOW) {
        Ok(Route::Jwt { .. }) => "jwt".to_owned(),
        Ok(Route::Static(_)) => "static".to_owned(),
        Ok(Route::Remote { index, token: shown, .. }) => {
            assert_eq!(shown, token);
            format!("'{}'", policy.remote(index).unwrap().token_prefix)
        }
        Err(reason) => reason.as_str().to_owned(),
    }
}

fn jwt(issuer: &str) -> String {
    let key = login_protocols::jose::SigningKey::generate().unwrap();
    let claims = serde_json::json!({"iss": issuer, "exp": NOW.as_seconds() + 60});
    key.sign("JWT", &claims).unwrap()
}

#[test]
fn each_shape_goes_to_one_party() {
    let ours = jwt("https://id.example");
    let foreign = jwt("https://other.example");
    let (_, rest) = ours.split_once('.').unwrap();
    let damaged = format!("eyJ!.{rest}");
    let all = policy(&["ghp_", "ya29.", ""], &["static-one", "gAAAA-static", "ghp_static"]);
    for (token, expected) in [
        (ours.as_str(), "jwt"),
        // The authenticator without a prefix gets no JWT, neither a foreign nor a damaged one.
        (&foreign, "foreign_issuer"),
        (&damaged, "malformed"),
        (&format!("{ours} "), "malformed"),
        (&format!("{ours}.a.b"), "malformed"),
        ("eyJhbGciOiJFUzI1NiJ9", "malformed"),
        ("a.b.c", "malformed"),
        ("k8s-aws-v1.aHR0cHM6", "unknown_shape"),
        ("gAAAAABmx", "unknown_static_token"),
        ("abcdef.0123456789abcdef", "bootstrap_token"),
        ("with blank", "malformed"),
        ("t\u{f6}ken", "malformed"),
        ("", "empty"),
        ("static-one", "static"),
        ("gAAAA-static", "static"),
        ("ghp_static", "static"),
        ("ghp_abc", "'ghp_'"),
        ("ya29.a.b", "'ya29.'"),
        ("ya29.a.b.c.d", "'ya29.'"),
        ("static-two", "''"),
        ("GHP_abc", "''"),
    ] {
        assert_eq!(routed(&all, token), expected, "{token}");
    }
}

#[test]
fn without_a_taker_a_token_goes_nowhere() {
    let prefixed = policy(&["ghp_", "gAAAA"], &[]);
    for (token, expected) in
        [("opaque", "unknown_shape"), ("ghp_x", "'ghp_'"), ("gAAAAABmx", "'gAAAA'")]
    {
        assert_eq!(routed(&prefixed, token), expected, "{token}");
    }
    // A part of the mark of AWS tokens does not lead them away.
    let aws = policy(&["k8s-aws-v1."], &[]);
    assert_eq!(routed(&aws, "k8s-aws-v1.aHR0cHM6"), "'k8s-aws-v1.'");
    assert_eq!(routed(&policy(&["k8s-", ""], &["one"]), "k8s-aws-v1.aHR0cHM6"), "unknown_shape");
    assert_eq!(routed(&policy(&[], &["one"]), "two"), "unknown_static_token");
    assert_eq!(routed(&policy(&[""], &[]), "two"), "''");
}
