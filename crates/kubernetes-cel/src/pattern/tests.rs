//! Which patterns are accepted, as by RE2; `tests/vectors/cel` tests what they match.

use super::search::{Fault, Found};
use super::{Matcher, Patterns, Purpose, SIZE, SIZE_OF_COMPUTED};
use crate::error::EvaluationError;
use crate::limits::Patience;

#[track_caller]
fn are(patterns: &[&str], size: usize, fault: Option<Fault>) {
    for pattern in patterns {
        for purpose in [Purpose::Test, Purpose::Find] {
            let added = Patterns::default().add(pattern, size, purpose);
            assert_eq!(added.err(), fault, "{pattern}");
        }
    }
}

#[test]
fn a_hyphen_may_stand_anywhere_in_a_set() {
    are(&[r"^[\w-.]+$", "[a-z0-9-_]+", "[--a]", "[a-]", "[-a]", "[^-a-b-c-]"], SIZE, None);
    are(&[r"[a-\d]", "[a--]", "[a-", "[z-a]"], SIZE, Some(Fault::Syntax));
}

#[test]
fn repetitions_within_repetitions_make_a_thousand_copies_at_most() {
    are(
        &["a{1000}", "(a{10}){100}", "((a{10}b{100})c){10}", "(a{100}|b){10}", "(a{100})(b{100})"],
        SIZE,
        None,
    );
    are(
        &["(a{1000}){0}", "(a{1000})*", "((?i)a{10}){100}", "(a{500}){0,1}", "a{100}{"],
        SIZE,
        None,
    );
    are(
        &["a{1001}", "(a{100}){11}", "((a{10}b{100})c){11}", "(a{100}|b){11}", "(a{20,}){51,}"],
        SIZE,
        Some(Fault::Syntax),
    );
}

#[test]
fn a_flag_may_be_there_twice() {
    are(&["(?ii)a", "(?iim-ss:a)", "(?i)a"], SIZE, None);
    are(&["(?", "(?i", "(?x)a", "(?i-)a"], SIZE, Some(Fault::Syntax));
}

#[test]
fn a_pattern_that_is_too_large_is_not_called_wrong() {
    are(&["^.{1,200}@"], SIZE, None);
    are(&["^.{1,200}@"], SIZE_OF_COMPUTED, Some(Fault::Size));
    are(&["(.{30}){33}.{1000}.{1000}.{1000}"], SIZE_OF_COMPUTED, Some(Fault::Size));
    are(&["("], SIZE_OF_COMPUTED, Some(Fault::Syntax));
}

#[test]
fn a_set_of_letters_may_be_repeated_as_often_as_in_go() {
    let sets = [r"^[\pL .-]{1,256}$", r"\pL{1000}", r"(\pL{10}\pN){90}", r"(?i)[\pL\pN]{1,500}"];
    are(&sets, SIZE, None);
    let many = r"\pL{1000}".repeat(64);
    are(&[&many], SIZE, Some(Fault::Size));
}

fn matcher(pattern: &str) -> std::sync::Arc<Matcher> {
    Patterns::default().add(pattern, SIZE, Purpose::Find).unwrap()
}

/// What is found, and from where.
#[test]
fn the_first_match_is_found_and_of_several_the_preferred_one() {
    for (pattern, text, from, expected) in [
        ("b+", "abbbc", 0, Some((1, 4))),
        ("b+?", "abbbc", 0, Some((1, 2))),
        ("b+", "abbbc", 2, Some((2, 4))),
        ("a|ab", "ab", 0, Some((0, 1))),
        ("ab|a", "ab", 0, Some((0, 2))),
        ("", "ab", 0, Some((0, 0))),
        ("", "ab", 2, Some((2, 2))),
        ("", "ab", 3, None),
        ("x*", "\u{e9}", 1, Some((2, 2))),
        ("^a", "aa", 1, None),
        (r"\ba", "aa a", 1, Some((3, 4))),
        (r"\Ba", "aa", 1, Some((1, 2))),
        ("a$", "aa", 0, Some((1, 2))),
        ("(?m)^a$", "b\na\nb", 0, Some((2, 3))),
        ("\u{e9}+", "e\u{e9}\u{e9}", 0, Some((1, 5))),
        (".", "\u{1f600}", 0, Some((0, 4))),
        ("[^a]", "a\u{e9}", 0, Some((1, 3))),
        ("z", "abc", 0, None),
    ] {
        let found = matcher(pattern).find(text, from, None).unwrap();
        assert_eq!(found, expected.map(|(start, end)| Found { start, end }), "{pattern} {text}");
        if from == 0 {
            let is_match = matcher(pattern).is_match(text, None).unwrap();
            assert_eq!(is_match, expected.is_some(), "{pattern} {text}");
        }
    }
}

#[test]
fn a_search_ends_when_there_is_no_more_patience_however_large_the_pattern() {
    let large = matcher(r".*\pL{60}.*\pL{60}!");
    let text = "x".repeat(10_000);
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let patience =
        Patience::until(move || count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 9);
    assert_eq!(large.is_match(&text, Some(&patience)), Err(EvaluationError::Stopped));
    assert!(patience.has_stopped());
    // At every step of a large pattern, and rarely in a small one.
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 10);
    let patience = Patience::until(|| false);
    assert_eq!(matcher("x+!").is_match(&text, Some(&patience)), Ok(false));
    assert!(!patience.has_stopped());
}

#[test]
fn a_search_goes_through_a_text_once_whatever_it_meets_within_characters() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    // Between all of these is a boundary of words, but within the characters.
    let text = "a ".repeat(20_000) + "a\u{e9}a" + &" a".repeat(20_000) + "\u{1f600}";
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let patience = Patience::until(move || count.fetch_add(1, Ordering::Relaxed) > 1_000_000);
    let whole = Found { start: text.len(), end: text.len() };
    assert_eq!(matcher(r"\B").find(&text, 0, Some(&patience)), Ok(Some(whole)));
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked <= 2 * text.len() / 1024, "asked {asked} times");
}
