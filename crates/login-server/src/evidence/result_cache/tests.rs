//! Tests of the result cache: how long an answer is true, and how much is kept.
//! Never looks at an answer's text: it is whatever was kept.

use login_common::names::IssuerUrl;
use login_review::{ClaimMapping, IssuerPolicy, Plan, Policy, PrefixedClaim, plan};

use super::*;
use crate::{
    system::random::RandomNumbers,
    telemetry::decision::{DecisionId, Outcome},
};

const NOW: UnixTime = UnixTime::from_seconds(1_000);

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

const EPOCH: Epoch = Epoch { configuration: 3, revocations: 5 };

fn cache(max_bytes: u64) -> ResultCache {
    let (ttl, negative_ttl) = (Duration::from_mins(1), Duration::from_secs(10));
    ResultCache::new(ResultCacheSettings { max_bytes, ttl, negative_ttl }).unwrap()
}

/// The only way to an index is through a token of that issuer.
fn issuer() -> IssuerIndex {
    let username = PrefixedClaim { claim: "sub".to_owned(), prefix: String::new() };
    let mapping = ClaimMapping::of_claims(username, None);
    let url = IssuerUrl::parse("https://id.example").unwrap();
    let entry = IssuerPolicy::new(url, vec!["a".to_owned()], mapping);
    let policy = Policy::new(vec![entry], login_review::Guard::default());
    let key = login_protocols::jose::SigningKey::generate().unwrap();
    let claims = serde_json::json!({"iss": "https://id.example", "exp": 9_999_999_999_u64,
                                    "aud": "a", "sub": "s"});
    let token = key.sign("JWT", &claims).unwrap();
    match plan(&policy, &token, NOW) {
        Plan::Judge(token) => token.issuer().unwrap(),
        Plan::Refuse(reason) => panic!("{reason}"),
    }
}

/// What an answer rests on that was found with generation 7.
fn basis() -> Basis {
    Basis { epoch: EPOCH, keys: (issuer(), 7) }
}

fn accepted(until: i64) -> Keep {
    Keep::Accepted { until: at(until) }
}

fn decided() -> Decided {
    let id = DecisionId::draw(&RandomNumbers::new().unwrap()).unwrap();
    Decided { id, outcome: Outcome::Accepted }
}

const REFUSED: Keep = Keep::Refused;

/// Whether an answer that was kept so is still said `later`.
fn is_said(cache: &ResultCache, keep: Keep, later: i64, epoch: Epoch, generation: u64) -> bool {
    let question = cache.question(b"question").unwrap();
    cache.keep(question, (Bytes::from_static(b"answer"), decided()), keep, basis(), NOW);
    cache.answer(&question, at(later), epoch, |_| Some(generation)).is_some()
}

#[test]
fn an_answer_lives_until_its_expiry_or_for_the_configured_time() {
    for (keep, later, expected) in [
        (accepted(9_000), 1_000, true),
        (accepted(9_000), 1_059, true),
        (accepted(9_000), 1_060, false),
        (accepted(1_010), 1_009, true),
        (accepted(1_010), 1_010, false),
        (accepted(1_000), 1_000, false),
        (accepted(900), 1_000, false),
        (REFUSED, 1_009, true),
        (REFUSED, 1_010, false),
    ] {
        assert_eq!(is_said(&cache(10_000), keep, later, EPOCH, 7), expected, "{keep:?} {later}");
    }
}

#[test]
fn an_answer_ends_with_whatever_it_rests_on() {
    for keep in [accepted(9_000), REFUSED] {
        assert!(is_said(&cache(10_000), keep, 1_001, EPOCH, 7));
        assert!(!is_said(&cache(10_000), keep, 1_001, EPOCH, 8), "other keys");
        let reloaded = Epoch { configuration: 4, ..EPOCH };
        assert!(!is_said(&cache(10_000), keep, 1_001, reloaded, 7), "another configuration");
        let revoked = Epoch { revocations: 6, ..EPOCH };
        assert!(!is_said(&cache(10_000), keep, 1_001, revoked, 7), "other revocations");
    }
}

#[test]
fn nothing_is_kept_when_nothing_may_be() {
    assert!(!is_said(&cache(0), accepted(9_000), 1_001, EPOCH, 7));
    assert!(!is_said(&cache(0), REFUSED, 1_001, EPOCH, 7));
}

#[test]
fn a_flood_of_questions_stays_within_the_bound() {
    let (cache, basis) = (cache(100_000), basis());
    for number in 0_u32..5_000 {
        let question = cache.question(&number.to_be_bytes()).unwrap();
        let keep = if number % 2 == 0 { accepted(9_000) } else { REFUSED };
        cache.keep(question, (Bytes::from_static(&[0; 100]), decided()), keep, basis, NOW);
    }
    let report = cache.report();
    assert!((1..=100_000).contains(&report.bytes), "{report:?}");
    assert!(report.evictions > 4_000, "{report:?}");
}

#[test]
fn a_flood_of_refusals_pushes_no_accepted_token_out() {
    let (cache, basis) = (cache(1_000_000), basis());
    let name = |kind: &str, number: u32| cache.question(format!("{kind}{number}").as_bytes());
    for number in 0..500 {
        let question = name("good", number).unwrap();
        cache.keep(
            question,
            (Bytes::from_static(&[0; 400]), decided()),
            accepted(9_000),
            basis,
            NOW,
        );
    }
    for number in 0..20_000 {
        let question = name("bad", number).unwrap();
        cache.keep(question, (Bytes::from_static(&[0; 100]), decided()), REFUSED, basis, NOW);
    }
    let hits = (0..500)
        .filter(|number| {
            let question = name("good", *number).unwrap();
            cache.answer(&question, NOW, EPOCH, |_| Some(7)).is_some()
        })
        .count();
    assert_eq!(hits, 500);
    assert!(cache.report().refused > 100);
}

#[test]
fn names_of_questions_differ_between_processes() {
    let (one, other) = (cache(1), cache(1));
    let name = |cache: &ResultCache, body: &[u8]| cache.question(body).unwrap();
    assert_eq!(name(&one, b"x"), name(&one, b"x"));
    assert_ne!(name(&one, b"x"), name(&one, b"y"));
    assert_ne!(name(&one, b"x"), name(&one, b"x\0"));
    assert_ne!(name(&one, b""), name(&one, b"\0"));
    assert_ne!(name(&one, b"x"), name(&other, b"x"));
}
