//! Templates, clauses, and values of types that clauses do not take.

use super::format;
use super::template::{Fault, Piece, Verb, pieces};
use crate::limits::Limits;
use crate::meter::Meter;
use crate::value::{List, Value};

fn shown(template: &str, values: Vec<Value<'_>>) -> Option<String> {
    let values = List::Shared(values.into());
    format(template, &values, &mut Meter::new(&Limits::default())).ok()
}

#[test]
fn a_template_is_text_and_clauses() {
    let all: Vec<_> = pieces("a%%b%.3f").collect();
    assert_eq!(
        all,
        [
            Ok(Piece::Text("a")),
            Ok(Piece::Text("%")),
            Ok(Piece::Text("b")),
            Ok(Piece::Clause(Verb::Fixed, Some(3))),
        ]
    );
    for (template, fault) in [
        ("%", Fault::Unfinished),
        ("%.", Fault::Unfinished),
        ("%.3", Fault::Unfinished),
        ("%.f", Fault::Precision),
        ("%.99999999f", Fault::Precision),
        ("%3f", Fault::Verb),
        ("%\u{e9}", Fault::Verb),
    ] {
        assert_eq!(pieces(template).last(), Some(Err(fault)), "{template}");
    }
}

#[test]
fn numbers_are_shown_in_american_english() {
    for (template, number, expected) in [
        ("%f", 1_234_567.891, "1,234,567.891000"),
        ("%f", -1.5, "-1.500000"),
        ("%f", -0.0, "0.000000"),
        ("%.2f", -0.0004, "-0.00"),
        ("%.0f", 2.5, "2"),
        ("%.2f", 999.999, "1,000.00"),
        ("%f", f64::NEG_INFINITY, "-\u{221e}"),
        ("%e", 1_052.032_911_275, "1.052033\u{d7}10\u{2070}\u{b3}"),
        ("%e", 1e-100, "1.000000\u{d7}10\u{207b}\u{b9}\u{2070}\u{2070}"),
        ("%e", f64::NAN, "   NaN"),
        ("%s", 1e21, "1e+21"),
    ] {
        assert_eq!(shown(template, vec![Value::Double(number)]).as_deref(), Some(expected));
    }
}

#[test]
fn a_width_of_any_size_is_cut_to_sixteen_bits_or_refused() {
    for (width, characters) in
        [(65_535, 65_535), (65_536, 13), (70_000, 4_464), (999_999, 16_959), (10_000_009, 38_537)]
    {
        let padded = shown(&format!("%.{width}e"), vec![Value::Double(1.5)]).unwrap();
        assert_eq!(padded.chars().count(), characters, "{width}");
        assert_eq!(padded.trim_start(), "1.500000\u{d7}10\u{2070}\u{2070}");
    }
    for template in ["%.10000010e", "%.99999999999999999999e", "%.10000010f"] {
        assert_eq!(shown(template, vec![Value::Double(1.5)]), None, "{template}");
    }
    let many = vec![Value::Double(1.5); 600];
    assert_eq!(shown(&"%.65535e".repeat(600), many), None, "more work than there is budget");
}

#[test]
fn within_a_list_values_are_literals() {
    let list = Value::list(vec![
        Value::string("a\"\u{0}\u{200b}"),
        Value::Double(1.5),
        Value::Null,
        Value::list(vec![Value::Int(1)]),
    ]);
    assert_eq!(
        shown("%s", vec![list]).as_deref(),
        Some(r#"["a\"\x00\u200b", 1.500000, null, [1]]"#)
    );
}

#[test]
fn a_clause_refuses_values_of_other_types() {
    for (template, value) in [
        ("%d", Value::string("a")),
        ("%d", Value::Double(1.0)),
        ("%f", Value::Int(1)),
        ("%f", Value::string("x")),
        ("%b", Value::string("a")),
        ("%x", Value::Bool(true)),
        ("%o", Value::string("a")),
        ("%s", Value::Optional(None)),
        ("%s%s", Value::Int(1)),
    ] {
        assert_eq!(shown(template, vec![value]), None, "{template}");
    }
}

#[test]
fn what_would_be_too_long_is_refused() {
    let long = Value::string("\u{0}".repeat(1 << 20));
    let list = Value::list(vec![long; 64]);
    assert_eq!(shown("%s", vec![list]), None);
}
