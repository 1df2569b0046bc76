//! No expression fails other than with an error, and none uses more than its budget.

use proptest::prelude::*;
use serde_json::json;

use crate::environment::Environment;
use crate::error::EvaluationError;
use crate::limits::{Budget, Limits};
use crate::program::{Bindings, Program};
use crate::types::Type;
use crate::value::{Map, Object, Value};

fn environment() -> Environment {
    let claims = Type::map(Type::String, Type::Any);
    Environment::kubernetes().variable("claims", claims).build().unwrap()
}

/// As kube-apiserver binds claims: an object, although they are declared as a map.
fn bound(claims: &serde_json::Value) -> Bindings<'_> {
    let claims = Object::new("kubernetes.claims", Map::Json(claims.as_object().unwrap()));
    Bindings::new([("claims", Value::Object(claims))])
}

/// About 16 KiB: the largest token that is accepted.
fn large_claims() -> serde_json::Value {
    json!({
        "text": "a".repeat(4_000),
        "numbers": (0..2_000).collect::<Vec<u32>>(),
        "deep": (0..100).fold(json!(1), |inner, _| json!([inner])),
        "map": (0..300).map(|n| (n.to_string(), json!([n]))).collect::<serde_json::Map<_, _>>(),
    })
}

fn evaluate(source: &str, budget: &Budget) -> (Result<String, EvaluationError>, u64) {
    let claims = large_claims();
    let compiled = Program::compile(source, &environment());
    let compiled = compiled.unwrap_or_else(|error| panic!("{}: {error}", head(source)));
    let evaluation = compiled.evaluate(&bound(&claims), &(*budget).into());
    (evaluation.value.map(|value| format!("{value:?}")), evaluation.spent.cost)
}

fn head(source: &str) -> &str {
    source.get(..source.len().min(80)).unwrap_or_default()
}

#[track_caller]
fn ends_early(sources: &[&str]) {
    for source in sources {
        let (outcome, _) = evaluate(source, &Budget::default());
        assert!(
            outcome.as_ref().is_err_and(EvaluationError::is_final),
            "{}: {outcome:?}",
            head(source)
        );
    }
}

#[test]
fn what_takes_too_long_is_ended() {
    ends_early(&[
        "dyn(claims.numbers).all(a, dyn(claims.numbers).all(b, dyn(claims.numbers).all(c, true)))",
        "dyn(claims.numbers).exists_one(a, dyn(claims.numbers).exists_one(b, false))",
        "dyn(claims.numbers).map(a, dyn(claims.numbers).map(b, 1))",
        "dyn(claims.numbers).all(a, [claims.numbers] == [claims.numbers])",
        "dyn(claims.numbers).all(a, [[claims.map]] == [[claims.map]])",
        "dyn(claims.numbers).all(a, claims.numbers + claims.numbers != [])",
        "dyn(claims.numbers).all(a, claims.text + claims.text + claims.text + claims.text != '')",
        "dyn(claims.numbers).all(a, claims.text.contains('aaaaaaaaaaab') || true)",
        "dyn(claims.numbers).all(a, claims.text.matches('(a|aa)+$' + string(a)) || true)",
        "dyn(claims.numbers).all(a, 'x'.matches(string(a)) || true)",
        "'x'.matches('(?i)' + claims.text + claims.text + claims.text)",
        "[1, 2].all(a, 'x'.matches('(?i)' + claims.text + '(') || true)",
        "dyn(claims.numbers).transformMap(i, v, dyn(claims.numbers).transformMap(j, w, w))",
    ]);
    let doubled =
        |start: &str, step: &str, times: usize| format!("[{start}]{}", step.repeat(times));
    ends_early(&[
        &doubled("claims.text", ".map(x, x + x)", 40),
        &doubled("dyn(claims.numbers)", ".map(x, x + x)", 40),
        &doubled("b'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", ".map(x, x + x)", 40),
    ]);
}

#[test]
fn what_is_compared_is_charged_although_it_costs_little() {
    for source in [
        "[claims.text + claims.text].all(t, lists.range(20000).all(a, dyn(t) != dyn('a')))",
        "[url('/' + claims.text)].all(u, lists.range(100000).all(a, u == u))",
        "lists.range(20000).map(a, claims.text).max() == ''",
        "lists.range(20000).map(a, claims.text).isSorted()",
        "lists.range(10000).map(a, claims.text).sort() == []",
        "(claims.text + claims.text + claims.text).findAll('.*[^a-z]|[a-z]') == []",
    ] {
        let (outcome, _) = evaluate(source, &Budget::default());
        assert_eq!(outcome, Err(EvaluationError::WorkExceeded), "{source}");
    }
}

#[test]
fn nothing_is_evaluated_after_the_end() {
    let deep = format!("{0}claims.deep{1}", "[".repeat(60), "]".repeat(60));
    let (ended, alone) = evaluate(&format!("{deep} == {deep}"), &Budget::default());
    assert_eq!(ended, Err(EvaluationError::DepthExceeded));
    let loops = "dyn(claims.numbers).all(a, a >= 0.0)";
    let (both, cost) = evaluate(&format!("({deep} == {deep}) == {loops}"), &Budget::default());
    assert_eq!(both, Err(EvaluationError::DepthExceeded));
    assert_eq!(cost, alone);
}

#[test]
fn what_absorbs_errors_absorbs_no_end() {
    let budget = Budget { cost: 50, ..Budget::default() };
    for source in [
        "dyn(claims.numbers).all(a, a >= 0.0) || true",
        "dyn(claims.numbers).all(a, a >= 0.0) && false",
        "[1].exists(x, dyn(claims.numbers).all(a, a >= 0.0) || true)",
        "[1, 2].all(x, dyn(claims.numbers).all(a, a >= 0.0) && x > 5)",
    ] {
        assert_eq!(evaluate(source, &budget).0, Err(EvaluationError::CostExceeded), "{source}");
    }
}

#[test]
fn deep_expressions_and_values_do_not_exhaust_the_stack() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    for source in [
        nested("(", "1", ")", 99),
        nested("[", "1", "]", 99),
        nested("", "1", "+ 1", 240),
        nested("", "claims.deep", "[0]", 99),
        nested("!(", "true", ")", 99),
        nested("[1].map(x, ", "1", ")", 70),
        nested("[1].all(x, ", "true", ")", 98),
        nested("false ? 1 : ", "1", "", 99),
        nested("size([", "1", "])", 49),
        nested("{1: ", "1", "}", 99),
        format!("{0} == {0}", nested("[", "claims.deep", "]", 20)),
    ] {
        let (outcome, _) = evaluate(&source, &Budget::default());
        assert!(outcome.is_ok(), "{}: {outcome:?}", head(&source));
    }
    ends_early(&[&format!("{0} == {0}", nested("[", "claims.deep", "]", 60))]);
}

#[test]
fn types_that_grow_without_end_are_refused() {
    let source = format!("[1]{}", ".map(x, {x: x})".repeat(60));
    let error = Program::compile(&source, &environment()).unwrap_err();
    assert!(error.to_string().len() < 1_000, "{error}");
}

#[test]
fn errors_show_names_of_the_expression_and_no_claims() {
    let claims = json!({"secret": "hunter2", "map": {"a": 1}, "groups": ["hunter2"]});
    let environment = environment();
    for (source, expected) in [
        ("claims.missing", "no such key: `missing`"),
        ("claims.map[claims.secret]", "no such key"),
        ("dyn(claims)[claims.secret]", "no such key"),
        ("int(claims.secret)", "`int` failed: the text is not a whole number"),
        ("claims.map[claims.secret + '!']", "no such key"),
        ("dyn(claims.groups).map(g, claims.map[g])", "no such key"),
    ] {
        let compiled = Program::compile(source, &environment).unwrap();
        let error = compiled.evaluate(&bound(&claims), &Limits::default()).value.unwrap_err();
        assert_eq!(error.to_string(), expected, "{source}");
    }
}

/// Expressions of every shape, most of which fit no types.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-1",
        "0",
        "2u",
        "1.5",
        "'a'",
        "''",
        "b'a'",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "x",
        "claims",
        "claims.text",
        "claims.numbers",
        "claims.map",
        "claims.deep",
        "claims.missing",
        "9223372036854775807",
        "-9223372036854775808",
        "1e308",
        "duration('1h')",
        "timestamp(0)",
        "optional.none()",
        "int",
        "'2023-01-01T00:00:00Z'",
        "'(a+)+$'",
        "claims.?text",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let template = prop::sample::select(vec![
            "(A + B)",
            "(A - B)",
            "(A * B)",
            "(A / B)",
            "(A % B)",
            "(A < B)",
            "(A == B)",
            "(A in B)",
            "(A && B)",
            "(A || B)",
            "(A ? B : C)",
            "!A",
            "-A",
            "[A, B]",
            "{A: B}",
            "A[B]",
            "A[?B]",
            "A.f",
            "A.?f",
            "has(A.f)",
            "size(A)",
            "A.size()",
            "dyn(A)",
            "int(A)",
            "uint(A)",
            "double(A)",
            "string(A)",
            "bytes(A)",
            "bool(A)",
            "type(A)",
            "timestamp(A)",
            "duration(A)",
            "A.contains(B)",
            "A.startsWith(B)",
            "A.matches(B)",
            "dyn(A).all(x, B)",
            "dyn(A).exists(x, B)",
            "dyn(A).map(x, B)",
            "dyn(A).filter(x, B)",
            "dyn(A).exists_one(x, B)",
            "dyn(A).transformMap(x, y, B)",
            "dyn(A).transformMapEntry(x, y, {B: C})",
            "A.optMap(x, B)",
            "A.orValue(B)",
            "A.or(B)",
            "optional.of(A)",
            "optional.ofNonZeroValue(A)",
            "A.value()",
            "A.first()",
            "A.getHours()",
            "A.getFullYear(B)",
            "dyn(A) + dyn(B)",
            "dyn(A) == dyn(B)",
            "dyn(A) < dyn(B)",
            "dyn(A)[dyn(B)]",
            "dyn(A) - dyn(B)",
            "[dyn(A), dyn(B)]",
            "{?A: optional.of(B)}",
        ]);
        (template, inner.clone(), inner.clone(), inner).prop_map(|(template, a, b, c)| {
            template
                .chars()
                .map(|letter| match letter {
                    'A' => a.clone(),
                    'B' => b.clone(),
                    'C' => c.clone(),
                    other => other.to_string(),
                })
                .collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_expression_fails_otherwise_than_with_an_error(source in expressions()) {
        let source = format!("[1].map(x, {source})");
        let environment = environment();
        if let Ok(compiled) = Program::compile(&source, &environment) {
            let claims = large_claims();
            let budget = Budget { cost: 20_000, work: 1 << 22 };
            let [first, second] =
                [(); 2].map(|()| compiled.evaluate(&bound(&claims), &budget.into()));
            prop_assert_eq!(format!("{:?}", first.value), format!("{:?}", second.value));
            prop_assert_eq!(first.spent, second.spent);
            let cost = first.spent.cost;
            match first.value {
                Ok(_) => prop_assert!(cost <= budget.cost),
                Err(EvaluationError::CostExceeded) => prop_assert!(cost > budget.cost),
                Err(_) => {}
            }
        }
    }
}
