//! Tests of the result cache: how long an answer is true, and how much is cached.

use login_common::{
    names::IssuerUrl,
    schedules::{Dice, each_schedule},
};
use login_review::{ClaimMapping, IssuerPolicy, Plan, Policy, PrefixedClaim, plan};

use std::{collections::HashMap, sync::LazyLock};

use super::*;
use crate::{
    system::{clock, random::RandomNumbers},
    telemetry::decision::{DecisionId, Outcome},
};

static BEGIN: LazyLock<Instant> = LazyLock::new(clock::instant);

/// `seconds` after 1000, by both clocks.
fn after(seconds: u64) -> Moment {
    let wall = at(1_000).plus(Duration::from_secs(seconds));
    Moment { wall, monotonic: *BEGIN + Duration::from_secs(seconds) }
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

const EPOCH: Epoch = Epoch { configuration: 3, revocations: 5 };

fn cache(max_bytes: u64) -> ResultCache {
    let (ttl, negative_ttl) = (Duration::from_mins(1), Duration::from_secs(10));
    ResultCache::new(ResultCacheSettings { max_bytes, ttl, negative_ttl }).unwrap()
}

/// Only a token of the issuer leads to its index.
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
    match plan(&policy, &token, at(1_000)) {
        Plan::Judge(token) => token.issuer().unwrap(),
        Plan::Refuse(reason) => panic!("{reason}"),
    }
}

/// The basis of an answer found with key set generation 7.
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

/// Whether an answer cached this way is still returned `later`.
fn is_said(cache: &ResultCache, keep: Keep, later: Moment, epoch: Epoch, generation: u64) -> bool {
    let question = cache.question(b"question").unwrap();
    cache.keep(question, (Bytes::from_static(b"answer"), decided()), keep, basis(), after(0));
    cache.answer(&question, later, epoch, |_| Some(generation)).is_some()
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
        assert_eq!(
            is_said(&cache(10_000), keep, after(later - 1_000), EPOCH, 7),
            expected,
            "{keep:?} {later}"
        );
    }
}

#[test]
fn a_clock_that_is_set_changes_no_lifetime_of_ours() {
    let hour = Duration::from_hours(1);
    for (keep, ttl) in [(accepted(90_000), 60), (REFUSED, 10)] {
        for (what, later, is_said_then) in [
            ("set back", Moment { wall: at(1_000).minus(hour), ..after(ttl - 1) }, true),
            ("set back", Moment { wall: at(1_000).minus(hour), ..after(ttl) }, false),
            ("set forward", Moment { wall: at(1_000).plus(hour), ..after(ttl - 1) }, true),
            ("set forward", Moment { wall: at(1_000).plus(hour), ..after(ttl) }, false),
        ] {
            let said = is_said(&cache(10_000), keep, later, EPOCH, 7);
            assert_eq!(said, is_said_then, "{what}: {keep:?}");
        }
    }
    // `exp` is checked by the wall clock.
    let late = Moment { wall: at(1_010), ..after(1) };
    assert!(!is_said(&cache(10_000), accepted(1_010), late, EPOCH, 7));
}

#[test]
fn an_answer_ends_with_whatever_it_rests_on() {
    for keep in [accepted(9_000), REFUSED] {
        assert!(is_said(&cache(10_000), keep, after(1), EPOCH, 7));
        assert!(!is_said(&cache(10_000), keep, after(1), EPOCH, 8), "other keys");
        let reloaded = Epoch { configuration: 4, ..EPOCH };
        assert!(!is_said(&cache(10_000), keep, after(1), reloaded, 7), "another configuration");
        let revoked = Epoch { revocations: 6, ..EPOCH };
        assert!(!is_said(&cache(10_000), keep, after(1), revoked, 7), "other revocations");
    }
}

#[test]
fn nothing_is_kept_when_nothing_may_be() {
    assert!(!is_said(&cache(0), accepted(9_000), after(1), EPOCH, 7));
    assert!(!is_said(&cache(0), REFUSED, after(1), EPOCH, 7));
}

#[test]
fn a_flood_of_questions_stays_within_the_bound() {
    let (cache, basis) = (cache(100_000), basis());
    for number in 0_u32..5_000 {
        let question = cache.question(&number.to_be_bytes()).unwrap();
        let keep = if number % 2 == 0 { accepted(9_000) } else { REFUSED };
        cache.keep(question, (Bytes::from_static(&[0; 100]), decided()), keep, basis, after(0));
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
            after(0),
        );
    }
    for number in 0..20_000 {
        let question = name("bad", number).unwrap();
        cache.keep(question, (Bytes::from_static(&[0; 100]), decided()), REFUSED, basis, after(0));
    }
    let hits = (0..500)
        .filter(|number| {
            let question = name("good", *number).unwrap();
            cache.answer(&question, after(0), EPOCH, |_| Some(7)).is_some()
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

/// A cached answer in the model: until when by both clocks, and what it rests on.
struct Model {
    text: &'static [u8],
    until: u64,
    expires_at: Option<UnixTime>,
    epoch: Epoch,
    generation: u64,
}

#[test]
fn in_no_schedule_is_an_answer_said_that_is_not_true_any_more_or_forgotten_that_is() {
    let (issuer, decided) = (issuer(), decided());
    each_schedule(&[], 10_000, |seed| {
        let (mut dice, cache) = (Dice::new(seed), cache(1_000_000));
        let (mut epoch, mut generation) = (EPOCH, 7);
        let (mut seconds, mut wall) = (0, at(1_000));
        let mut model: HashMap<u64, Vec<Model>> = HashMap::new();
        for _ in 0..dice.below(60) {
            let number: u64 = dice.below(4);
            let question = cache.question(&number.to_be_bytes()).unwrap();
            let now = Moment { wall, ..after(seconds) };
            match dice.below(12) {
                0..3 => {
                    let step = dice.below(30);
                    seconds += step;
                    wall = wall.plus(Duration::from_secs(step));
                }
                // The wall clock is set.
                3 => wall = at(dice.below(2_000)),
                4 => epoch.revocations += 1,
                5 => generation += 1,
                6..9 => {
                    let until = wall.plus(Duration::from_secs(dice.below(100)));
                    let is_accepted = dice.below(2) == 0;
                    let keep = if is_accepted { Keep::Accepted { until } } else { REFUSED };
                    let text = dice.one_of(&[&b"one"[..], b"two", b"three"]);
                    // Some reviews began before the latest change.
                    let epoch = Epoch { revocations: epoch.revocations - dice.below(2), ..epoch };
                    let basis = Basis { epoch, keys: (issuer, generation) };
                    cache.keep(question, (Bytes::from_static(text), decided), keep, basis, now);
                    if !is_accepted || wall < until {
                        let expires_at = is_accepted.then_some(until);
                        let until = seconds + if is_accepted { 60 } else { 10 };
                        let kept = Model { text, until, expires_at, epoch, generation };
                        let answers = model.entry(number).or_default();
                        answers.retain(|other| other.expires_at.is_some() != is_accepted);
                        answers.push(kept);
                    }
                }
                _ => {
                    let is_true = |kept: &&Model| {
                        seconds < kept.until
                            && kept.expires_at.is_none_or(|end| wall < end)
                            && (kept.epoch, kept.generation) == (epoch, generation)
                    };
                    let answers = model.entry(number).or_default();
                    let said = cache.answer(&question, now, epoch, |_| Some(generation));
                    let said = said.map(|(text, _)| text);
                    let expected: Vec<&[u8]> =
                        answers.iter().filter(is_true).map(|kept| kept.text).collect();
                    match &said {
                        Some(text) => assert!(expected.contains(&text.as_ref()), "{expected:?}"),
                        None => assert!(expected.is_empty(), "forgotten: {expected:?}"),
                    }
                    // An answer found to be stale is removed, whatever the clock shows later.
                    answers.retain(|kept| is_true(&kept));
                }
            }
        }
    });
}
