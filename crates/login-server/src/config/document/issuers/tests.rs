//! The key `issuers`: what is read, what is refused, and which policy it changes.

use super::*;
use crate::system::files::{Readers, write as write_file};

const KEY: &str = r#"{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

fn parsed(text: &str) -> (Vec<IssuerSettings>, Vec<String>) {
    let tree = located_yaml::parse(text).unwrap();
    let mut faults = Faults::new("s.yaml");
    let root = Field::root(&tree).mapping(&["issuers"], &mut faults).unwrap();
    let all = read(&root.field("issuers").unwrap(), &mut faults);
    (all, faults.into_problems().iter().map(ToString::to_string).collect())
}

fn none() -> BTreeSet<String> {
    BTreeSet::new()
}

fn policy(url: &str, audiences: &[&str]) -> IssuerPolicy {
    let username = login_review::PrefixedClaim { claim: "sub".to_owned(), prefix: String::new() };
    let mapping = login_review::ClaimMapping::of_claims(username, None);
    let audiences = audiences.iter().map(ToString::to_string).collect();
    IssuerPolicy::new(login_common::names::IssuerUrl::parse(url).unwrap(), audiences, mapping)
}

#[test]
fn every_key_changes_the_policy_of_its_issuer_and_of_no_other() {
    let (all, faults) = parsed(
        "issuers:
- url: https://a.example
  algorithms: [ES256, RS256]
  authorizedParties: [kubectl]
  maxTokenLifetime: 1h
  distributedClaims:
    endpoints: [\"https://claims.a.example/groups?x=1\"]
  keySetMaxAge: 2h
- url: https://b.example
",
    );
    assert_eq!(faults, [""; 0]);
    let mut policies = ["https://c.example", "https://b.example", "https://a.example"]
        .map(|url| policy(url, &["k"]));
    let mut problems = Vec::new();
    let source = ("s.yaml", &TrackedFiles::default());
    assert_eq!(apply(&all, &mut policies, source, &none(), &mut problems), []);
    assert_eq!(problems, []);
    let [c, b, a] = policies;
    assert_eq!(a.algorithms, [Algorithm::Es256, Algorithm::Rs256]);
    assert_eq!(a.authorized_parties, ["kubectl"]);
    assert_eq!(a.max_token_lifetime, Some(Duration::from_hours(1)));
    assert_eq!(a.distributed_claims_endpoints.len(), 1);
    assert_eq!(a.key_set_max_age, Duration::from_hours(2));
    assert!(matches!(a.key_source, KeySource::Discovery));
    assert_eq!(b.algorithms, Algorithm::ALL);
    assert_eq!(format!("{c:?}"), format!("{:?}", policy("https://c.example", &["k"])));
}

#[test]
fn keys_stand_there_as_text_or_as_they_are() {
    for keys in [format!("|\n    {{\"keys\": [{KEY}]}}"), format!("\n    keys: [{KEY}]")] {
        let (all, faults) =
            parsed(&format!("issuers:\n- url: https://a.example\n  jwks: {keys}\n"));
        assert_eq!(faults, [""; 0]);
        assert!(matches!(&all[0].keys, Some(GivenKeys::Inline(keys)) if keys.len() == 1), "{keys}");
    }
}

#[test]
fn keys_in_a_file_are_read_and_the_file_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let (all, _) =
        parsed(&format!("issuers:\n- url: https://a.example\n  jwksFile: {}\n", path.display()));
    let of = |content: &str| {
        write_file(&path, content.as_bytes(), Readers::Everyone).unwrap();
        let (files, mut problems) = (TrackedFiles::default(), Vec::new());
        let mut policies = [policy("https://a.example", &["k"])];
        apply(&all, &mut policies, ("s.yaml", &files), &none(), &mut problems);
        assert!(files.into_seen().contains_key(&path));
        let [policy] = policies;
        (policy.key_source, problems.iter().map(ToString::to_string).collect::<String>())
    };
    let (source, problems) = of(&format!(r#"{{"keys": [{KEY}]}}"#));
    assert!(matches!(source, KeySource::Inline(keys) if keys.len() == 1));
    assert_eq!(problems, "");
    // The last key was withdrawn.
    let (source, problems) = of(r#"{"keys": []}"#);
    assert!(matches!(source, KeySource::Inline(keys) if keys.is_empty()));
    assert_eq!(problems, "");
    let (_, problems) = of("{}");
    assert!(problems.starts_with("s.yaml:3: issuers[0].jwksFile: `/"), "{problems}");
    assert!(problems.contains("is no usable JWK Set"), "{problems}");
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line_and_key() {
    for (entry, expected) in [
        ("{}", "[0].url: is required"),
        ("{url: 5}", "[0].url: must be a text"),
        ("{url: u, colour: blue}", "[0].colour: unknown key"),
        ("{url: u, algorithms: []}", "[0].algorithms: needs at least one entry"),
        ("{url: u, algorithms: [none]}", "[0].algorithms[0]: `none` is none of `RS256`"),
        ("{url: u, algorithms: [HS256]}", "[0].algorithms[0]: `HS256` is none of"),
        ("{url: u, algorithms: [es256]}", "[0].algorithms[0]: `es256` is none of"),
        ("{url: u, algorithms: [ES256, ES256]}", "[0].algorithms[1]: `ES256` is listed already"),
        ("{url: u, authorizedParties: []}", "[0].authorizedParties: needs at least one entry"),
        ("{url: u, authorizedParties: ['']}", "[0].authorizedParties[0]: must not be empty"),
        ("{url: u, authorizedParties: [a, a]}", "[0].authorizedParties[1]: `a` is listed already"),
        ("{url: u, maxTokenLifetime: 60}", "[0].maxTokenLifetime: must be a text"),
        ("{url: u, maxTokenLifetime: 0s}", "[0].maxTokenLifetime: must be between"),
        ("{url: u, keySetMaxAge: 1s}", "[0].keySetMaxAge: must be between"),
        ("{url: u, distributedClaims: {}}", "[0].distributedClaims.endpoints: is required"),
        (
            "{url: u, distributedClaims: {endpoints: ['http://a.example']}}",
            "[0].distributedClaims.endpoints[0]: must be a URL that begins with `https://`",
        ),
        (
            "{url: u, distributedClaims: {endpoints: ['https://u:p@a.example']}}",
            "[0].distributedClaims.endpoints[0]: must be a URL that begins with `https://`",
        ),
        ("{url: u, jwks: {}}", "[0].jwks: is no usable JWK Set"),
        ("{url: u, jwks: {keys: [{kty: oct}]}}", "[0].jwks: is no usable JWK Set"),
        ("{url: u, jwks: 'x'}", "[0].jwks: is no usable JWK Set"),
        ("{url: u, jwks: {keys: [], keys: []}}", "[0].jwks.keys: the key stands already above"),
        ("{url: u, jwksFile: f, keySetMaxAge: 1h}", "[0].keySetMaxAge: is about key sets"),
        ("{url: u, jwksFile: ''}", "[0].jwksFile: must not be empty"),
    ] {
        let (_, faults) = parsed(&format!("issuers:\n- {entry}\n"));
        let begin = format!("s.yaml:2: issuers{expected}");
        assert!(faults.iter().any(|fault| fault.starts_with(&begin)), "{begin}\n{faults:#?}");
    }
    let (_, faults) = parsed("issuers:\n- {url: u}\n- {url: u}\n");
    assert_eq!(faults, ["s.yaml:3: issuers[1]: is about the same issuer as `issuers[0]`"]);
    let both = format!("issuers:\n- {{url: u, jwksFile: f, jwks: {{keys: [{KEY}]}}}}\n");
    assert_eq!(
        parsed(&both).1,
        ["s.yaml:2: issuers[0].jwks: stands beside `jwksFile`; one of both is enough"]
    );
}

#[test]
fn the_last_of_what_is_trusted_can_be_taken_away() {
    let (all, faults) = parsed(
        "issuers:\n- url: https://a.example\n  distributedClaims: {endpoints: []}\n  jwks: {keys: []}\n",
    );
    assert_eq!(faults, [""; 0]);
    let mut policies = [policy("https://a.example", &["k"])];
    let source = ("s.yaml", &TrackedFiles::default());
    apply(&all, &mut policies, source, &none(), &mut Vec::new());
    let [policy] = policies;
    assert!(policy.distributed_claims_endpoints.is_empty());
    assert!(matches!(policy.key_source, KeySource::Inline(keys) if keys.is_empty()));
}

#[test]
fn an_issuer_that_is_not_configured_is_a_fault() {
    let (all, _) = parsed("issuers:\n- url: https://a.example/\n");
    let mut problems = Vec::new();
    let mut policies = [policy("https://a.example", &["k"])];
    apply(&all, &mut policies, ("s.yaml", &TrackedFiles::default()), &none(), &mut problems);
    assert_eq!(
        problems[0].to_string(),
        "s.yaml:2: issuers[0].url: `https://a.example/` is not the `issuer.url` of an entry of \
         `jwt` in `--authentication-config`"
    );
}

#[test]
fn who_asks_for_parties_is_told_where_none_are_asked_for() {
    let of = |text: &str| {
        let (all, _) = parsed(text);
        let mut policies =
            [policy("https://a.example", &["k", "l"]), policy("https://b.example", &["k", "l"])];
        let source = ("s.yaml", &TrackedFiles::default());
        let warnings = apply(&all, &mut policies, source, &none(), &mut Vec::new());
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of("issuers:\n- url: https://a.example\n"), [""; 0]);
    assert_eq!(
        of("issuers:\n- {url: https://a.example, authorizedParties: [k]}\n"),
        ["s.yaml: issuers: `https://b.example` has several audiences and no `authorizedParties`: \
          a token that any of its clients got is accepted"]
    );
}
