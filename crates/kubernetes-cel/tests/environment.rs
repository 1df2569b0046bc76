//! The public interface: what an environment declares, what it refuses to declare, and what an
//! evaluation may spend.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kubernetes_cel::value::{Map, Object};
use kubernetes_cel::{
    Bindings, Budget, Environment, EnvironmentBuilder, EnvironmentError, EvaluationError, Function,
    Library, Limits, Overload, Patience, Program, Type, Value,
};
use serde_json::json;

/// The faults of a text, or none.
fn faults(source: &str, environment: &Environment) -> String {
    Program::compile(source, environment).map_or_else(|error| error.to_string(), |_| String::new())
}

fn evaluated<'a>(
    source: &str,
    environment: &Environment,
    bindings: &Bindings<'a>,
) -> Result<Value<'a>, EvaluationError> {
    Program::compile(source, environment).unwrap().evaluate(bindings, &Limits::default()).value
}

#[test]
fn a_library_that_is_left_out_leaves_its_functions_unknown() {
    for (library, source, name) in [
        (Library::Optionals, "optional.of(1).hasValue()", "hasValue"),
        (Library::Optionals, "[1].first() == [1].last()", "first"),
        (Library::Optionals, "type(1) == optional_type", "optional_type"),
        (
            Library::TwoVariableComprehensions,
            "{1: 2}.transformList(k, v, v) == [2]",
            "transformList",
        ),
        (Library::Urls, "isURL('/a')", "isURL"),
        (Library::Regex, "'a'.find('a') == 'a'", "find"),
        (Library::Quantity, "isQuantity('1Ki')", "isQuantity"),
        (Library::Strings, "'A'.lowerAscii() == 'a'", "lowerAscii"),
        (Library::Strings, "'%d'.format([1]) == '1'", "format"),
        (Library::Sets, "sets.contains([1], [1])", "sets"),
        (Library::Ip, "isIP('10.0.0.1')", "isIP"),
        (Library::Cidr, "isCIDR('10.0.0.0/8')", "isCIDR"),
        (Library::Formats, "format.named('x').hasValue()", "format"),
        (Library::Semver, "isSemver('1.2.3')", "isSemver"),
        (Library::ExtendedLists, "[2, 1].sort() == [1, 2]", "sort"),
        (Library::ExtendedLists, "['b'].sortBy(s, s.size()) == ['b']", "sortBy"),
        (Library::Lists, "[1, 2].sum() == 3", "sum"),
    ] {
        let others = Library::KUBERNETES_1_37.into_iter().filter(|other| *other != library);
        let without = Environment::builder().libraries(others).build().unwrap();
        let expected = format!("undeclared reference to '{name}'");
        assert!(faults(source, &without).contains(&expected), "{}", faults(source, &without));
        let with = Environment::kubernetes().build().unwrap();
        assert_eq!(faults(source, &with), "", "{source}");
    }
}

#[test]
fn the_syntax_of_optionals_is_part_of_their_library() {
    let others = Library::KUBERNETES_1_37.into_iter().skip(1);
    let without = Environment::builder().libraries(others).build().unwrap();
    let with = Environment::builder().library(Library::Optionals).build().unwrap();
    for source in ["{'a': 1}.?a", "{'a': 1}[?'a']", "[?optional.none()]", "{?'a': optional.none()}"]
    {
        assert!(faults(source, &without).contains("optionals are not enabled"), "{source}");
        assert_eq!(faults(source, &with), "", "{source}");
    }
}

#[test]
fn the_standard_functions_are_always_there() {
    let least = Environment::builder().build().unwrap();
    for source in ["size('a') == 1", "'a'.matches('a')", "[1].all(x, x > 0)", "has({'a': 1}.a)"] {
        assert_eq!(faults(source, &least), "", "{source}");
    }
}

#[test]
fn variables_have_names_that_are_known_at_run_time() {
    let names: Vec<String> = ["one", "two", "of.three"].map(str::to_owned).to_vec();
    let environment = names
        .iter()
        .fold(Environment::builder(), |builder, name| builder.variable(name.as_str(), Type::Int))
        .build()
        .unwrap();
    let bindings = names.iter().map(|name| (name.as_str(), Value::Int(2)));
    let value = evaluated("one * two * of.three", &environment, &Bindings::new(bindings));
    assert!(matches!(value, Ok(Value::Int(8))), "{value:?}");
}

#[test]
fn a_map_is_an_object_where_an_object_is_declared_and_a_map_where_a_map_is() {
    let point = Type::object("acme.Point", [("x", Type::Dyn)]);
    let environment = Environment::builder()
        .variable("point", point.clone())
        .variable("plain", Type::map(Type::String, Type::Dyn))
        .function(Function::new(
            "xOf",
            [Overload::global([point], Type::Dyn, |arguments, _| match arguments {
                [Value::Object(Object { fields, .. })] => {
                    fields.find(&Value::string("x")).ok_or(EvaluationError::NoSuchKey)
                }
                _ => Err(EvaluationError::no_overload("xOf")),
            })],
        ))
        .build()
        .unwrap();
    let data = json!({"x": 1});
    let fields = Map::Json(data.as_object().unwrap());
    let bindings = Bindings::new([("point", Value::Map(fields)), ("plain", Value::json(&data))]);
    for source in ["plain.size() == 1", "'x' in plain", "point.x == 1.0", "xOf(point) == 1.0"] {
        let value = evaluated(source, &environment, &bindings);
        assert_eq!(value.unwrap().as_bool(), Some(true), "{source}");
    }
    let size = evaluated("dyn(point).size()", &environment, &bindings);
    assert_eq!(size.unwrap_err(), EvaluationError::no_overload("size"));
    assert!(faults("point.y", &environment).contains("undefined field 'y'"));
}

/// `name(text)`, `target.name(text)` and `name(int)`, which count their calls and cost 7.
fn counting(name: &'static str, calls: &Arc<AtomicUsize>) -> Function {
    let text = |calls: Arc<AtomicUsize>| {
        move |arguments: &[Value<'_>]| {
            calls.fetch_add(1, Ordering::Relaxed);
            arguments.iter().filter_map(Value::as_str).map(str::len).sum::<usize>()
        }
    };
    let (global, member) = (text(Arc::clone(calls)), text(Arc::clone(calls)));
    Function::new(
        name,
        [
            Overload::global([Type::String], Type::Int, move |arguments, meter| {
                meter.work(100)?;
                Ok(Value::Int(i64::try_from(global(arguments)).unwrap()))
            })
            .costs(|_, _| 7),
            Overload::member([Type::String, Type::String], Type::Int, move |arguments, _| {
                Ok(Value::Int(i64::try_from(member(arguments)).unwrap()))
            })
            .costs(|arguments, result| {
                arguments.len() as u64 + u64::from(matches!(result, Value::Int(_)))
            }),
            Overload::global([Type::Int], Type::String, |_, _| Ok(Value::string("int"))),
        ],
    )
}

#[test]
fn a_function_of_the_host_is_checked_called_and_counted() {
    let calls = Arc::new(AtomicUsize::new(0));
    let environment = Environment::builder()
        .variable("text", Type::String)
        .variable("any", Type::Dyn)
        .function(counting("measure", &calls))
        .function(counting("acme.measure", &calls))
        .build()
        .unwrap();
    let program = Program::compile("measure(text)", &environment).unwrap();
    assert_eq!(program.result_type(), &Type::Int);
    let bindings = Bindings::new([("text", Value::string("abc")), ("any", Value::Int(1))]);
    let evaluation = program.evaluate(&bindings, &Limits::default());
    assert!(matches!(evaluation.value, Ok(Value::Int(3))));
    assert_eq!(evaluation.spent.cost, 1 + 7);
    assert!(evaluation.spent.work >= 100);
    assert_eq!(calls.load(Ordering::Relaxed), 1);

    for source in [
        "text.measure('de') == 5",
        "acme.measure(text) == 3",
        "measure(1) == 'int'",
        "measure(any) == 'int'",
        "[text, 'a'].map(t, measure(t)) == [3, 1]",
    ] {
        let value = evaluated(source, &environment, &bindings);
        assert_eq!(value.unwrap().as_bool(), Some(true), "{source}");
    }
    let cost = Program::compile("text.measure('de')", &environment).unwrap();
    assert_eq!(cost.evaluate(&bindings, &Limits::default()).spent.cost, 1 + 3);

    for source in ["measure(1.5)", "measure()", "'a'.measure()", "measure(text) + 'a'"] {
        assert!(faults(source, &environment).contains("no matching overload"), "{source}");
    }
    let mismatch = evaluated("measure(dyn(1.5))", &environment, &bindings);
    assert_eq!(mismatch.unwrap_err(), EvaluationError::no_overload("measure"));
}

#[test]
fn a_function_of_the_host_may_have_the_name_of_one_that_the_language_treats_specially() {
    let texts = || [Type::String, Type::String];
    let yes = || Overload::member(texts(), Type::Bool, |_, _| Ok(Value::Bool(true)));
    let format = Overload::member([Type::String, Type::list(Type::Dyn)], Type::Bool, |_, _| {
        Ok(Value::Bool(true))
    });
    let environment = Environment::builder()
        .function(Function::new("or", [yes()]))
        .function(Function::new("find", [yes()]))
        .function(Function::new("format", [format]))
        .build()
        .unwrap();
    for source in ["'a'.or('b')", "'a'.find('(')", "'%q'.format([1])"] {
        let value = evaluated(source, &environment, &Bindings::default());
        assert_eq!(value.unwrap().as_bool(), Some(true), "{source}");
    }
    // With the libraries, the same texts mean their functions.
    let kubernetes = Environment::kubernetes().build().unwrap();
    for source in ["'a'.or('b')", "'a'.find('(')", "'%q'.format([1])"] {
        assert_ne!(faults(source, &kubernetes), "", "{source}");
    }
}

#[test]
fn a_function_of_the_host_that_breaks_its_promise_is_an_error() {
    let environment = Environment::builder()
        .function(Function::new(
            "number",
            [Overload::global([], Type::Int, |_, _| Ok(Value::string("one")))],
        ))
        .function(Function::new(
            "refuses",
            [Overload::global([], Type::Int, |_, _| {
                Err(EvaluationError::failed("refuses", format!("since {}", "today")))
            })],
        ))
        .build()
        .unwrap();
    let bindings = Bindings::default();
    let error = evaluated("number()", &environment, &bindings).unwrap_err();
    assert_eq!(error.to_string(), "`number` failed: the result is of another type than declared");
    let error = evaluated("refuses()", &environment, &bindings).unwrap_err();
    assert_eq!(error.to_string(), "`refuses` failed: since today");
    let absorbed = evaluated("refuses() == 1 || true", &environment, &bindings);
    assert_eq!(absorbed.unwrap().as_bool(), Some(true));
}

fn conflict(builder: EnvironmentBuilder) -> EnvironmentError {
    builder.build().unwrap_err()
}

fn null(parameters: impl IntoIterator<Item = Type>) -> Overload {
    Overload::global(parameters, Type::Null, |_, _| Ok(Value::Null))
}

fn null_of(parameters: impl IntoIterator<Item = Type>) -> Overload {
    Overload::member(parameters, Type::Null, |_, _| Ok(Value::Null))
}

#[test]
fn variables_that_contradict_each_other_or_the_language_are_named() {
    let of = |name: &str| Environment::kubernetes().variable(name, Type::Int);
    assert_eq!(
        conflict(of("a").variable("a", Type::String)),
        EnvironmentError::DuplicateVariable("a".to_owned())
    );
    assert_eq!(conflict(of("net.IP")), EnvironmentError::HiddenType("net.IP".to_owned()));
    for name in ["", "1a", "a-b", "a.", ".a", "a..b", "in", "true", "package", "a.for", "é", "@a"]
    {
        assert_eq!(conflict(of(name)), EnvironmentError::Name(name.to_owned()), "{name}");
    }
    for name in ["a", "_", "a1", "a.b", "size", "string_"] {
        assert!(of(name).build().is_ok(), "{name}");
    }
}

#[test]
fn functions_that_contradict_each_other_or_the_language_are_named() {
    let of = |name: &'static str, overloads: Vec<Overload>| {
        Environment::kubernetes().function(Function::new(name, overloads))
    };
    let duplicate = |text: &str| EnvironmentError::DuplicateOverload(text.to_owned());
    let a = || Type::parameter("A");
    assert_eq!(conflict(of("f", vec![null([Type::Int]), null([Type::Int])])), duplicate("f(int)"));
    assert_eq!(
        conflict(
            of("f", vec![null([Type::Int])])
                .function(Function::new("f", [null([Type::String]), null([Type::Dyn])]))
        ),
        duplicate("f(dyn)")
    );
    assert_eq!(
        conflict(of("f", vec![null([Type::list(Type::Int)]), null([Type::list(a())])])),
        duplicate("f(list(A))")
    );
    assert_eq!(conflict(of("size", vec![null_of([Type::String])])), duplicate("string.size()"));
    assert_eq!(conflict(of("_+_", vec![])), EnvironmentError::Name("_+_".to_owned()));
    assert_eq!(conflict(of("return", vec![])), EnvironmentError::Name("return".to_owned()));
    assert_eq!(conflict(of("f", vec![])), EnvironmentError::NoOverloads("f".to_owned()));
    assert_eq!(conflict(of("f", vec![null_of([])])), EnvironmentError::NoTarget("f()".to_owned()));
    for (name, overload, text) in [
        ("has", null([Type::Int]), "has(int)"),
        ("all", null_of([Type::Int, Type::Int, Type::Int]), "int.all(int, int)"),
        ("acme.map", null([Type::Int, Type::Int]), "acme.map(int, int)"),
    ] {
        let error = conflict(of(name, vec![overload]));
        assert_eq!(error, EnvironmentError::HiddenByMacro(text.to_owned()), "{name}");
    }
    let good = of("f", vec![null([Type::Int]), null([Type::String]), null_of([Type::Int])])
        .function(Function::new("size", [null([Type::Int])]))
        .function(Function::new("string", [null([Type::opaque("acme.Thing")])]))
        .function(Function::new("all", [null([Type::Int])]));
    assert!(good.build().is_ok());
}

#[test]
fn an_evaluation_ends_at_each_of_its_limits_and_says_what_it_spent() {
    let environment = Environment::kubernetes().build().unwrap();
    let bindings = Bindings::default();
    let program = Program::compile("lists.range(10000).all(x, x >= 0)", &environment).unwrap();
    let whole = program.evaluate(&bindings, &Limits::default());
    assert_eq!(whole.value.unwrap().as_bool(), Some(true));

    let Budget { cost, work } = whole.spent;
    let exactly = program.evaluate(&bindings, &Budget { cost, work }.into());
    assert!(exactly.value.is_ok());
    for (budget, expected) in [
        (Budget { cost: cost - 1, work }, EvaluationError::CostExceeded),
        (Budget { cost, work: work - 1 }, EvaluationError::WorkExceeded),
    ] {
        let ended = program.evaluate(&bindings, &budget.into());
        assert_eq!(ended.value.unwrap_err(), expected);
        assert!(ended.spent.cost <= cost && ended.spent.work <= work);
    }

    let patience = Patience::until(|| true);
    let limits = Limits { patience: Some(patience.clone()), ..Limits::default() };
    let stopped = program.evaluate(&bindings, &limits);
    assert_eq!(stopped.value.unwrap_err(), EvaluationError::Stopped);
    assert!(patience.has_stopped());
    assert!(stopped.spent.work > 0 && stopped.spent.work < work);
}

#[test]
fn programs_and_environments_are_shared_by_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Environment>();
    is_shared::<Program>();
    is_shared::<Limits>();
    is_shared::<EvaluationError>();
}
