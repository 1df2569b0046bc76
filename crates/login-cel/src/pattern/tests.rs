//! Which patterns are taken, as RE2 takes them; what they match is asked in `tests/vectors/cel`.

use super::{Fault, Patterns, SIZE, SIZE_OF_COMPUTED};

#[track_caller]
fn are(patterns: &[&str], size: usize, fault: Option<Fault>) {
    for pattern in patterns {
        let added = Patterns::default().add(pattern, size);
        assert_eq!(added.err(), fault, "{pattern}");
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
