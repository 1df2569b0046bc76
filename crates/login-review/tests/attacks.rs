//! The attack corpus: every token in `tests/vectors/attacks`, each with the reason that it must be
//! refused for. Made anew by `cargo run -p login-protocols --example attack_corpus`.
//! Never looks at the clock: the tokens mean the same at any time from 2024 to 2096.
//!
//! Which point of the checklist for token servers is held where (b3 is point 3; `corpus` is this
//! test, which counts the cases of each of its points):
//!
//! | point | what | held by |
//! |---|---|---|
//! | b1, b2 | the envelope: method, size, duplicate keys, versions | `login-server/tests/server/reviews.rs`, `login-common/src/token_review.rs`, `strict_json.rs` |
//! | b3 | empty, oversized, invisible bytes | corpus |
//! | b4, b5, b6 | caller, audiences asked for, deadline | `login-server/tests/server/{connections,reviews}.rs`, `login-review/src/audience.rs` |
//! | b7, b8 | one authenticator by shape and issuer; others' tokens | corpus, `login-review/src/route/tests.rs` |
//! | b9 | dots are counted before anything is decoded | corpus, `jose/tests.rs` |
//! | b10 | strict base64url, size, UTF-8, unique and exact names | corpus, `jose/base64url.rs` |
//! | b11 | `alg` by configuration and by key | corpus, `jose/jwks/tests.rs` |
//! | b12 | `crit`, `b64`, `zip`, `enc`; keys offered by the token | corpus |
//! | b13 | types of tokens; logout tokens | corpus |
//! | b14 | names of keys | corpus, `jose/jwks/tests.rs` |
//! | b15 | fetching: https, redirects within their scheme, size, addresses, whose document | `login-server/tests/server/key_sets.rs`, `evidence/addresses.rs`, `oidc/discovery/tests.rs` |
//! | b16 | keys that must not be used | corpus, `jose/jwks/tests.rs` |
//! | b17, b18, b19 | refresh, pace, age, withdrawal | `login-server/tests/server/key_sets.rs`, `evidence/pace.rs`, `evidence/freshness.rs` |
//! | b20 | one signature, of fixed length, over the bytes received | corpus, `jose/tests.rs` |
//! | b21 | nothing is known by its signature: it has a twin | corpus (`ECDSA: control: s negated`) |
//! | b22, b23, b25 | `iss`, `aud`, times | corpus, `oidc/token/tests.rs` |
//! | b24, b27 | `azp`, e-mail addresses | `login-review/src/decide/tests.rs`, `claims/mapping/tests.rs` |
//! | b26, b28 | names, `system:` | corpus, `login-review/src/guard.rs` |
//! | b39 | what is kept, and for how long | `login-server/src/evidence/result_cache/tests.rs` |

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::PathBuf};

use login_common::{UnixTime, names::IssuerUrl};
use login_protocols::jose::{Algorithm, KeySet};
use login_review::{
    AudienceRequest, ClaimMapping, Decision, Evidence, Guard, IssuerPolicy, Need, Plan, Policy,
    PrefixedClaim, Verdict, decide, plan,
};
use serde_json::Value;

const FILES: [&str; 6] =
    ["algorithms", "headers", "encodings", "documents", "signatures", "claims"];

/// 2024-06, and 2090-06.
const MOMENTS: [i64; 2] = [1_717_200_000, 3_800_000_000];

fn document(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/attacks");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The issuer under attack: users from `sub`, groups from `groups`, no prefixes to hide behind.
struct Attacked {
    policy: Policy,
    keys: KeySet,
}

impl Attacked {
    fn new() -> Self {
        let document = document("issuer");
        let texts = |name: &str| -> Vec<String> {
            document[name].as_array().unwrap().iter().map(|t| t.as_str().unwrap().into()).collect()
        };
        let claim = |name: &str| PrefixedClaim { claim: name.into(), prefix: String::new() };
        let mapping = ClaimMapping::of_claims(claim("sub"), Some(claim("groups")));
        let issuer = IssuerUrl::parse(document["issuer"].as_str().unwrap()).unwrap();
        let mut entry = IssuerPolicy::new(issuer, texts("audiences"), mapping);
        entry.algorithms =
            texts("algorithms").iter().map(|name| Algorithm::parse(name).unwrap()).collect();
        let policy = Policy::new(vec![entry], Guard::default());
        let keys = KeySet::parse(document["jwks"].to_string().as_bytes()).unwrap();
        Self { policy, keys }
    }

    /// `accepted`, or the reason.
    fn judge(&self, token: &str, now: i64) -> &'static str {
        let now = UnixTime::from_seconds(now);
        let token = match plan(&self.policy, token, now) {
            Plan::Refuse(reason) => return reason.as_str(),
            Plan::Judge(token) => token,
        };
        let evidence = Evidence::of_keys(token.issuer().unwrap(), &self.keys);
        let audiences = AudienceRequest { requested: &[], api_audiences: None };
        match decide(&self.policy, &token, &evidence, audiences, now) {
            Decision::Verdict(Verdict::Accepted { .. }) => "accepted",
            Decision::Verdict(Verdict::Refused(reason)) => reason.as_str(),
            Decision::Verdict(Verdict::CannotTell(outage)) => outage.as_str(),
            // The set is as fresh as it gets.
            Decision::Need(Need::FreshKeys(_, otherwise)) => otherwise.as_str(),
            Decision::Need(_) => "evidence",
        }
    }
}

struct Case {
    file: &'static str,
    name: String,
    point: String,
    token: String,
    expected: String,
}

fn cases() -> Vec<Case> {
    let of_file = |file: &'static str| {
        let cases = document(file)["cases"].as_array().unwrap().clone();
        cases.into_iter().map(move |case| {
            let text = |name: &str| case[name].as_str().unwrap().to_owned();
            Case {
                file,
                name: text("name"),
                point: text("point"),
                token: text("token"),
                expected: text("expected"),
            }
        })
    };
    FILES.into_iter().flat_map(of_file).collect()
}

#[test]
fn every_attack_is_refused_for_its_reason_and_every_control_accepted() {
    let attacked = Attacked::new();
    let mut wrong = Vec::new();
    for case in cases() {
        for now in MOMENTS {
            let found = attacked.judge(&case.token, now);
            if found != case.expected {
                let Case { file, name, expected, .. } = &case;
                wrong.push(format!("{file}: {name}: {found} instead of {expected} at {now}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_corpus_has_attacks_and_controls_for_each_of_its_points() {
    let cases = cases();
    let mut points: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names: Vec<(&str, &str)> = Vec::new();
    for case in &cases {
        *points.entry(&case.point).or_default() += 1;
        names.push((case.file, &case.name));
    }
    let expected = [
        "b10", "b11", "b12", "b13", "b14", "b16", "b20", "b22", "b23", "b25", "b26", "b28", "b3",
        "b7", "b8", "b9",
    ];
    assert_eq!(points.keys().copied().collect::<Vec<_>>(), expected);
    assert!(points.values().all(|count| *count >= 3), "{points:?}");
    assert!(cases.len() >= 300, "{}", cases.len());
    let controls = cases.iter().filter(|case| case.expected == "accepted").count();
    assert!(controls >= 20, "{controls}");
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None);
}

#[test]
fn the_published_keys_are_used_or_left_out_as_each_deserves() {
    let keys = Attacked::new().keys;
    // b16: five good keys and two of one name; eight that must not be used.
    assert_eq!((keys.len(), keys.skipped()), (7, 8), "{:?}", keys.problems());
}

#[test]
fn no_control_survives_a_flipped_bit() {
    let attacked = Attacked::new();
    for case in cases()
        .iter()
        .filter(|case| case.name.starts_with("control: ES") || case.name.starts_with("control: RS"))
    {
        for position in 0..case.token.len() * 8 {
            let mut bytes = case.token.clone().into_bytes();
            bytes[position / 8] ^= 1 << (position % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            let found = attacked.judge(&flipped, MOMENTS[0]);
            assert_ne!(found, "accepted", "{}: bit {position}", case.name);
        }
    }
}
