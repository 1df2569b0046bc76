//! What `login-cel` makes of a question, written as the oracle writes it.
//! Never values of its own for users: they are bound as login-review binds them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use login_cel::environment::Environment;
use login_cel::meter::Budget;
use login_cel::program::{Bindings, Program};
use login_cel::types::Type;
use login_cel::value;
use login_common::Identity;
use login_review::UserFields;
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
    let user = UserFields::new(&user(&question.value));
    let value = match (question.variable.as_str(), question.value.as_object()) {
        ("user", _) => user.value(),
        (_, Some(fields)) => value::Value::Object(value::Object {
            name: "kubernetes.claims",
            fields: value::Map::Json(fields),
        }),
        (_, None) => {
            return Answer::without_cost(Outcome::EvaluationError("not an object".to_owned()));
        }
    };
    let bindings = Bindings::new([(question.variable.as_str(), value)]);
    let (outcome, cost) = program.evaluate_with_cost(&bindings, &Budget::default());
    let outcome = match outcome {
        Ok(value) => Outcome::Value(written(&value)),
        Err(error) if error.is_final() => Outcome::Ended(error.to_string()),
        Err(error) => Outcome::EvaluationError(error.to_string()),
    };
    Answer { outcome, cost: Some(cost) }
}

fn user(given: &Value) -> Identity {
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let extra = given["extra"].as_object().into_iter().flatten();
    Identity {
        username: text("username"),
        uid: text("uid"),
        groups: texts(&given["groups"]),
        extra: extra.map(|(key, values)| (key.clone(), texts(values))).collect(),
    }
}

fn texts(values: &Value) -> Vec<String> {
    let values = values.as_array().into_iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
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
