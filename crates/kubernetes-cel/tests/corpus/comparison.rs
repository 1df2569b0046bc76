//! The outcomes of this crate held against kube-apiserver's.

use anyhow::ensure;

use super::{Answer, Differences, Question};

/// One question and both answers.
pub(crate) struct Compared {
    pub(crate) question: Question,
    pub(crate) ours: Answer,
    pub(crate) theirs: Answer,
}

impl Compared {
    fn agrees(&self) -> bool {
        self.ours.outcome.is_same(&self.theirs.outcome)
    }
}

/// Every question on which the engines differ without a reason.
pub(crate) fn differing<'c>(
    compared: impl IntoIterator<Item = &'c Compared>,
    differences: &Differences,
) -> Vec<String> {
    let is_listed = |Question { variable, expression, .. }: &Question| {
        differences.contains_key(&(variable.clone(), expression.clone()))
    };
    compared
        .into_iter()
        .filter(|compared| !compared.agrees() && !is_listed(&compared.question))
        .map(|Compared { question, ours, theirs }| {
            let Question { expression, variable, .. } = question;
            format!(
                "{expression}  ({variable})\n  ours:   {}\n  theirs: {}",
                ours.outcome, theirs.outcome
            )
        })
        .collect()
}

/// What is listed as a difference and is none.
pub(crate) fn gone_differences<'d>(
    compared: &[Compared],
    differences: &'d Differences,
) -> Vec<&'d String> {
    let differ = |variable: &str, expression: &str| {
        compared.iter().any(|compared| {
            compared.question.variable == variable
                && compared.question.expression == expression
                && !compared.agrees()
        })
    };
    differences
        .keys()
        .filter(|(variable, expression)| !differ(variable, expression))
        .map(|(_, expression)| expression)
        .collect()
}

/// Where both engines come to the same value, they count about the same.
pub(crate) fn costs_alike<'c>(
    compared: impl IntoIterator<Item = &'c Compared>,
) -> anyhow::Result<()> {
    let mut ratios = Vec::new();
    for Compared { question, ours, theirs } in compared {
        if let (super::Outcome::Value(_), Some(counted), Some(expected)) =
            (&ours.outcome, ours.cost, theirs.cost)
            && ours.outcome.is_same(&theirs.outcome)
        {
            ratios.push((ratio(counted, expected), counted, expected, &question.expression));
        }
    }
    ratios.sort_by(|left, right| left.0.total_cmp(&right.0));
    let exact = ratios.iter().filter(|(_, counted, expected, _)| counted == expected).count();
    let far: Vec<_> = ratios.iter().filter(|(ratio, ..)| *ratio < 0.5 || *ratio > 2.0).collect();
    ensure!(
        !ratios.is_empty() && far.is_empty() && exact * 10 >= ratios.len() * 9,
        "{exact} of {} exactly; more than twice or less than half: {far:#?}",
        ratios.len()
    );
    Ok(())
}

/// With one unit more on both sides, since some expressions cost nothing.
fn ratio(ours: u64, theirs: u64) -> f64 {
    let real = |units: u64| f64::from(u32::try_from(units).unwrap_or(u32::MAX)) + 1.0;
    real(ours) / real(theirs)
}
