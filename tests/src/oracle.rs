//! Kubernetes' own code behind JSON lines: how it reads expressions and YAML texts.
//! Never leaves the process running: it ends with its input.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;

use crate::command;

const LIMIT: Duration = Duration::from_mins(2);

/// The answers to all `questions`, asked in one run.
pub fn answers(
    program: &Path,
    questions: impl Iterator<Item = Value>,
) -> anyhow::Result<Vec<Value>> {
    let lines: Vec<String> = questions.map(|question| format!("{question}\n")).collect();
    let home = tempfile::tempdir()?;
    let mut oracle = command::clean(program, home.path(), &[]);
    let said = command::run_with_input(&mut oracle, lines.concat().as_bytes(), LIMIT)?.success()?;
    let answers: Vec<Value> =
        said.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(answers.len() == lines.len(), "{} answers to {}", answers.len(), lines.len());
    Ok(answers)
}
