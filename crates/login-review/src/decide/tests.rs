//! Complete reviews: tokens signed here, verified with the keys of their issuer.

use login_common::names::IssuerUrl;
use login_protocols::jose::{KeySet, SigningKey, public_key_set};
use serde_json::{Value, json};

use super::*;
use crate::{
    claims::{
        expression::Expression,
        mapping::{ClaimMapping, PrefixedClaim, SessionClaim},
        rules::{RequiredClaim, Rule},
    },
    evidence::Need,
    guard::Guard,
    plan::{Plan, plan},
    policy::IssuerPolicy,
    revocations::EndedSessions,
    verdict::{Outage, Reason},
};

const NOW: i64 = 1_769_860_800;
const ISSUER: &str = "https://id.example.com";
const API: &str = "https://kubernetes.default.svc";

struct Scene {
    key: SigningKey,
    policy: Policy,
}

fn prefixed(claim: &str) -> PrefixedClaim {
    PrefixedClaim { claim: claim.to_owned(), prefix: String::new() }
}

fn issuer_policy() -> IssuerPolicy {
    let mut mapping = ClaimMapping::of_claims(prefixed("name"), Some(prefixed("groups")));
    mapping.session =
        Some(SessionClaim { claim: "sid".to_owned(), extra_key: "example.com/session".to_owned() });
    let audiences = vec!["kubectl".to_owned(), "kubernetes".to_owned()];
    IssuerPolicy::new(IssuerUrl::parse(ISSUER).unwrap(), audiences, mapping)
}

fn scene() -> Scene {
    scene_of(issuer_policy(), Guard::default())
}

fn scene_of(issuer: IssuerPolicy, guard: Guard) -> Scene {
    Scene { key: SigningKey::generate().unwrap(), policy: Policy::new(vec![issuer], guard) }
}

/// Valid claims, with `changes` merged into them; null removes a claim.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "aud": "kubectl", "sub": "42", "name": "jane",
        "groups": ["dev"], "jti": "7f", "sid": "s-1", "iat": NOW - 10, "exp": NOW + 300});
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

impl Scene {
    fn sign(&self, changes: &Value) -> String {
        self.key.sign("JWT", &claims(changes)).unwrap()
    }

    fn keys(&self) -> KeySet {
        KeySet::parse(public_key_set(&[&self.key]).to_string().as_bytes()).unwrap()
    }

    fn review(&self, token: &str) -> Verdict {
        self.review_for(token, &[], None)
    }

    fn review_for(&self, token: &str, requested: &[&str], api: Option<&[&str]>) -> Verdict {
        match self.ask(token, &self.keys(), requested, api) {
            Decision::Verdict(verdict) => verdict,
            Decision::Need(Need::FreshKeys(_, otherwise)) => Verdict::Refused(otherwise),
            Decision::Need(need) => panic!("{need:?}"),
        }
    }

    fn ask(
        &self,
        token: &str,
        keys: &KeySet,
        requested: &[&str],
        api: Option<&[&str]>,
    ) -> Decision {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (requested, api) = (owned(requested), api.map(owned));
        let audiences = AudienceRequest { requested: &requested, api_audiences: api.as_deref() };
        let now = UnixTime::from_seconds(NOW);
        match plan(&self.policy, token, now) {
            Plan::Refuse(reason) => Decision::Verdict(Verdict::Refused(reason)),
            Plan::Judge(token) => {
                let issuer = token.issuer().unwrap();
                assert_eq!(self.policy.issuers()[issuer.as_usize()].issuer.as_str(), ISSUER);
                let nothing = Evidence::default();
                let need = decide(&self.policy, &token, &nothing, audiences, now);
                assert_eq!(need, Decision::Need(Need::Keys(issuer)));
                decide(&self.policy, &token, &Evidence::of_keys(issuer, keys), audiences, now)
            }
        }
    }

    /// `name|groups` for an accepted token, else the name of the reason.
    fn outcome(&self, changes: &Value) -> String {
        shown(&self.review(&self.sign(changes)))
    }
}

fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted { identity, .. } => {
            format!("{}|{}", identity.username, identity.groups.join(","))
        }
        Verdict::Refused(reason) => reason.as_str().to_owned(),
        Verdict::CannotTell(outage) => outage.as_str().to_owned(),
    }
}

// W03, W19, W41
#[test]
fn a_good_token_says_who_its_user_is() {
    let scene = scene();
    let Verdict::Accepted { identity, audiences, expires_at } =
        scene.review(&scene.sign(&json!({})))
    else {
        panic!("a good token was refused");
    };
    assert_eq!(identity.username, "jane");
    assert_eq!(identity.uid, "https://id.example.com#42");
    assert_eq!(identity.groups, ["dev"]);
    let extra: Vec<_> = identity.extra.into_iter().collect();
    let one = |key: &str, value: &str| (key.to_owned(), vec![value.to_owned()]);
    assert_eq!(
        extra,
        [
            one("authentication.kubernetes.io/credential-id", "JTI=7f"),
            one("example.com/session", "s-1"),
        ]
    );
    assert_eq!(audiences, [""; 0]);
    assert_eq!(expires_at, UnixTime::from_seconds(NOW + 300));
}

#[test]
fn id_tokens_and_access_tokens_are_read_and_other_kinds_of_jwt_are_not() {
    let scene = scene();
    for (token_type, expected) in
        [("JWT", "jane|dev"), ("at+jwt", "jane|dev"), ("logout+jwt", "token_type")]
    {
        let token = scene.key.sign(token_type, &claims(&json!({}))).unwrap();
        assert_eq!(shown(&scene.review(&token)), expected, "{token_type}");
    }
}

// W04, W12, W17, W18, W20, W26, W27
#[test]
fn each_claim_that_is_not_as_it_must_be_refuses_the_token() {
    let scene = scene();
    for (changes, expected) in [
        (json!({}), "jane|dev"),
        // W26: issuers are compared byte for byte, `aud` has two shapes.
        (json!({"iss": "https://id.example.com/"}), "foreign_issuer"),
        (json!({"iss": "https://ID.example.com"}), "foreign_issuer"),
        (json!({"iss": null}), "foreign_issuer"),
        (json!({"iss": [ISSUER]}), "foreign_issuer"),
        (json!({"aud": ["other", "kubernetes"]}), "jane|dev"),
        (json!({"aud": "other"}), "wrong_audience"),
        (json!({"aud": []}), "wrong_audience"),
        (json!({"aud": null}), "wrong_audience"),
        (json!({"aud": "Kubectl"}), "wrong_audience"),
        (json!({"aud": {"kubectl": true}}), "claims"),
        // W27: no leeway after the end, one minute before the beginning.
        (json!({"exp": null}), "missing_expiry"),
        (json!({"exp": NOW}), "expired"),
        (json!({"exp": NOW + 1}), "jane|dev"),
        (json!({"exp": "2030-01-01"}), "claims"),
        (json!({"nbf": NOW + 60}), "jane|dev"),
        (json!({"nbf": NOW + 61}), "not_yet_valid"),
        (json!({"iat": NOW + 3600}), "jane|dev"),
        (json!({"iat": NOW + 3600, "exp": NOW + 60}), "jane|dev"),
        (json!({"iat": "soon"}), "claims"),
        // W17
        (json!({"name": "system:admin"}), "reserved_username"),
        (json!({"groups": ["dev", "system:masters"]}), "reserved_group"),
        (json!({"groups": "system:masters"}), "reserved_group"),
        // W18
        (json!({"name": null}), "missing_username"),
        (json!({"name": ""}), "missing_username"),
        (json!({"name": " \t"}), "unusable_username"),
        (json!({"name": "a\nb"}), "unusable_username"),
        (json!({"sub": null}), "jane|dev"),
        (json!({"sub": 5}), "missing_subject"),
        // W20
        (json!({"groups": null}), "jane|"),
        (json!({"groups": "ops"}), "jane|ops"),
        (json!({"groups": ["b", "", "a", "b"]}), "jane|b,a"),
        (json!({"groups": [1]}), "groups_shape"),
    ] {
        assert_eq!(scene.outcome(&changes), expected, "{changes}");
    }
}

// W17
#[test]
fn a_reserved_name_needs_its_exact_permission() {
    let guard = Guard::new(["system:admin".to_owned()], ["system:masters".to_owned()]);
    let scene = scene_of(issuer_policy(), guard);
    let changes = json!({"name": "system:admin", "groups": ["system:masters"]});
    assert_eq!(scene.outcome(&changes), "system:admin|system:masters");
    assert_eq!(scene.outcome(&json!({"groups": ["system:nodes"]})), "reserved_group");
}

#[test]
fn required_claims_and_algorithms_of_the_issuer_are_enforced() {
    let mut issuer = issuer_policy();
    issuer.required_claims =
        vec![RequiredClaim { claim: "hd".to_owned(), value: "example.com".to_owned() }];
    let strict = scene_of(issuer.clone(), Guard::default());
    assert_eq!(strict.outcome(&json!({})), "required_claim");
    assert_eq!(strict.outcome(&json!({"hd": "example.com"})), "jane|dev");
    issuer.algorithms = vec![login_protocols::jose::Algorithm::Rs256];
    let other = scene_of(issuer, Guard::default());
    assert_eq!(other.outcome(&json!({"hd": "example.com"})), "algorithm");
}

#[test]
fn the_old_name_of_google_is_google() {
    let mut issuer = issuer_policy();
    issuer.issuer = IssuerUrl::parse("https://accounts.google.com").unwrap();
    let key = SigningKey::generate().unwrap();
    let scene = Scene { key, policy: Policy::new(vec![issuer], Guard::default()) };
    for name in ["accounts.google.com", "https://accounts.google.com"] {
        let token = scene.sign(&json!({"iss": name}));
        let now = UnixTime::from_seconds(NOW);
        let Plan::Judge(token) = plan(&scene.policy, &token, now) else {
            panic!("{name} was refused");
        };
        let keys = scene.keys();
        let evidence = Evidence::of_keys(token.issuer().unwrap(), &keys);
        let audiences = AudienceRequest { requested: &[], api_audiences: None };
        let decision = decide(&scene.policy, &token, &evidence, audiences, now);
        let Decision::Verdict(Verdict::Accepted { identity, .. }) = decision else {
            panic!("{decision:?}");
        };
        assert_eq!(identity.uid, "https://accounts.google.com#42");
    }
    let other = scene.sign(&json!({"iss": "accounts.google.com/"}));
    assert_eq!(planned(&scene, &other), "foreign_issuer");
}

#[test]
fn an_authorized_party_is_named_exactly_where_one_is_asked_for() {
    let mut issuer = issuer_policy();
    issuer.authorized_parties = vec!["kubectl".to_owned(), "k9s".to_owned()];
    let scene = scene_of(issuer, Guard::default());
    for (changes, expected) in [
        (json!({"azp": "kubectl"}), "jane|dev"),
        (json!({"azp": "k9s"}), "jane|dev"),
        (json!({}), "authorized_party"),
        (json!({"azp": "K9s"}), "authorized_party"),
        (json!({"azp": ""}), "authorized_party"),
        (json!({"azp": ["kubectl"]}), "authorized_party"),
    ] {
        assert_eq!(scene.outcome(&changes), expected, "{changes}");
    }
}

#[test]
fn a_token_lives_no_longer_than_its_issuer_may_grant() {
    let mut issuer = issuer_policy();
    issuer.max_token_lifetime = Some(std::time::Duration::from_secs(310));
    let scene = scene_of(issuer, Guard::default());
    assert_eq!(scene.outcome(&json!({})), "jane|dev", "it lives 310 seconds");
    assert_eq!(scene.outcome(&json!({"exp": NOW + 301})), "lifetime");
    assert_eq!(scene.outcome(&json!({"iat": NOW - 11})), "lifetime");
    assert_eq!(scene.outcome(&json!({"iat": null})), "lifetime", "nobody knows since when");
}

// W13–W16
#[test]
fn audiences_are_intersected_and_never_echoed() {
    let scene = scene();
    let token = scene.sign(&json!({}));
    let granted =
        |requested: &[&str], api: Option<&[&str]>| match scene.review_for(&token, requested, api) {
            Verdict::Accepted { audiences, .. } => audiences.join(","),
            verdict => shown(&verdict),
        };
    assert_eq!(granted(&[API], None), "");
    assert_eq!(granted(&[], Some(&[API])), "");
    assert_eq!(granted(&["vault", API], Some(&[API, "b"])), API);
    assert_eq!(granted(&["vault"], Some(&[API])), "wrong_audience");
    assert_eq!(granted(&["kubectl"], Some(&[API])), "wrong_audience", "a client id is no audience");
}

// W04
#[test]
fn a_tampered_token_is_refused() {
    let scene = scene();
    let good = scene.sign(&json!({}));
    let other = scene.sign(&json!({"name": "root"}));
    let part = |token: &str, index: usize| token.split('.').nth(index).unwrap().to_owned();
    let mixed = [part(&good, 0), part(&other, 1), part(&good, 2)].join(".");
    assert_eq!(shown(&scene.review(&mixed)), "signature");
    let stripped = format!("{}.{}.", part(&good, 0), part(&good, 1));
    assert_eq!(shown(&scene.review(&stripped)), "signature");
}

#[test]
fn whatever_other_keys_could_mend_asks_for_fresh_ones_and_nothing_else_does() {
    let (scene, stranger) = (scene(), scene());
    let token = stranger.sign(&json!({}));
    let good = scene.sign(&json!({}));
    let (head, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{signature}");
    for (token, keys, reason) in [
        (&token, scene.keys(), Reason::UnknownKey),
        (&token, KeySet::empty(), Reason::UnknownKey),
        // The issuer may have replaced the key under the same name.
        (&forged, scene.keys(), Reason::Signature),
    ] {
        let decision = scene.ask(token, &keys, &[], None);
        let Decision::Need(Need::FreshKeys(_, otherwise)) = decision else {
            panic!("{decision:?}")
        };
        assert_eq!(otherwise, reason);
    }
    // After the refetch the same token is judged with the new set.
    assert_eq!(shown(&scene.review_with(&token, &stranger.keys())), "jane|dev");
    // An expired token causes no request to the issuer, even if its signature is wrong.
    for changes in [json!({"exp": NOW - 1}), json!({"aud": "another"})] {
        let decision = scene.ask(&stranger.sign(&changes), &scene.keys(), &[], None);
        assert!(matches!(decision, Decision::Verdict(Verdict::Refused(_))), "{decision:?}");
    }
}

impl Scene {
    fn review_with(&self, token: &str, keys: &KeySet) -> Verdict {
        match self.ask(token, keys, &[], None) {
            Decision::Verdict(verdict) => verdict,
            Decision::Need(Need::FreshKeys(_, otherwise)) => Verdict::Refused(otherwise),
            Decision::Need(need) => panic!("{need:?}"),
        }
    }
}

/// The reason why `plan` refuses a token without keys, or `keys` if it does not.
fn planned(scene: &Scene, token: &str) -> String {
    match plan(&scene.policy, token, UnixTime::from_seconds(NOW)) {
        Plan::Refuse(reason) => reason.as_str().to_owned(),
        Plan::Judge(_) => "keys".to_owned(),
    }
}

// W12, W21, W25, W26
#[test]
fn what_is_no_token_of_ours_is_refused_before_keys_are_asked_for() {
    let scene = scene();
    let good = scene.sign(&json!({}));
    let with_header = |header: &str| {
        let rest = good.split_once('.').unwrap().1;
        format!("{}.{rest}", base64url(header))
    };
    let of_issuer = |issuer: &str| scene.sign(&json!({"iss": issuer}));
    for (token, expected) in [
        (good.clone(), "keys"),
        (String::new(), "empty"),
        (" ".to_owned(), "malformed"),
        (format!("{good}\n"), "malformed"),
        ("x".repeat(64 * 1024 + 1), "too_long"),
        (".".repeat(64 * 1024), "unknown_shape"),
        ("x".repeat(1024 * 1024), "too_long"),
        ("opaque".to_owned(), "unknown_shape"),
        (format!("{good}.x.y"), "malformed"),
        ("abcdef.0123456789abcdef".to_owned(), "bootstrap_token"),
        ("ABCDEF.0123456789abcdef".to_owned(), "unknown_shape"),
        ("k8s-aws-v1.aHR0cHM6Ly9zdHM".to_owned(), "unknown_shape"),
        ("gAAAAABmx".to_owned(), "unknown_shape"),
        (format!("{good}.x.y.z"), "malformed"),
        (with_header(r#"{"alg":"none"}"#), "algorithm"),
        (with_header(r#"{"alg":"HS256"}"#), "algorithm"),
        (with_header(r#"{"alg":"EdDSA"}"#), "algorithm"),
        (with_header(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#), "header"),
        (with_header("{}"), "header"),
        (with_header(r#"{"alg":"none","alg":"ES256"}"#), "header"),
        (of_issuer("https://other.example.com"), "foreign_issuer"),
        (of_issuer("kubernetes/serviceaccount"), "service_account_token"),
        (of_issuer("https://kubernetes.default.svc"), "service_account_token"),
        (of_issuer("https://kubernetes.default.svc.cluster.local"), "service_account_token"),
        (of_issuer("https://kubernetes.default.svc-evil.example"), "foreign_issuer"),
        (scene.sign(&json!({"exp": NOW})), "expired"),
    ] {
        assert_eq!(planned(&scene, &token), expected, "{token:.80}");
    }
}

#[test]
fn a_token_goes_to_the_issuer_it_names_and_to_no_other() {
    let first = scene();
    let mut second = issuer_policy();
    second.issuer = IssuerUrl::parse("https://second.example.com").unwrap();
    let policy = Policy::new(vec![second, issuer_policy()], Guard::default());
    let token = first.sign(&json!({}));
    let now = UnixTime::from_seconds(NOW);
    let Plan::Judge(parsed) = plan(&policy, &token, now) else {
        panic!("a token of a configured issuer was refused");
    };
    let issuer = parsed.issuer().unwrap();
    assert_eq!(policy.issuer(issuer).unwrap().issuer.as_str(), ISSUER);
    assert!(!format!("{parsed:?}").contains(&token), "Debug shows no token");
    // Judged under another policy, where the index is invalid or means another issuer.
    let audiences = AudienceRequest { requested: &[], api_audiences: None };
    for issuers in [vec![], vec![issuer_policy()]] {
        let other = Policy::new(issuers, Guard::default());
        let keys = first.keys();
        let decision = decide(&other, &parsed, &Evidence::of_keys(issuer, &keys), audiences, now);
        assert_eq!(decision, Decision::Verdict(Verdict::Refused(Reason::ForeignIssuer)));
    }
}

/// RFC 4648 §5 without padding.
fn base64url(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for index in 0..=chunk.len() {
            out.push(char::from(ALPHABET[bits >> (18 - 6 * index) & 63]));
        }
    }
    out
}

#[test]
fn an_expression_that_was_stopped_says_nothing_about_the_token() {
    let rule = |source: &str| {
        let mut issuer = issuer_policy();
        let expression = Expression::over_claims(source).unwrap();
        issuer.claim_rules.push(Rule { expression, message: String::new() });
        scene_of(issuer, Guard::default())
    };
    let large = r"!claims.long.matches('.*\\pL{60}.*\\pL{60}!')";
    let stopped = Decision::Verdict(Verdict::CannotTell(Outage::DeadlineExceeded));
    let refused = Decision::Verdict(Verdict::Refused(Reason::ClaimRule));
    let wrong_audience = Decision::Verdict(Verdict::Refused(Reason::WrongAudience));
    for (source, changes, expected) in [
        (large, json!({}), Some(stopped)),
        // Expressions that need no time, and tokens that were refused before any expression.
        ("claims.long.size() == 3000", json!({}), None),
        ("claims.long == ''", json!({}), Some(refused)),
        (large, json!({"aud": "other"}), Some(wrong_audience)),
    ] {
        let scene = rule(source);
        let long = json!({"long": "x".repeat(3_000)});
        let mut all = changes.clone();
        all["long"] = long["long"].clone();
        let (token, keys) = (scene.sign(&all), scene.keys());
        let now = UnixTime::from_seconds(NOW);
        let Plan::Judge(token) = plan(&scene.policy, &token, now) else { panic!("refused") };
        let audiences = AudienceRequest { requested: &[], api_audiences: None };
        let patience = Patience::until(|| true);
        let known = Evidence::of_keys(token.issuer().unwrap(), &keys);
        let evidence = Evidence { patience: Some(&patience), ..known };
        let decision = decide(&scene.policy, &token, &evidence, audiences, now);
        let is_accepted = matches!(decision, Decision::Verdict(Verdict::Accepted { .. }));
        assert_eq!(
            (is_accepted, (!is_accepted).then_some(decision)),
            (expected.is_none(), expected)
        );
    }
}

#[test]
fn a_token_whose_session_may_have_ended_unseen_is_neither_accepted_nor_refused() {
    let scene = scene();
    let verdict = |changes: &Value, ended: &EndedSessions| {
        let (token, keys) = (scene.sign(changes), scene.keys());
        let now = UnixTime::from_seconds(NOW);
        let Plan::Judge(token) = plan(&scene.policy, &token, now) else { panic!("refused") };
        let evidence = Evidence {
            ended_sessions: Some(ended),
            ..Evidence::of_keys(token.issuer().unwrap(), &keys)
        };
        let audiences = AudienceRequest { requested: &[], api_audiences: None };
        decide(&scene.policy, &token, &evidence, audiences, now)
    };
    let in_doubt = Decision::Verdict(Verdict::CannotTell(Outage::StoreUnavailable));
    let unknown = EndedSessions::unknown(ISSUER);
    assert_eq!(verdict(&json!({}), &unknown), in_doubt);
    for (changes, ended) in [
        (json!({"sid": null}), &unknown),
        (json!({}), &EndedSessions::unknown("https://other.example")),
        (json!({}), &EndedSessions::new(ISSUER, [])),
    ] {
        let verdict = verdict(&changes, ended);
        assert!(matches!(verdict, Decision::Verdict(Verdict::Accepted { .. })), "{verdict:?}");
    }
}
