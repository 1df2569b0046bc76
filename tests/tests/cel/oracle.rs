//! kube-apiserver's answers to all expressions.

use std::path::Path;

use login_tests::oracle;
use serde_json::{Value, json};

use crate::corpus::{Answer, Outcome, Question};

pub(crate) fn answers(program: &Path, questions: &[Question]) -> anyhow::Result<Vec<Answer>> {
    let said = oracle::answers(program, questions.iter().map(line))?;
    Ok(said.iter().map(answer).collect())
}

fn line(question: &Question) -> Value {
    json!({
        "expression": question.expression,
        "variable": question.variable,
        "value": question.value,
        "returns": question.returns,
    })
}

fn answer(said: &Value) -> Answer {
    let outcome = if let Some(error) = said["compile_error"].as_str() {
        Outcome::CompileError(error.to_owned())
    } else if let Some(error) = said["evaluation_error"].as_str() {
        if error.contains("cost limit exceeded") {
            Outcome::Ended(error.to_owned())
        } else {
            Outcome::EvaluationError(error.to_owned())
        }
    } else {
        Outcome::Value(said["value"].clone())
    };
    Answer { outcome, cost: said["cost"].as_u64() }
}
