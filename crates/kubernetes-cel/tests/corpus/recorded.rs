//! What kube-apiserver made of each expression, one line for each in the order of the corpus:
//! `recorded/THEME.jsonl`, with `[expression, outcome, cost, value]`. The cost is null where it
//! depends on the order in which Go walks a map.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::outcome::by_key;
use super::{Answer, Outcome, Question};

const REFUSED: &str = "does not compile";
const FAILS: &str = "fails";
const ENDED: &str = "is ended";
const VALUE: &str = "value";

/// Longer expressions are recorded by their beginning and their length.
const SHOWN: usize = 160;

/// The answer as it is recorded. Messages are not: they are no promise of either engine.
pub(crate) fn line(question: &Question, answer: &Answer) -> String {
    let (kind, value) = match &answer.outcome {
        Outcome::CompileError(_) => (REFUSED, None),
        Outcome::EvaluationError(_) => (FAILS, None),
        Outcome::Ended(_) => (ENDED, None),
        Outcome::Value(value) => (VALUE, Some(sorted(value))),
    };
    let mut fields = vec![json!(shown(&question.expression)), json!(kind), json!(answer.cost)];
    fields.extend(value);
    while fields.last().is_some_and(Value::is_null) && kind != VALUE {
        fields.pop();
    }
    Value::Array(fields).to_string()
}

fn shown(expression: &str) -> String {
    match expression.char_indices().nth(SHOWN) {
        Some((end, _)) => {
            format!("{}… ({} bytes)", expression.get(..end).unwrap_or_default(), expression.len())
        }
        None => expression.to_owned(),
    }
}

/// With the entries of maps in one order, whichever the engine walked them in.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(sorted).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(tag, value)| {
                let value = sorted(value);
                (tag.clone(), if tag == "map" { by_key(&value) } else { value })
            })
            .collect(),
        other => other.clone(),
    }
}

/// The recorded answers, each to the question of the same place.
pub(crate) fn recorded(folder: &Path, questions: &[&Question]) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(questions.len());
    for theme in questions.chunk_by(|one, next| one.theme == next.theme) {
        let name = theme.first().map(|question| question.theme.as_str()).unwrap_or_default();
        let file = folder.join("recorded").join(name).with_extension("jsonl");
        let text = fs::read_to_string(&file)
            .with_context(|| format!("`{}` was not recorded", file.display()))?;
        ensure!(
            text.lines().count() == theme.len(),
            "`{}` has {} lines for {} expressions: record it again",
            file.display(),
            text.lines().count(),
            theme.len()
        );
        for (question, line) in theme.iter().zip(text.lines()) {
            answers.push(
                answer(question, line).with_context(|| format!("`{}`: {line}", file.display()))?,
            );
        }
    }
    Ok(answers)
}

fn answer(question: &Question, line: &str) -> anyhow::Result<Answer> {
    let fields: Vec<Value> = serde_json::from_str(line)?;
    let text = |index: usize| fields.get(index).and_then(Value::as_str).unwrap_or_default();
    ensure!(
        text(0) == shown(&question.expression),
        "recorded for another expression than `{}`",
        question.expression
    );
    let message = || "recorded".to_owned();
    let outcome = match text(1) {
        REFUSED => Outcome::CompileError(message()),
        FAILS => Outcome::EvaluationError(message()),
        ENDED => Outcome::Ended(message()),
        VALUE => Outcome::Value(fields.get(3).cloned().context("a value is missing")?),
        other => anyhow::bail!("`{other}` is no outcome"),
    };
    let answer = Answer { outcome, cost: fields.get(2).and_then(Value::as_u64) };
    ensure!(self::line(question, &answer) == line, "not in the form in which it is recorded");
    Ok(answer)
}
