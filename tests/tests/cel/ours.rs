//! What `login-cel` makes of a question, written as the oracle writes it.
//! Never more lenient than login-server is with the same expression.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use login_cel::environment::Environment;
use login_cel::meter::Budget;
use login_cel::program::{Bindings, Program};
use login_cel::types::Type;
use login_cel::value;
use serde_json::{Value, json};

use crate::corpus::Question;
use crate::world::{Answer, Outcome};

static CLAIMS: LazyLock<Environment> = LazyLock::new(Environment::of_claims);
static USER: LazyLock<Environment> = LazyLock::new(Environment::of_user);

pub(crate) fn answer(question: &Question) -> Answer {
    let environment = if question.variable == "user" { &*USER } else { &*CLAIMS };
    let program = match Program::compile(&question.expression, environment) {
        Ok(program) => program,
        Err(error) => return Answer::without_cost(Outcome::CompileError(error.to_string())),
    };
    if question.returns == "bool" && *program.result_type() != Type::Bool {
        let found = format!("the result is of type {}", program.result_type());
        return Answer::without_cost(Outcome::CompileError(found));
    }
    let value =
        if question.variable == "user" { user(&question.value) } else { question.value.clone() };
    let Some(fields) = value.as_object() else {
        return Answer::without_cost(Outcome::EvaluationError("not an object".to_owned()));
    };
    let name =
        if question.variable == "user" { "kubernetes.UserInfo" } else { "kubernetes.claims" };
    let object = value::Object { name, fields: value::Map::Json(fields) };
    let bindings = Bindings::new([(question.variable.as_str(), value::Value::Object(object))]);
    let (outcome, cost) = program.evaluate_with_cost(&bindings, &Budget::default());
    let outcome = match outcome {
        Ok(value) => Outcome::Value(written(&value)),
        Err(error) => Outcome::EvaluationError(error.to_string()),
    };
    Answer { outcome, cost: Some(cost) }
}

/// A user has all its fields.
fn user(given: &Value) -> Value {
    json!({
        "username": given["username"].as_str().unwrap_or_default(),
        "uid": given["uid"].as_str().unwrap_or_default(),
        "groups": given.get("groups").cloned().unwrap_or_else(|| json!([])),
        "extra": given.get("extra").cloned().unwrap_or_else(|| json!({})),
    })
}

fn written(value: &value::Value<'_>) -> Value {
    match value {
        value::Value::Null => Value::Null,
        value::Value::Bool(truth) => json!(truth),
        value::Value::Int(number) => json!({"int": number.to_string()}),
        value::Value::Uint(number) => json!({"uint": number.to_string()}),
        value::Value::Double(number) => json!({"double": number.to_string()}),
        value::Value::String(text) => json!(**text),
        value::Value::Bytes(bytes) => json!({"bytes": STANDARD.encode(bytes)}),
        value::Value::Duration(duration) => json!({"duration": duration.nanoseconds.to_string()}),
        value::Value::Timestamp(time) => {
            json!({"timestamp": format!("{}.{:09}", time.seconds(), time.nanoseconds())})
        }
        value::Value::Type(of) => json!({"type": of.name()}),
        value::Value::List(list) => list.elements().map(|element| written(&element)).collect(),
        value::Value::Map(map) => {
            let entries: Vec<Value> = map
                .entries()
                .map(|(key, value)| json!([written(&key.into_value()), written(&value)]))
                .collect();
            json!({"map": entries})
        }
        value::Value::Object(object) => json!({"object": object.name}),
        value::Value::Optional(None) => json!({"optional": []}),
        value::Value::Optional(Some(value)) => json!({"optional": [written(value)]}),
        value::Value::Opaque(value) => json!({kind(value.type_name()): value.text()}),
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
