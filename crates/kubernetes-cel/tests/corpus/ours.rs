//! What this crate makes of a question, written as kube-apiserver's outcomes are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubernetes_cel::{Bindings, Environment, Limits, Program, Type, Value};
use serde_json::{Value as Json, json};

use super::{Answer, Outcome, Question};

/// With this environment, and this value for the variable of the question.
pub(crate) fn answer(question: &Question, environment: &Environment, value: Value<'_>) -> Answer {
    let program = match Program::compile(&question.expression, environment) {
        Ok(program) => program,
        Err(error) => return Answer::without_cost(Outcome::CompileError(error.to_string())),
    };
    if question.returns == "bool" && *program.result_type() != Type::Bool {
        let found = format!("the result is of type {}", program.result_type());
        return Answer::without_cost(Outcome::CompileError(found));
    }
    let bindings = Bindings::new([(question.variable.as_str(), value)]);
    let evaluation = program.evaluate(&bindings, &Limits::default());
    let outcome = match evaluation.value {
        Ok(value) => Outcome::Value(written(&value)),
        Err(error) if error.is_final() => Outcome::Ended(error.to_string()),
        Err(error) => Outcome::EvaluationError(error.to_string()),
    };
    Answer { outcome, cost: Some(evaluation.spent.cost) }
}

fn written(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!({"int": number.to_string()}),
        Value::Uint(number) => json!({"uint": number.to_string()}),
        Value::Double(number) => json!({"double": number.to_string()}),
        Value::String(text) => json!(**text),
        Value::Bytes(bytes) => json!({"bytes": STANDARD.encode(bytes)}),
        Value::Duration(duration) => json!({"duration": duration.nanoseconds.to_string()}),
        Value::Timestamp(time) => {
            json!({"timestamp": format!("{}.{:09}", time.seconds(), time.nanoseconds())})
        }
        Value::Type(of) => json!({"type": of.name()}),
        Value::List(list) => list.elements().map(|element| written(&element)).collect(),
        Value::Map(map) => {
            let entries: Vec<Json> = map
                .entries()
                .map(|(key, value)| json!([written(&key.into_value()), written(&value)]))
                .collect();
            json!({"map": entries})
        }
        Value::Object(object) => json!({"object": *object.name}),
        Value::Optional(None) => json!({"optional": []}),
        Value::Optional(Some(value)) => json!({"optional": [written(value)]}),
        Value::Opaque(value) => json!({kind(value.type_name()): value.text()}),
    }
}

fn kind(type_name: &str) -> &str {
    match type_name {
        "net.IP" => "ip",
        "net.CIDR" => "cidr",
        "kubernetes.URL" => "url",
        "kubernetes.Quantity" => "quantity",
        "kubernetes.Semver" => "semver",
        "kubernetes.NamedFormat" => "format",
        other => other,
    }
}
