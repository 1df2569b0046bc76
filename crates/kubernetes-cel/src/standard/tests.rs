//! The results of standard expressions: tables of a text and its value.

use serde_json::json;

use crate::environment::Environment;
use crate::limits::Limits;
use crate::program::{Bindings, Program};
use crate::types::Type;
use crate::value::{Map, Object, Value};

fn environment() -> Environment {
    let claims = Type::map(Type::String, Type::Any);
    Environment::kubernetes().variable("claims", claims).build().unwrap()
}

/// Evaluates with the claims of a token; the outcome as a text.
fn outcome(source: &str) -> String {
    let claims = json!({
        "sub": "jane", "email": "jane@example.com", "exp": 1_700_003_600, "nbf": 1_700_000_000,
        "groups": ["dev", "ops", "system:x"], "example.org": "x", "list": [{"if": "z"}],
        "nested": {"a": {"b": 1, "s": "x"}, "a-b": "y", "a/b": "y", "a__unknown__b": "raw"}, "yes": true,
        "null": null, "empty": "", "pattern": "^j", "ratio": 1.5, "none": [],
    });
    let compiled = match Program::compile(source, &environment()) {
        Ok(compiled) => compiled,
        Err(error) => return format!("refused: {error}"),
    };
    let expression = source.replace("claims", "(claims)");
    assert!(Program::compile(&expression, &environment()).is_ok(), "{expression}");
    let claims = Object::new("kubernetes.claims", Map::Json(claims.as_object().unwrap()));
    let bindings = Bindings::new([("claims", Value::Object(claims))]);
    match compiled.evaluate(&bindings, &Limits::default()).value {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {error}"),
    }
}

#[track_caller]
fn holds(sources: &[&str]) {
    for source in sources {
        assert_eq!(outcome(source), "Bool(true)", "{source}");
    }
}

#[track_caller]
fn fails(sources: &[&str]) {
    for source in sources {
        let outcome = outcome(source);
        assert!(outcome.starts_with("error: "), "{source}: {outcome}");
    }
}

#[track_caller]
fn refused(sources: &[&str]) {
    for source in sources {
        let outcome = outcome(source);
        assert!(outcome.starts_with("refused: "), "{source}: {outcome}");
    }
}

#[test]
fn claims_are_selected_as_kube_apiserver_selects_them() {
    holds(&[
        "claims.sub == 'jane'",
        "claims['sub'] == 'jane'",
        "claims.nested.a.b == 1",
        "claims.nested['a'].s == 'x'",
        "has(claims.sub) && !has(claims.missing)",
        "has(claims.nested.a) && !has(claims.nested.a.missing)",
        "!has(claims.sub.deeper)",
        "claims.?sub.orValue('nobody') == 'jane'",
        "claims.?missing.orValue('nobody') == 'nobody'",
        "claims.?nested.a.missing.orValue('x') == 'x'",
        "claims.?nested.?a.?b.hasValue()",
        "claims[?'sub'].value() == 'jane'",
        "claims.groups[?7] == optional.none()",
        "claims.groups[1] == 'ops'",
        "claims.groups[1.0] == 'ops'",
        "claims.exp - claims.nbf <= 86400",
        "claims.exp - claims.nbf == 3600.0",
        "type(claims.exp) == double",
        "type(claims.groups) == list && type(claims.nested) == map && type(claims['null']) == null_type",
        "claims['null'] == null",
        "string(claims.exp) == '1.7000036e+09'",
        "int(claims.exp) == 1700003600",
        "'dev' in claims.groups && !('adm' in claims.groups) && 'a' in claims.nested",
        "dyn(claims.groups).exists(g, g.startsWith('system:'))",
        "!dyn(claims.groups).all(g, !g.startsWith('system:'))",
        "dyn(claims.groups).filter(g, !g.startsWith('system:')) == ['dev', 'ops']",
        "dyn(claims.groups).map(g, 'oidc:' + g)[0] == 'oidc:dev'",
        "claims.sub.matches(claims.pattern)",
        "claims.email.size() == 16 && size(claims.groups) == 3 && size(claims.none) == 0",
        "claims.yes ? true : claims.missing",
        "claims.missing || true",
        "!(claims.missing && false)",
        "claims.sub || claims.yes",
    ]);
    fails(&[
        "claims.missing",
        "claims.sub.deeper",
        "claims.groups.deeper",
        "has(claims.groups.deeper)",
        "claims.groups[3]",
        "claims.groups[-1]",
        "claims.groups[0.5]",
        "claims.missing || false",
        "claims.sub && true",
        "claims.sub ? 1 : 2",
        "claims.sub + 1",
        "claims.exp - 1",
        "claims.sub < 1",
        "claims.sub.startsWith(claims.exp)",
        "claims.missing.orValue('x')",
        "dyn(claims.sub).all(x, true)",
        "dyn(claims.groups).map(g, g + 1)",
        "'('.matches(claims.sub + '(')",
        "claims.?missing.value()",
        "'sub' in claims",
        "claims.size() > 0",
        "claims == {'sub': 'jane'}",
        "dyn(claims)[1]",
    ]);
}

#[test]
fn names_that_are_no_identifiers_are_escaped() {
    holds(&[
        "claims.example__dot__org == 'x' && claims.nested.a__dash__b == 'y'",
        "has(claims.example__dot__org) && has(claims.nested.a__slash__b)",
        "claims.list[0].__if__ == 'z' && claims.nested['a-b'] == 'y'",
        "!has(claims.example__unknown__org) && claims.nested.a__unknown__b == 'raw'",
        "{'a.b': 1}.?a__dot__b == optional.none() && {'a__dot__b': 1}.a__dot__b == 1",
        "claims.nested.`a-b` == 'y' && claims.`example.org` == 'x'",
    ]);
}

#[test]
fn numbers_do_not_wrap_and_compare_across_types() {
    holds(&[
        "1 + 2 * 3 == 7",
        "-7 / 2 == -3 && -7 % 2 == -1",
        "7u % 4u == 3u",
        "1.5 * 2.0 == 3.0",
        "1 < 1.5 && 2u > 1 && 1 <= 1u && 1.0 >= 1u",
        "dyn(1) == 1.0 && dyn(1u) == 1 && dyn(1) != 'a'",
        "1.0 / 0.0 > 1e300",
        "int(1.9) == 1 && int(-1.9) == -1 && uint(1.9) == 1u",
        "int('-12') == -12 && double('1e3') == 1000.0 && uint('7') == 7u",
        "string(1.0) == '1' && string(1e6) == '1e+06' && string(0.00001) == '1e-05' && string(-1.25) == '-1.25'",
        "string(123456.0) == '123456' && string(1234567.0) == '1.234567e+06'",
        "9007199254740993 == dyn(9007199254740992.0)",
        "-9223372036854775808 < 0",
        "[1, 2] == [1, 2] && [1] != [2] && {'a': 1} == {'a': 1} && {'a': 1} != {'b': 1}",
        "dyn([1]) == [1.0] && dyn({1: 'a'}) == {1u: 'a'} && {1: 'a'}[dyn(1.0)] == 'a'",
        "double('NaN') != double('NaN')",
        "[1, 2, 3].exists_one(x, x > 2) && [1, 2].existsOne(i, x, x == 1)",
        "1 in [1, 2] && !(3 in [1, 2]) && dyn(1.0) in [1, 2]",
    ]);
    fails(&[
        "claims.yes ? 9223372036854775807 + 1 : 0",
        "-(-9223372036854775808 + claims.groups.size() - 3)",
        "0u - 1u",
        "1 / 0",
        "1u / 0u",
        "1 % 0",
        "-9223372036854775808 / -1",
        "9223372036854775807 * 2",
        "int(claims.ratio * 1e300)",
        "int(claims.sub)",
        "uint(claims.ratio - 3.0)",
        "double('NaN') < 1.0",
    ]);
    refused(&[
        "1 + 1.0",
        "1 + 1u",
        "'a' + 1",
        "-1u",
        "!1",
        "1 && true",
        "[1, 'a']",
        "{'a': 1, 2: 3}",
        "[1, claims.exp]",
        "int('a')",
        "timestamp('a')",
        "duration('1')",
        "bool('maybe')",
        "'a'.matches('(')",
        "1 == 'a'",
        "claims.nested.a.b == 1 ? 1 : 'a'",
        "unknown",
        "unknown(1)",
        "'a'.unknown()",
        "claims[1]",
        "'a'.b",
        "1.all(x, true)",
        "size(1)",
        "google.Type{}",
        "has(claims.sub, 1)",
        "[].map(x, y)",
        "dyn(claims.groups).all(g, 'a')",
        "user.name",
    ]);
}

#[test]
fn durations_and_timestamps_are_those_of_go() {
    holds(&[
        "duration('1h30m') == duration('90m')",
        "string(duration('1h30m')) == '5400s' && string(duration('1.5ms')) == '0.0015s'",
        "duration('-1.5h') < duration('0')",
        "int(duration('1us')) == 1000",
        "duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90",
        "duration('1.5s').getMilliseconds() == 1500",
        "timestamp('2023-07-14T10:30:45.123Z').getFullYear() == 2023",
        "timestamp('2023-07-14T10:30:45.123Z').getMonth() == 6",
        "timestamp('2023-07-14T10:30:45.123Z').getDayOfMonth() == 13",
        "timestamp('2023-07-14T10:30:45.123Z').getDate() == 14",
        "timestamp('2023-07-14T10:30:45.123Z').getDayOfWeek() == 5",
        "timestamp('2024-12-31T00:00:00Z').getDayOfYear() == 365",
        "timestamp('2023-07-14T10:30:45.123Z').getHours('America/Los_Angeles') == 3",
        "timestamp('2023-07-14T10:30:45.123Z').getHours('-08:00') == 2",
        "timestamp('2023-07-14T10:30:45.123Z').getMilliseconds() == 123",
        "timestamp('2023-07-14T10:30:45+02:00') == timestamp('2023-07-14T08:30:45Z')",
        "timestamp('2023-07-14T10:30:45+02:00').getHours() == 8",
        "string(timestamp('2023-07-14T10:30:45+02:00')) == '2023-07-14T10:30:45+02:00'",
        "string(timestamp('2023-07-14T10:30:45.120Z')) == '2023-07-14T10:30:45.12Z'",
        "timestamp(0) == timestamp('1970-01-01T00:00:00Z') && int(timestamp(5)) == 5",
        "timestamp(10) - timestamp(5) == duration('5s')",
        "timestamp(5) + duration('5s') == timestamp(10) && duration('5s') + timestamp(5) > timestamp(9)",
        "timestamp(int(claims.exp)) > timestamp(int(claims.nbf))",
        "timestamp('9999-12-31T23:59:59Z').getHours('Europe/Berlin') == 0",
        "timestamp('0001-01-01T00:00:00Z').getFullYear() == 1",
        "type(timestamp(0)) == google.protobuf.Timestamp && type(duration('1s')) == google.protobuf.Duration",
    ]);
    fails(&[
        "timestamp('9999-12-31T23:59:59Z') + duration('1s')",
        "timestamp('0001-01-01T00:00:00Z') - duration('1ns')",
        "timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')",
        "timestamp(0).getHours('Nowhere/City')",
        "timestamp(0).getHours('europe/berlin')",
        "timestamp(int(claims.exp) * 1000000)",
    ]);
    refused(&[
        "timestamp('2023-02-29T00:00:00Z')",
        "timestamp('2023-01-01')",
        "timestamp('2023-01-01T24:00:00Z')",
        "timestamp('2023-01-01t00:00:00z')",
        "duration('1')",
        "duration('1d')",
        "duration('')",
        "duration('300000000h')",
        "timestamp(99999999999999)",
    ]);
}

#[test]
fn macros_with_two_variables_and_optionals_work() {
    holds(&[
        "[1, 2].all(i, v, v == i + 1)",
        "{'a': 1}.exists(k, v, k == 'a' && v == 1)",
        "{'a': 1, 'b': 2}.existsOne(k, v, v == 2)",
        "['a', 'b'].transformList(i, v, string(i) + v) == ['0a', '1b']",
        "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v + 1) == {'b': 3}",
        "{'a': 'x'}.transformMapEntry(k, v, {v: k}) == {'x': 'a'}",
        "dyn(claims.nested).transformList(k, v, k)[0] == 'a'",
        "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
        "{'a': 1}.map(k, k) == ['a']",
        "[[1], [2, 3]].map(l, l.map(x, x + l.size())) == [[2], [4, 5]]",
        "optional.of(1).optMap(x, x + 1).value() == 2",
        "optional.of(1).optFlatMap(x, optional.none()) == optional.none()",
        "claims.?sub.optMap(s, s + '!').orValue('none') == 'jane!'",
        "optional.ofNonZeroValue(claims.empty).or(optional.of('x')).value() == 'x'",
        "[1, 2].first().value() == 1 && [1, 2].last() == optional.of(2) && ![].first().hasValue()",
        "[?claims.?missing, ?claims.?sub].size() == 1",
        "{?'a': claims.?missing, ?'b': claims.?sub} == {'b': 'jane'}",
        "optional.unwrap([optional.of(1), optional.none()]) == [1] && [optional.of(1)].unwrapOpt() == [1]",
        "[1, 0].exists(x, 1 / x == 1) && ![0, 2].all(x, 1 / x == 1)",
    ]);
    fails(&[
        "[0, 1].all(x, 1 / x == 1)",
        "[0].exists(x, 1 / x == 2)",
        "[1, 0].map(x, 1 / x)",
        "{'a': 1, 'b': 2}.transformMapEntry(k, v, {'same': v})",
        "[claims].all(i, v, v.missing)",
        "optional.none().value()",
    ]);
    refused(&[
        "[1].all(x, x, true)",
        "claims.groups.all(g, true)",
        "[1].existsOne(x, true)",
        "optional.of(1).optMap('x', 1)",
        "[?1]",
        "1.or(2)",
    ]);
}

#[test]
fn texts_and_bytes_are_what_their_escapes_say() {
    holds(&[
        r"'\u00e9' == 'é' && '\x41' == 'A' && '\101' == 'A' && '\U0001F600' == '😀'",
        r"r'\d' == '\\d' && size('é') == 1 && size(b'é') == 2 && b'\xff' != b'\377\x00'",
        "'''a'b''' == \"a'b\" && bytes('a') == b'a' && string(b'a') == 'a'",
        "'a\\r\\nb' != 'a\\nb' && '''a\r\nb''' == 'a\\nb'",
        "'abc'.contains('b') && 'abc'.startsWith('') && 'abc'.endsWith('bc') && !'abc'.contains('x')",
        "'a' + 'b' == 'ab' && b'a' + b'b' == b'ab' && [1] + [2] == [1, 2] && 'a' < 'b' && b'a' < b'b'",
        "'jane'.matches('^[a-z]+$') && 'a1'.matches('\\\\d') && !'\\u0661'.matches('\\\\d')",
        "matches('jane', 'an') && 'a-b'.matches('[\\\\w-]{3}') && 'x{,2}'.matches('^x{,2}$')",
        "'a[b'.matches('[[b]') && 'a&&b'.matches('[&&]') && 'É'.matches('(?i)é') && 'é'.matches('^.$')",
    ]);
    fails(&["string(b'\\xff' + bytes(claims.empty))"]);
    refused(&[
        "'a'.matches('a**')",
        "'a'.matches('(?x)a')",
        "'a'.matches('(?=a)')",
        "'a'.matches('a{1001}')",
        "'a'.matches('\\\\1')",
        "'a'.matches('[z-a]')",
        "'a'.matches('*')",
        "string(b'\\xff')",
    ]);
}
