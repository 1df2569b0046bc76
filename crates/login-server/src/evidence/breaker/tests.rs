//! What opens a breaker, what closes it, and what does neither; by cases and by random schedules.

use login_common::schedules::{Dice, each_schedule};

use super::{Standing::*, *};

fn name(number: u64) -> TokenDigest {
    TokenDigest::of(&number.to_string())
}

/// A breaker that was just opened by several proven names without an answer.
fn opened() -> (Breaker, Instant) {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for number in 1..=5 {
        let has_opened = breaker.admit(Proven, now).unwrap().unanswered(&name(number), now);
        assert_eq!(has_opened, number == 5);
    }
    (breaker, now)
}

#[test]
fn several_proven_names_without_an_answer_open_it_and_an_answer_closes_it() {
    let (breaker, now) = opened();
    assert!(breaker.is_open() && breaker.is_shut(now));
    assert!(breaker.admit(Proven, now).is_none() && breaker.admit(Stranger, now).is_none());
    let later = now + PAUSE;
    let trials: Vec<_> = (0..TRIALS).map(|_| breaker.admit(Proven, later).unwrap()).collect();
    assert!(breaker.admit(Proven, later).is_none(), "a few at a time");
    drop(trials);
    breaker.admit(Proven, later).unwrap().answered();
    assert!(!breaker.is_open());
    // An answer in between restarts the count.
    for number in 1..=4 {
        assert!(!breaker.admit(Proven, later).unwrap().unanswered(&name(number), later));
    }
    breaker.admit(Proven, later).unwrap().answered();
    assert!(!breaker.admit(Proven, later).unwrap().unanswered(&name(5), later));
}

#[test]
fn connections_that_do_not_come_about_open_it_whoever_wanted_them() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for number in 1..=5 {
        assert_eq!(breaker.admit(Stranger, now).unwrap().unreachable(now), number == 5);
    }
    assert!(breaker.admit(Proven, now).is_none());
    let later = now + PAUSE;
    assert!(!breaker.admit(Proven, later).unwrap().unreachable(later), "it was open before");
    assert!(breaker.admit(Proven, later).is_none());
    breaker.admit(Stranger, later + PAUSE).unwrap().answered();
    assert!(!breaker.is_open());
}

#[test]
fn what_strangers_ask_opens_nothing_but_is_kept_to_a_rate() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for number in 0..1_000 {
        if let Some(attempt) = breaker.admit(Stranger, now) {
            assert!(!attempt.unanswered(&name(number), now));
        }
        assert!(breaker.admit(Proven, now).is_some() && !breaker.is_open());
    }
    assert!(breaker.admit(Stranger, now).is_none());
    let later = now + Duration::from_secs(1);
    let admitted = (0..1_000).filter_map(|_| breaker.admit(Stranger, later)).count();
    assert_eq!(admitted, usize::try_from(STRANGERS).unwrap());
    breaker.admit(Proven, later).unwrap().answered();
    assert!(breaker.admit(Stranger, later).is_some());
}

#[test]
fn one_name_alone_opens_nothing_and_holds_no_trial_up() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for _ in 0..100 {
        assert!(!breaker.admit(Proven, now).unwrap().unanswered(&name(1), now));
    }
    assert!(!breaker.is_open());
    let (breaker, now) = opened();
    let later = now + PAUSE;
    for _ in 0..100 {
        breaker.admit(Proven, later).unwrap().unanswered(&name(1), later);
    }
    assert!(breaker.admit(Proven, later).is_some(), "another is still tried");
    breaker.admit(Proven, later).unwrap().unanswered(&name(2), later);
    assert!(breaker.admit(Proven, later).is_none(), "two are no coincidence");
}

#[test]
fn what_was_given_up_or_came_late_counts_for_nothing() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    let late: Vec<_> = (0..9).map(|_| breaker.admit(Proven, now).unwrap()).collect();
    for _ in 0..15 {
        drop(breaker.admit(Proven, now).unwrap());
    }
    assert!(!breaker.is_open());
    for _ in 0..5 {
        breaker.admit(Stranger, now).unwrap().unreachable(now);
    }
    for (attempt, number) in late.into_iter().zip(0..) {
        assert!(!attempt.unanswered(&name(number), now));
    }
    assert!(breaker.admit(Proven, now + PAUSE).is_some(), "the pause was not prolonged");
}

/// Questions about proven and unproven names at random moments, to a party that is healthy,
/// unreachable or broken; the party never answers about odd names. Run twice, with and without
/// unproven names.
struct Scene {
    breaker: Breaker,
    /// When questions about proven names were turned away.
    turned_away: Vec<u64>,
    asked_while_gone: u64,
    /// When questions were sent since the party became unreachable.
    in_vain: Vec<u64>,
}

fn run(dice: &mut Dice, with_strangers: bool) -> Scene {
    let start = Instant::now();
    let mut scene = Scene {
        breaker: Breaker::default(),
        turned_away: vec![],
        asked_while_gone: 0,
        in_vain: vec![],
    };
    let (mut gone, mut millisecond) = (false, 0);
    for _ in 0..dice.below(120) {
        millisecond += dice.below(400);
        let now = start + Duration::from_millis(millisecond);
        let (what, who) = (dice.below(100), dice.below(8));
        match what {
            0..4 => {
                gone = !gone;
                scene.in_vain.clear();
            }
            4..50 => match scene.breaker.admit(Proven, now) {
                None => scene.turned_away.push(millisecond),
                Some(attempt) if gone => {
                    scene.asked_while_gone += 1;
                    scene.in_vain.push(millisecond);
                    attempt.unreachable(now);
                    if let [.., before, last] = scene.in_vain[..]
                        && THRESHOLD < scene.in_vain.len()
                    {
                        let pause = u128::from(last - before);
                        assert!(PAUSE.as_millis() <= pause, "it is gone, and not left alone");
                    }
                }
                // Two of the eight names are odd.
                Some(attempt) if who < 2 => {
                    attempt.unanswered(&name(who), now);
                }
                Some(attempt) if who == 2 => drop(attempt),
                Some(attempt) => attempt.answered(),
            },
            _ if with_strangers => {
                if let Some(attempt) = scene.breaker.admit(Stranger, now) {
                    attempt.unanswered(&name(1_000 + who), now);
                }
            }
            _ => {}
        }
    }
    let end = start + Duration::from_millis(millisecond) + PAUSE;
    assert!(scene.breaker.admit(Proven, end).is_some(), "every pause ends");
    scene
}

#[test]
fn no_schedule_of_strangers_changes_what_happens_to_a_proven_name() {
    each_schedule(&[], 20_000, |seed| {
        let plain = run(&mut Dice::new(seed), false);
        let disturbed = run(&mut Dice::new(seed), true);
        assert_eq!(plain.turned_away, disturbed.turned_away);
        assert_eq!(plain.asked_while_gone, disturbed.asked_while_gone);
        // The circuit of a healthy party never opens: two odd names are not enough.
        if plain.asked_while_gone == 0 {
            assert!(plain.turned_away.is_empty(), "{:?}", plain.turned_away);
        }
    });
}
