//! Strings with characters of several bytes, and positions at and beyond their ends.

use super::{join, quote, replace, search, split, substring};
use crate::error::EvaluationError;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::value::Value;

fn call<'a>(
    function: fn(&[Value<'a>], &mut Meter) -> Result<Value<'a>, EvaluationError>,
    arguments: &[Value<'a>],
) -> Result<Value<'a>, EvaluationError> {
    function(arguments, &mut Meter::new(&Limits::default()))
}

fn text<'a>(text: &str) -> Value<'a> {
    Value::string(text)
}

fn number(value: Result<Value<'_>, EvaluationError>) -> Option<i64> {
    match value {
        Ok(Value::Int(number)) => Some(number),
        _ => None,
    }
}

fn strings(value: Result<Value<'_>, EvaluationError>) -> Option<Vec<String>> {
    match value {
        Ok(Value::List(list)) => list
            .elements()
            .map(|element| match element {
                Value::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect(),
        Ok(Value::String(text)) => Some(vec![text.to_string()]),
        _ => None,
    }
}

#[test]
fn a_search_counts_characters_and_begins_where_it_is_told() {
    for (haystack, wanted, offset, first, last) in [
        ("hello", "l", None, Some(2), Some(3)),
        ("hello", "l", Some(3), Some(3), Some(3)),
        ("hello", "l", Some(9), Some(-1), Some(-1)),
        ("hello", "l", Some(-1), None, None),
        ("hello", "", Some(9), Some(5), Some(5)),
        ("\u{e9}\u{1f600}\u{e9}", "\u{e9}", Some(1), Some(2), Some(0)),
        ("a", "ab", None, Some(-1), Some(-1)),
        ("", "a", Some(0), Some(-1), Some(-1)),
    ] {
        let mut arguments = vec![text(haystack), text(wanted)];
        arguments.extend(offset.map(Value::Int));
        assert_eq!(number(call(search::index_of, &arguments)), first, "{haystack} {wanted}");
        assert_eq!(number(call(search::last_index_of, &arguments)), last, "{haystack} {wanted}");
    }
}

#[test]
fn a_split_without_a_separator_takes_characters() {
    for (whole, separator, limit, expected) in [
        ("\u{e9}\u{1f600}x", "", -1, &["\u{e9}", "\u{1f600}", "x"] as &[&str]),
        ("\u{e9}\u{1f600}x", "", 2, &["\u{e9}", "\u{1f600}x"]),
        ("", "", -1, &[]),
        ("", ",", -1, &[""]),
        ("a,b,c", ",", 2, &["a", "b,c"]),
        ("a,b,c", ",", 0, &[]),
        ("abc", "", 0, &[]),
    ] {
        let found = call(split, &[text(whole), text(separator), Value::Int(limit)]);
        assert_eq!(strings(found).unwrap(), expected, "{whole} {separator} {limit}");
    }
}

#[test]
fn a_replacement_is_charged_before_it_is_made() {
    let long = "x".repeat(1 << 16);
    let refused = call(replace, &[text(&long), text(""), text(&long)]);
    assert!(matches!(refused, Err(EvaluationError::WorkExceeded)));
    let replaced = call(replace, &[text("hello"), text(""), text("_"), Value::Int(2)]);
    assert_eq!(strings(replaced).unwrap(), ["_h_ello"]);
}

#[test]
fn only_strings_are_joined() {
    let mixed = Value::list(vec![text("a"), Value::Int(1)]);
    assert!(call(join, &[mixed, text("-")]).is_err());
}

#[test]
fn a_substring_lies_within_the_text() {
    let part = |start, end| {
        strings(call(substring, &[text("\u{e9}\u{1f600}x"), Value::Int(start), Value::Int(end)]))
    };
    assert_eq!(part(1, 2).unwrap(), ["\u{1f600}"]);
    assert_eq!(part(3, 3).unwrap(), [""]);
    for (start, end) in [(2, 1), (0, 4), (-1, 1), (4, 4)] {
        assert_eq!(part(start, end), None, "{start} {end}");
    }
}

#[test]
fn a_quoted_string_is_a_literal() {
    assert_eq!(quote("a\"b\\c\n\u{7}"), r#""a\"b\\c\n\a""#);
}
