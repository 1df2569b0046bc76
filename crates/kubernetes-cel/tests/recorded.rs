//! That every expression of the corpus has the outcome, the value and about the cost that was
//! recorded from kube-apiserver's own compiler and evaluator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;

use std::path::Path;

use corpus::{Answer, Compared, Outcome, Question};
use kubernetes_cel::value::{Map, Object};
use kubernetes_cel::{Environment, Type, Value};
use serde_json::json;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/cel");

/// As kube-apiserver declares the variables of an `AuthenticationConfiguration`.
fn environments() -> [Environment; 2] {
    let strings = || Type::list(Type::String);
    let user = [
        ("username", Type::String),
        ("uid", Type::String),
        ("groups", strings()),
        ("extra", Type::map(Type::String, strings())),
    ];
    let claims = Type::map(Type::String, Type::Any);
    let user = Type::object("kubernetes.UserInfo", user);
    [("claims", claims), ("user", user)]
        .map(|(name, of)| Environment::kubernetes().variable(name, of).build().unwrap())
}

fn ours(question: &Question, [of_claims, of_user]: &[Environment; 2]) -> Answer {
    let Some(fields) = question.value.as_object() else {
        return Answer::without_cost(Outcome::EvaluationError("not an object".to_owned()));
    };
    if question.variable == "user" {
        let mut user = json!({"username": "", "uid": "", "groups": [], "extra": {}});
        let all = user.as_object_mut().unwrap();
        all.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        corpus::answer(question, of_user, Value::json(&user))
    } else {
        let claims = Object::new("kubernetes.claims", Map::Json(fields));
        corpus::answer(question, of_claims, Value::Object(claims))
    }
}

fn compared() -> Vec<Compared> {
    let folder = Path::new(CORPUS);
    let questions = corpus::questions(folder).unwrap();
    let theirs = corpus::recorded(folder, &questions.iter().collect::<Vec<_>>()).unwrap();
    let environments = environments();
    questions
        .into_iter()
        .zip(theirs)
        .map(|(question, theirs)| {
            let ours = ours(&question, &environments);
            Compared { question, ours, theirs }
        })
        .collect()
}

#[test]
fn every_expression_has_the_outcome_that_kube_apiserver_gave() {
    let compared = compared();
    assert!(compared.len() >= 600, "{} expressions", compared.len());
    let differences = corpus::differences(Path::new(CORPUS)).unwrap();
    let differing = corpus::differing(&compared, &differences);
    assert!(differing.is_empty(), "{} differ\n{}", differing.len(), differing.join("\n"));
    let gone = corpus::gone_differences(&compared, &differences);
    assert!(gone.is_empty(), "these do not differ (any more): {gone:#?}");
}

#[test]
fn an_expression_costs_what_kube_apiserver_counted() {
    corpus::costs_alike(&compared()).unwrap();
}
