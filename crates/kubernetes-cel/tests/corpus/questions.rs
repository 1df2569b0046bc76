//! The expressions and the differences, as the files of the corpus have them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// One expression over one value of its variable.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) theme: String,
    pub(crate) expression: String,
    /// `claims` or `user`.
    pub(crate) variable: String,
    pub(crate) value: Value,
    /// `bool` for validation rules, else empty.
    pub(crate) returns: String,
}

/// Variable and expression → why the engines differ.
pub(crate) type Differences = BTreeMap<(String, String), String>;

fn read(file: &Path) -> anyhow::Result<Value> {
    let text = fs::read(file).with_context(|| format!("could not read `{}`", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("`{}` is not JSON", file.display()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Every file but the list of differences is a theme.
pub(crate) fn questions(folder: &Path) -> anyhow::Result<Vec<Question>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .context("the corpus is missing")?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut questions = Vec::new();
    for file in files {
        let theme = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if theme == "differences" {
            continue;
        }
        for group in items(&read(&file)?) {
            for expression in items(&group["expressions"]) {
                questions.push(Question {
                    theme: theme.clone(),
                    expression: text(expression),
                    variable: text(&group["variable"]),
                    value: group["value"].clone(),
                    returns: text(&group["returns"]),
                });
            }
        }
    }
    Ok(questions)
}

pub(crate) fn differences(folder: &Path) -> anyhow::Result<Differences> {
    let mut differences = Differences::new();
    for group in items(&read(&folder.join("differences.json"))?) {
        let reason = text(&group["reason"]);
        ensure!(!reason.is_empty(), "a difference without a reason");
        for expression in items(&group["expressions"]) {
            differences.insert((text(&group["variable"]), text(expression)), reason.clone());
        }
    }
    Ok(differences)
}
