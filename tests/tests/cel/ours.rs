//! `kubernetes-cel`'s answer to a question, with the variables as login-review declares and binds
//! them.

use login_common::Identity;
use login_review::{UserFields, claims_environment, claims_value, user_environment};
use serde_json::Value;

use crate::corpus::{self, Answer, Outcome, Question};

pub(crate) fn answer(question: &Question) -> Answer {
    if question.variable == "user" {
        let user = UserFields::new(&user(&question.value));
        return corpus::answer(question, user_environment(), user.value());
    }
    match question.value.as_object() {
        Some(claims) => corpus::answer(question, claims_environment(), claims_value(claims)),
        None => Answer::without_cost(Outcome::EvaluationError("not an object".to_owned())),
    }
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
