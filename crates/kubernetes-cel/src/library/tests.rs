//! Expressions that use the libraries, as one writes them.

use serde_json::{Value as Json, json};

use crate::environment::Environment;
use crate::error::EvaluationError;
use crate::limits::Limits;
use crate::program::{Bindings, Program};
use crate::types::Type;
use crate::value::{Map, Object, Value};

fn claims() -> Json {
    json!({"groups": ["dev", "ops", "dev"], "numbers": [3, 1, 2], "ip": "10.1.2.3", "long": "a".repeat(4000)})
}

fn environment() -> Environment {
    let claims = Type::map(Type::String, Type::Any);
    Environment::kubernetes().variable("claims", claims).build().unwrap()
}

/// Whether the expression is true for those claims.
fn holds(expression: &str) -> Result<bool, String> {
    let program =
        Program::compile(expression, &environment()).map_err(|error| error.to_string())?;
    match evaluated(&program, &claims()) {
        Ok(truth) => Ok(truth),
        Err(error) => Err(error.to_string()),
    }
}

fn evaluated(program: &Program, claims: &Json) -> Result<bool, EvaluationError> {
    let object = Object::new("kubernetes.claims", Map::Json(claims.as_object().unwrap()));
    let bindings = Bindings::new([("claims", Value::Object(object))]);
    let evaluation = program.evaluate(&bindings, &Limits::default());
    evaluation.value.map(|value| matches!(value, Value::Bool(true)))
}

#[test]
fn functions_of_all_libraries_are_found() {
    for expression in [
        "claims.groups.distinct() == ['dev', 'ops']",
        "claims.numbers.sort() == [1, 2, 3]",
        "claims.numbers.sum() == 6.0 && claims.numbers.max() == 3.0 && claims.numbers.min() == 1.0",
        "!claims.numbers.isSorted() && claims.numbers.indexOf(2) == 2",
        "claims.groups.lastIndexOf('dev') == 2 && claims.groups.includes('ops')",
        "[[1], [2, 3]].flatten() == [1, 2, 3] && dyn([[[1]]]).flatten(2) == [1]",
        "lists.range(3).reverse() == [2, 1, 0] && [1, 2, 3].slice(1, 2) == [2]",
        "['bb', 'a'].sortBy(s, s.size()) == ['a', 'bb']",
        "sets.contains(claims.groups, ['ops']) && !sets.intersects(claims.groups, ['x'])",
        "sets.equivalent(claims.groups, ['ops', 'dev'])",
        "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22']",
        "'a1b22'.findAll('[0-9]+', 1) == ['1'] && 'abc'.find('x') == ''",
        "cidr('10.0.0.0/8').containsIP(claims.ip) && ip(claims.ip).family() == 4",
        "url('https://a/b?c=d').getQuery()['c'] == ['d']",
        "quantity('1Ki').add(1).asInteger() == 1025 && sign(quantity('-1')) == -1",
        "semver('1.2.3').isLessThan(semver('v1.3', true))",
        "!format.dns1123Label().validate('a-b').hasValue() && format.named('x') == optional.none()",
        "'%s is %d'.format(['a', 1]) == 'a is 1'",
    ] {
        assert_eq!(holds(expression), Ok(true), "{expression}");
    }
}

#[test]
fn what_no_value_can_make_true_is_refused_when_it_is_compiled() {
    for expression in [
        "'a'.path('/') == 'b'",
        "[[1]].sort() == []",
        "['a'].sum() == 1",
        "[1].flatten() == [1]",
        "quantity('1') == semver('1.0.0')",
        "'%d'.format(['a']) == ''",
        "'%s'.format([claims.ip]) == ''",
        "'%s'.format([1, 2]) == ''",
        "'a'.find('[') == ''",
        "base64.encode(b'a') == ''",
        "math.greatest(1, 2) == 2",
        "format.email() == format.uuid()",
        "1.sortBy(x, x) == []",
    ] {
        let refused = Program::compile(expression, &environment()).is_err();
        assert!(refused, "{expression}");
    }
}

#[test]
fn arguments_that_do_not_fit_are_errors() {
    for expression in [
        "ip(claims.groups) == ip('::1')",
        "claims.ip.getHost() == ''",
        "claims.sub.group('').resource('pods').check('list').allowed()",
        "claims.ip.group('').resource('pods').check('list').allowed()",
        "[].max() == 1",
        "lists.range(-1) == []",
        "[1].slice(0, 2) == []",
        "dyn([1]).flatten(-1) == []",
        "'a'.find(claims.ip + '[') == ''",
        "quantity('1e100').add(1) == quantity('1')",
    ] {
        assert!(holds(expression).is_err(), "{expression}");
    }
}

#[test]
fn an_expensive_call_ends_at_the_budget() {
    let expensive = [
        "lists.range(1000).map(x, claims.long.replace('', claims.long)).size() == 1",
        "lists.range(1000).map(x, claims.long.find('b' + string(x))).size() == 1",
        "lists.range(1000).map(x, claims.long.findAll('')).size() == 1",
        "lists.range(1000).map(x, claims.long.split('')).size() == 1",
        "lists.range(1000).map(x, [claims.long, claims.long].join(claims.long)).size() == 1",
        "sets.equivalent(lists.range(3000), lists.range(3000))",
        "lists.range(3000).distinct().size() == 3000",
        "lists.range(100000).map(x, ('%' + '.255f').format([1.5])).size() == 1",
        "lists.range(100).map(a, [a, a, a, a]).map(b, [b, b, b, b]).map(c, [c, c, c, c]).map(d, [d, d, d, d]).map(e, [e, e, e, e]).map(f, [f, f, f, f]).map(g, [g, g, g, g]).includes(1)",
    ];
    for expression in expensive {
        let program = Program::compile(expression, &environment()).unwrap();
        let ended = evaluated(&program, &claims()).is_err_and(|error| error.is_final());
        assert!(ended, "{expression}");
    }
}
