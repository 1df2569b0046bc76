//! Texts, their trees, and the lines of their syntax faults.

use super::*;
use crate::MAX_DEPTH;

fn value(text: &str) -> Value {
    parse(text).unwrap().value
}

/// The value, with all lines alike.
fn anywhere(mut located: Located) -> Located {
    (located.line, located.literal_line) = (0, None);
    match &mut located.value {
        Value::Sequence(items) => {
            *items = std::mem::take(items).into_iter().map(anywhere).collect();
        }
        Value::Mapping(entries) => {
            for entry in entries {
                entry.line = 0;
                entry.value = anywhere(entry.value.clone());
            }
        }
        _ => {}
    }
    located
}

fn value_of(text: &str) -> Value {
    anywhere(parse(text).unwrap()).value
}

fn fault_of(text: &str) -> (Option<u64>, String) {
    let fault = parse(text).unwrap_err();
    (fault.line, fault.message)
}

#[test]
fn plain_scalars_are_read_as_kubernetes_reads_them() {
    for text in ["", "~", "null", "Null", "NULL", "# only a comment"] {
        assert_eq!(value(text), Value::Null, "{text}");
    }
    for (text, flag) in [("true", true), ("Yes", true), ("ON", true), ("off", false)] {
        assert_eq!(value(text), Value::Bool(flag), "{text}");
    }
    for text in ["1", "-2.5", "1e3", "0x1F", "0b1", "1_000", ".5", "0XAB", "017", "+1"] {
        assert_eq!(value(text), Value::Number(text.to_owned()), "{text}");
    }
    for text in
        ["nan", "inf", "1.2.3", "tRUE", "0xZZ", "e5", "https://a.example", "_1", ".5_0", "1e400"]
    {
        assert_eq!(value(text), Value::Text(text.to_owned()), "{text}");
    }
    assert_eq!(value("'true'"), Value::Text("true".to_owned()));
    assert_eq!(value("\"1\""), Value::Text("1".to_owned()));
}

#[test]
fn every_key_keeps_its_line_also_the_second_of_its_name() {
    let Value::Mapping(entries) = value("a: 1\n\n# note\nb:\n  - x\na: 2\n") else {
        panic!("a mapping was written");
    };
    let lines: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.line)).collect();
    assert_eq!(lines, [("a", 1), ("b", 4), ("a", 6)]);
}

#[test]
fn json_is_yaml() {
    let Value::Mapping(entries) = value(r#"{"a": ["x", true, null, "\u0031"]}"#) else {
        panic!("a mapping was written");
    };
    assert_eq!(entries[0].key, "a");
    let Value::Sequence(items) = &entries[0].value.value else {
        panic!("a list was written");
    };
    let values: Vec<Value> = items.iter().map(|item| item.value.clone()).collect();
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(values, [text("x"), Value::Bool(true), Value::Null, text("1")]);
}

#[test]
fn aliases_repeat_their_anchor_within_bounds() {
    assert_eq!(value("[&x a, *x]"), value("[a, a]"));
    let bomb: String = (1..12).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        let alias = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{}]\n", vec![alias; 9].join(", "))
    });
    assert_eq!(fault_of(&bomb).1, "more than 100000 values");
}

#[test]
fn what_is_not_one_plain_document_ends_at_its_line() {
    assert_eq!(fault_of("a: 1\n---\nb: 2\n").1, "a second YAML document begins here");
    assert_eq!(fault_of("a: 1\nb: [1\n").0.map(|line| line >= 2), Some(true));
    assert_eq!(fault_of("a: b: c\n").0, Some(1));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(fault_of(&nested(MAX_DEPTH + 2)).1, "nested deeper than 32");
    assert!(parse(&"[".repeat(10_000)).is_err());
    assert_eq!(fault_of(&"x".repeat(MAX_LENGTH + 1)).0, None);
    assert_eq!(fault_of("? [a]\n: b\n").1, "a key must be a text");
}

#[test]
fn an_empty_document_at_the_end_is_none() {
    assert_eq!(value("a\n---\n# nothing\n"), value("a"));
    assert_eq!(fault_of("---\n---\na: 1\n").1, "a second YAML document begins here");
}

// As kube-apiserver: it tries its JSON parser first on a text that begins with a brace.
#[test]
fn a_text_of_signs_alone_is_not_nothing() {
    assert_eq!(fault_of(": ").1, "a key must be a text; quote it to make it one");
    assert_eq!(fault_of("!").1, "this tag (`!…`) is not supported here");
    for text in ["", "---\n", "# c\n---\n...\n"] {
        assert_eq!(value(text), Value::Null, "{text:?}");
    }
}

#[test]
fn what_begins_with_a_brace_is_json() {
    let Value::Mapping(entries) = value("\n {\"a\":\t[1]}\n") else { panic!("an object") };
    assert_eq!((entries[0].key.as_str(), entries[0].line), ("a", 2));
    for (text, line) in
        [("{a: 1}", 1), ("{\"a\": 1,\n}", 2), ("{'a': 1}", 1), ("{}\n# x", 2), ("{} {}", 1)]
    {
        assert_eq!(
            fault_of(text),
            (Some(line), "begins with `{` and is not JSON".to_owned()),
            "{text}"
        );
    }
    assert!(parse("---\n{a: 1}\n").is_ok());
}

#[test]
fn tags_may_say_what_is_so_anyway_or_make_a_text() {
    for (text, same) in [
        ("!!str 5", "'5'"),
        ("!!str true", "'true'"),
        ("!!int 5", "5"),
        ("!!bool yes", "yes"),
        ("!!float 1.5", "1.5"),
        ("!!null ~", "~"),
        ("!!seq [a]", "[a]"),
        ("[!!map {a: b}]", "[{a: b}]"),
    ] {
        assert_eq!(value(text), value(same), "{text}");
    }
    for text in ["!x 2", "!!int x", "!!seq {a: b}", "!!binary aw==", "! a"] {
        let text = format!("- 1\n- {text}\n");
        let expected = (Some(2), "this tag (`!…`) is not supported here".to_owned());
        assert_eq!(fault_of(&text), expected, "{text}");
    }
}

#[test]
fn merge_keys_bring_their_entries_and_double_what_is_there() {
    let keys = |text: &str| -> Vec<String> {
        let Value::Mapping(entries) = value(text) else { panic!("a mapping was written") };
        entries.into_iter().map(|entry| entry.key).collect()
    };
    let last = |rest: &str| format!("---\nx: &x {{a: 1}}\nz: {{b: 2, {rest}}}\n");
    let merged = |rest: &str| {
        let Value::Mapping(mut entries) = value(&last(rest)) else { panic!("a mapping") };
        let Value::Mapping(inner) = entries.remove(1).value.value else { panic!("a mapping") };
        inner.into_iter().map(|entry| entry.key).collect::<Vec<_>>()
    };
    assert_eq!(merged("<<: *x"), ["b", "a"]);
    assert_eq!(merged("<<: [*x, {b: 3}]"), ["b", "a", "b"]);
    assert_eq!(merged("'<<': *x"), ["b", "<<"]);
    assert_eq!(keys("x: 1"), ["x"]);
    assert!(fault_of(&last("<<: 5")).1.starts_with("what is merged by `<<`"));
}

#[test]
fn a_literal_block_knows_the_line_of_its_text() {
    let Value::Mapping(entries) = value("a: |\n  x\nb:\n  |-\n  x\nc: >\n  x\nd: x\n") else {
        panic!("a mapping was written");
    };
    let lines: Vec<_> = entries.iter().map(|entry| entry.value.literal_line).collect();
    assert_eq!(lines, [Some(2), Some(5), None, None]);
    let Value::Mapping(entries) = value("a: |\n\n  x\n") else { panic!("a mapping") };
    assert_eq!(
        entries[0].value,
        Located { line: 3, literal_line: Some(2), value: Value::Text("\nx\n".to_owned()) }
    );
}

// go-yaml as in Kubernetes (sigs.k8s.io/yaml 1.6) gives the same results.
#[test]
fn a_tab_does_not_indent() {
    for (text, line) in [
        ("a: |\n  x\n\t\nb: 1\n", 3),
        ("a: |\n  x\n \t\nb: 1\n", 3),
        ("a: x\n\t\nb: y\n", 2),
        ("a: \"x\"\n\t\nb: 1\n", 2),
        ("\t\na: x\n", 1),
        ("\u{feff}\ta: x\n", 1),
        ("a:\n- \tb: 1\n", 2),
        ("a:\n-\tb\n", 2),
        ("- - \tb\n", 1),
        ("a:\n  \tb: 1\n", 2),
        (" \tx\n", 1),
        ("a:\n\t\n  b: 1\n", 2),
        ("- a\n\t\n- b\n", 2),
        ("a: x\n\t# c\nb: y\n", 2),
        ("a: x\n\t\n", 2),
        ("a: [1]\n\t\nb: |\n  x\n", 2),
    ] {
        let fault = parse(text).unwrap_err();
        assert_eq!(fault.line, Some(line), "{text:?}");
        assert_eq!(fault.message, "begins with a tab, which does not indent in YAML", "{text:?}");
    }
    for text in [
        "a: |\n  x\n\t\n  y\n",
        "a: |\n  x\n \t\n  y\n",
        "a: |\n\t\n  x\n  y\n",
        "a: |\n  x\n\ty\n",
        "a: >\n  x\n\t\n  y\n",
        "a: |\n  \tx\n  y\n",
        "a: >-\n\n  \tx\n",
        "a: |1\n \tx\n",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    for text in [
        "a: |\n  x\n  \t\n  y\n",
        "a: |\n  x\n   \t\n  y\n",
        "a: [1,\n\t2]\n",
        "a: {b: 1,\n\tc: [2,\n\t\t3]}\nd: 1\n",
        "a:\tx\n",
        "a: x\t\nb: y\t# c\n",
        "a: x\n   \t\nb: y\n",
        "a: 'x\n  \t y'\n",
        "- a\n- b\tc\n",
        "a: |\n  - \tx\n",
        "a: x\n  - \ty\n",
        "{\n\t\"a\": 1\n}\n",
    ] {
        assert!(parse(text).is_ok(), "{text:?}");
    }
}

// Found by the differential test against go-yaml.
#[test]
fn what_yaml_1_1_reads_otherwise_is_refused() {
    const QUOTED: &str =
        "in brackets, a text with a question mark, or with a colon at its begin, must be quoted";
    for (text, line, message) in [
        ("a: 1\n~: b\n", 2, "a key must be a text; quote it to make it one"),
        ("? \n", 2, "a key must be a text; quote it to make it one"),
        ("a:\n: b\n", 2, "a key must be a text; quote it to make it one"),
        ("[{yes: 1}]", 1, "a key must be a text; quote it to make it one"),
        ("- 1: a\n", 1, "a key must be a text; quote it to make it one"),
        ("!!int a: a\n", 1, "a key must be a text; quote it to make it one"),
        ("a: .inf\n", 1, "JSON, as which Kubernetes reads this, has no such number"),
        ("- -.Inf\n", 1, "JSON, as which Kubernetes reads this, has no such number"),
        ("- a\n- .nan\n", 2, "JSON, as which Kubernetes reads this, has no such number"),
        ("%YAML 1.2\n---\na: 1\n", 1, "directives (`%…`) are not supported here"),
        ("- {a:, b: c}", 1, "in brackets, a key must have a value"),
        ("a: 1\nb: &c: d\n", 2, "an anchor has letters, digits, `_` and `-` only in its name"),
        ("- &a@b c\n", 1, "an anchor has letters, digits, `_` and `-` only in its name"),
        ("\u{feff}a: 1\n\u{feff}b: 2\n", 2, "has a byte order mark, which may only begin a file"),
        ("# c\n...\na: 1\n", 2, "ends a document that has not begun"),
        ("a:\n- {b: 1, c}\n", 2, "in brackets, a key must have a value"),
        ("[a:, b]", 1, "in brackets, a key must have a value"),
        ("a: {b: 1,\n c\n d: 2}\n", 2, "a key must end in the line where it begins"),
        ("[?, a]", 1, QUOTED),
        ("a: [::b]", 1, QUOTED),
        ("a:\n- {b: https://c?d}\n", 2, QUOTED),
    ] {
        assert_eq!(fault_of(text), (Some(line), message.to_owned()), "{text:?}");
    }
    for (character, code) in [('\u{85}', "U+0085"), ('\u{2028}', "U+2028"), ('\u{2029}', "U+2029")]
    {
        for text in [format!("a: 1\n# b{character}c: 1\n"), format!("a: 1\nb: 'c{character}d'\n")] {
            let (line, message) = fault_of(&text);
            assert!(line == Some(2) && message.starts_with(code), "{text:?}: {message}");
        }
    }
    for (text, same) in [
        ("\u{feff}a: 1\n", "a: 1\n"),
        (" ...\n", "'...'"),
        ("'1': a", "!!str 1: a"),
        ("'yes': ~", "\"yes\": null"),
        ("a: '.inf'", "a: \".inf\""),
        ("a: https://c?d", "a: 'https://c?d'"),
        ("a: ['b?']", "a: [\"b?\"]"),
        ("a: |\n  b", "a: b"),
        ("a: >+\n  b", "a: b"),
        ("a: |\n  b\n", "a: \"b\\n\""),
        ("a: |\n  b\n ", "a: \"b\\n\""),
        ("a: |\n  b\nc: d", "a: \"b\\n\"\nc: d"),
        ("a: &b_1-c d", "a: d"),
        ("a: {b: null, c: '', d: [], e: ~}", "a: {b: ~, c: \"\", d: [], e: null}"),
        ("a: [b]\nc: d?", "a: ['b']\nc: 'd?'"),
        ("a: \"\\u2028\"", "{\"a\": \"\u{2028}\"}"),
        ("a: b%", "a: 'b%'"),
    ] {
        assert_eq!(value_of(text), value_of(same), "{text:?}");
    }
}
