//! The answers of both engines, and what it means that they agree.
//! Never forgives a difference that is not listed.

use std::fmt;
use std::sync::Arc;

use anyhow::ensure;
use login_tests::components::Components;
use serde_json::Value;

use crate::corpus::{self, Differences, Question};
use crate::{oracle, ours, random};

/// What became of an expression.
#[derive(Debug)]
pub(crate) enum Outcome {
    CompileError(String),
    EvaluationError(String),
    /// The evaluation was ended, whatever would have absorbed an error.
    Ended(String),
    Value(Value),
}

pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) cost: Option<u64>,
}

impl Answer {
    pub(crate) fn without_cost(outcome: Outcome) -> Answer {
        Answer { outcome, cost: None }
    }
}

pub(crate) struct World {
    answered: Vec<(Question, Answer, Answer)>,
    differences: Differences,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> anyhow::Result<World> {
        let differences = corpus::differences()?;
        let mut questions = corpus::questions()?;
        questions.extend(random::questions(&questions, &differences));
        let theirs = oracle::answers(&components.cel_oracle()?, &questions)?;
        let answered = questions
            .into_iter()
            .zip(theirs)
            .map(|(question, theirs)| {
                let ours = ours::answer(&question);
                (question, ours, theirs)
            })
            .collect();
        Ok(World { answered, differences })
    }

    pub(crate) fn has_expressions(&self, least: usize) -> anyhow::Result<()> {
        ensure!(self.answered.len() >= least, "{} expressions", self.answered.len());
        Ok(())
    }

    fn reason(&self, question: &Question) -> Option<&String> {
        self.differences.get(&(question.variable.clone(), question.expression.clone()))
    }

    /// Fails with every expression of the theme on which the engines differ.
    pub(crate) fn agrees(&self, theme: &str) -> anyhow::Result<()> {
        let of_theme: Vec<_> =
            self.answered.iter().filter(|(question, ..)| question.theme == theme).collect();
        ensure!(!of_theme.is_empty(), "there are no expressions about `{theme}`");
        let differing: Vec<String> = of_theme
            .into_iter()
            .filter(|(question, ours, theirs)| {
                !same(&ours.outcome, &theirs.outcome) && self.reason(question).is_none()
            })
            .map(|(question, ours, theirs)| {
                let Question { expression, variable, .. } = question;
                format!(
                    "{expression}  ({variable})\n  ours:   {}\n  theirs: {}",
                    ours.outcome, theirs.outcome
                )
            })
            .collect();
        ensure!(differing.is_empty(), "{} differ\n{}", differing.len(), differing.join("\n"));
        Ok(())
    }

    pub(crate) fn lists_only_differences(&self) -> anyhow::Result<()> {
        let differ = |variable: &str, expression: &str| {
            self.answered.iter().any(|(question, ours, theirs)| {
                question.variable == variable
                    && question.expression == expression
                    && !same(&ours.outcome, &theirs.outcome)
            })
        };
        let gone: Vec<&String> = self
            .differences
            .keys()
            .filter(|(variable, expression)| !differ(variable, expression))
            .map(|(_, expression)| expression)
            .collect();
        ensure!(gone.is_empty(), "these do not differ (any more): {gone:#?}");
        Ok(())
    }

    /// Where both engines come to the same value, they count about the same.
    pub(crate) fn costs_alike(&self) -> anyhow::Result<()> {
        let mut ratios = Vec::new();
        for (question, ours, theirs) in &self.answered {
            // What chance puts together walks maps, and their order is no one's promise.
            let is_chance = [random::PATTERNS, random::EXPRESSIONS].contains(&&*question.theme);
            if let (false, Outcome::Value(_), Some(counted), Some(expected)) =
                (is_chance, &ours.outcome, ours.cost, theirs.cost)
                && same(&ours.outcome, &theirs.outcome)
            {
                ratios.push((ratio(counted, expected), counted, expected, &question.expression));
            }
        }
        ratios.sort_by(|left, right| left.0.total_cmp(&right.0));
        let exact = ratios.iter().filter(|(_, counted, expected, _)| counted == expected).count();
        let far: Vec<_> =
            ratios.iter().filter(|(ratio, ..)| *ratio < 0.5 || *ratio > 2.0).collect();
        ensure!(
            far.is_empty() && exact * 10 >= ratios.len() * 9,
            "{exact} of {} exactly; more than twice or less than half: {far:#?}",
            ratios.len()
        );
        Ok(())
    }
}

/// With one unit more on both sides, since some expressions cost nothing.
fn ratio(ours: u64, theirs: u64) -> f64 {
    let real = |units: u64| f64::from(u32::try_from(units).unwrap_or(u32::MAX)) + 1.0;
    real(ours) / real(theirs)
}

/// Same kind of outcome, same value. Messages may differ: ours never show values.
fn same(ours: &Outcome, theirs: &Outcome) -> bool {
    match (ours, theirs) {
        (Outcome::Value(ours), Outcome::Value(theirs)) => same_value(ours, theirs),
        (Outcome::CompileError(_), Outcome::CompileError(_))
        | (Outcome::EvaluationError(_), Outcome::EvaluationError(_))
        | (Outcome::Ended(_), Outcome::Ended(_)) => true,
        _ => false,
    }
}

fn same_value(ours: &Value, theirs: &Value) -> bool {
    if let (Some(ours), Some(theirs)) = (double(ours), double(theirs)) {
        return ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan());
    }
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| same_value(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => ours.iter().all(|(tag, value)| {
            theirs.get(tag).is_some_and(|expected| match tag.as_str() {
                "map" => same_value(&by_key(value), &by_key(expected)),
                _ => same_value(value, expected),
            })
        }),
        (ours, theirs) => ours == theirs,
    }
}

fn double(value: &Value) -> Option<f64> {
    value.get("double")?.as_str()?.parse().ok()
}

fn by_key(entries: &Value) -> Value {
    let mut entries = entries.as_array().cloned().unwrap_or_default();
    entries.sort_by_key(|entry| entry[0].to_string());
    Value::Array(entries)
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::CompileError(error) => write!(formatter, "does not compile: {error}"),
            Outcome::EvaluationError(error) => write!(formatter, "fails: {error}"),
            Outcome::Ended(error) => write!(formatter, "is ended: {error}"),
            Outcome::Value(value) => write!(formatter, "{value}"),
        }
    }
}
