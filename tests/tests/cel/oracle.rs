//! What kube-apiserver makes of all questions, asked in one go.
//! Never a process that is left over: it ends with its input.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use login_tests::command;
use serde_json::{Value, json};

use crate::corpus::Question;
use crate::world::{Answer, Outcome};

const LIMIT: Duration = Duration::from_mins(2);

pub(crate) fn answers(program: &Path, questions: &[Question]) -> anyhow::Result<Vec<Answer>> {
    let lines: String = questions.iter().map(line).collect();
    let home = tempfile::tempdir()?;
    let mut oracle = command::clean(program, home.path(), &[]);
    let said = command::run_with_input(&mut oracle, lines.as_bytes(), LIMIT)?.success()?;
    let answers = said
        .stdout
        .lines()
        .map(|line| Ok(answer(&serde_json::from_str(line)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(answers.len() == questions.len(), "{} answers", answers.len());
    Ok(answers)
}

fn line(question: &Question) -> String {
    let line = json!({
        "expression": question.expression,
        "variable": question.variable,
        "value": question.value,
        "returns": question.returns,
    });
    format!("{line}\n")
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
