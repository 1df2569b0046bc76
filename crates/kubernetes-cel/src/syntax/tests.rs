//! What the grammar accepts and refuses; no text makes it fail in another way.

use proptest::prelude::*;

use super::{Dialect, Tree, optional_macros, parse, standard_macros, two_variable_macros};

fn dialect() -> Dialect {
    let mut dialect = Dialect { optionals: true, ..Dialect::default() };
    dialect.add(standard_macros());
    dialect.add(two_variable_macros());
    dialect.add(optional_macros());
    dialect
}

fn tree(source: &str) -> Result<Tree, String> {
    parse(source, &dialect()).map_err(|error| format!("{}: {}", error.offset, error.message))
}

#[track_caller]
fn accepted(sources: &[&str]) {
    for source in sources {
        assert!(tree(source).is_ok(), "{source}: {:?}", tree(source).err());
    }
}

#[track_caller]
fn refused(sources: &[&str]) {
    for source in sources {
        assert!(tree(source).is_err(), "{source} was taken");
    }
}

#[test]
fn grammar_is_that_of_cel_go() {
    accepted(&[
        "1",
        "-1",
        "- 1",
        "--1",
        "-9223372036854775808",
        "0x1F",
        "-0x1f",
        "1u",
        "0xFFu",
        "1.5",
        ".5",
        "1e3",
        "1.5e-3",
        "a.b.c",
        ".a.b",
        "a[0][1]",
        "a.?b",
        "a[?0]",
        "[?a, 1]",
        "{?1: a}",
        "[,]",
        "{,}",
        "[1,]",
        "{1: 2,}",
        "a ? b : c ? d : e",
        "a < b < c",
        "1 in [1] in [true]",
        "!!a",
        "!-1",
        "-a.b",
        "a.if()",
        "a.as",
        "a.`x-y/z.w k`",
        "// nothing\n1",
        "a && b || c && d",
        "'''a\n'b'''",
        "r'\\d'",
        "br\"\\d\"",
        "b'\\xff'",
        "\"\\u00e9\\U0001F600\\101\"",
        "f()",
        "a.b(1, 2)",
        "A{b: 1, `c-d`: 2,}",
        "a.B{}",
        ".a.B{?x: y}",
        "has(a.b)",
        "[1].all(x, x > 0)",
        "{'a': 1}.transformMap(k, v, v + 1)",
        "x.optMap(y, y)",
    ]);
}

#[test]
fn what_is_outside_of_the_grammar_is_refused() {
    refused(&[
        "",
        "1 2",
        "a ? b ? c : d : e",
        "9223372036854775808",
        "18446744073709551616u",
        "1e999",
        "-!a",
        "a.in",
        "a.true",
        "if",
        "let + 1",
        "while()",
        "a.?b()",
        "a.",
        "f(,)",
        "f(1,)",
        "[1,,]",
        "'a",
        "'a\nb'",
        "'\\q'",
        "'\\u12'",
        "'\\ud800'",
        "b'\\u0041'",
        "'\\400'",
        "\"a'",
        "`a`",
        "a.`b",
        "a.`é`",
        "é",
        "a @ b",
        "a & b",
        "a = b",
        "0x",
        "1.",
        "{1}",
        "{1: 2, , }",
        "(1",
        "1)",
        "has(a)",
        "has(a['b'])",
        "[1].all(1, true)",
        "[1].all(x.y, true)",
        "[1].map(__result__, 1)",
        "{}.all(k, k, true)",
        "x.optMap(1, 1)",
        "a.b{",
        "a ?: b",
        "a ++ b",
        "$a",
        "\u{0}",
    ]);
}

#[test]
fn nesting_has_a_limit() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    accepted(&[
        &nested("(", "1", ")", 99),
        &nested("[", "1", "]", 99),
        &nested("!", "a", "", 50_000),
        &nested("-", "a", "", 50_000),
        &nested("", "a", ".b", 249),
        &nested("", "1", "+1", 200),
        &nested("", "a", "&&a", 20_000),
    ]);
    refused(&[
        &nested("(", "1", ")", 100),
        &nested("", "1", "+1", 250),
        &nested("", "1", "<1", 250),
        &nested("", "a", ".b", 250),
        &nested("", "a", "[0]", 250),
        &nested("", "a", ".b()", 250),
        &nested("a.all(x,", "a", ")", 100),
        &"(".repeat(100_000),
        &"[".repeat(100_000),
        &"{1:".repeat(30_000),
        &"-".repeat(99_999),
        &"!(".repeat(50_000),
        &"a.all(x,".repeat(12_000),
        &"a.map(x,[".repeat(11_000),
        &"a?b:".repeat(25_000),
        &"f(".repeat(50_000),
        &"a[".repeat(50_000),
        &" ".repeat(100_001),
    ]);
}

#[test]
fn macros_that_repeat_their_target_have_a_limit() {
    accepted(&[&format!("a{}", ".optMap(x, x)".repeat(5))]);
    refused(&[&format!("a{}", ".optMap(x, x)".repeat(40))]);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_fail(source in "\\PC{0,200}") {
        let _ = tree(&source);
    }

    #[test]
    fn no_soup_of_tokens_makes_the_parser_fail(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "-", "!", "+", "*", "&&", "||",
                "in", "==", "<", "a", "claims", "1", "1u", "1.5", "'x'", "b'x'", "r'", "\"", "'''",
                "true", "null", "has(", ".all(x,", ".map(x,", ".optMap(x,", ".?", "[?", "`a`", "//",
                "\n", "\\", "0x", "e", "é", "if",
            ]),
            0..60,
        ),
    ) {
        let _ = tree(&pieces.concat());
    }
}
