//! The result of a check, and how it is shown.
//! Never more than one line and one hint per check.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::{
    report::{Failure, Fault, Report},
    scrub,
    system::stdout::Colours,
};

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Outcome {
    /// The check passed.
    Ok,
    /// Works, but perhaps not always or for every user.
    Warning,
    /// Does not work.
    Problem,
    /// Not checked.
    Skipped,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
            Self::Skipped => "skipped",
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    /// The name of the check; stable.
    pub(super) check: &'static str,
    /// Its outcome.
    pub(super) outcome: Outcome,
    /// What was found, in a sentence.
    pub(super) message: String,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
    /// The fault category of a problem.
    #[serde(skip)]
    pub(super) fault: Option<Fault>,
}

impl Finding {
    /// The check passed.
    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        // A message may quote foreign text: addresses with passwords, for example.
        let message = scrub::said(&message.into());
        Self { check, outcome: Outcome::Ok, message, hint: None, fault: None }
    }

    /// Not checked, because of `reason`.
    pub(super) fn skipped(check: &'static str, reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, ..Self::ok(check, reason) }
    }

    /// May not always work.
    pub(super) fn warning(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { outcome: Outcome::Warning, hint: Some(hint.into()), ..Self::ok(check, message) }
    }

    /// Does not work.
    pub(super) fn problem(
        check: &'static str,
        fault: Fault,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            outcome: Outcome::Problem,
            hint: Some(hint.into()),
            fault: Some(fault),
            ..Self::ok(check, message)
        }
    }

    /// A failure of a part that the other commands use.
    pub(super) fn failure(check: &'static str, failure: &Failure) -> Self {
        let report = Report::from(failure);
        let message = std::iter::once(report.error).chain(report.causes).collect::<Vec<_>>();
        Self {
            outcome: Outcome::Problem,
            hint: report.hint,
            fault: Some(report.fault),
            ..Self::ok(check, message.join(": "))
        }
    }
}

/// One line per finding, with its hint below.
pub(super) fn text(findings: &[Finding], colours: Colours) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    let mut text = String::new();
    for finding in findings {
        let style = style(finding.outcome, colours);
        let word = finding.outcome.as_str();
        let (check, message) = (finding.check, one_line(&finding.message));
        let _ = writeln!(text, "{style}{word:<8}{style:#} {check:<width$}   {message}");
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "{:<8} {:<width$}   hint: {}", "", "", one_line(hint));
        }
    }
    text
}

fn style(outcome: Outcome, colours: Colours) -> Style {
    let colour = match outcome {
        _ if colours == Colours::Left => return Style::new(),
        Outcome::Ok => AnsiColor::Green,
        Outcome::Warning => AnsiColor::Yellow,
        Outcome::Problem => AnsiColor::Red,
        Outcome::Skipped => return Style::new().dimmed(),
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_a_check_ended_in_words() {
        let findings = [
            Finding::ok("cache", "fine"),
            Finding::problem("context", Fault::Usage, "bad\nthing\x1b[2J", "mend it"),
        ];
        assert_eq!(
            text(&findings, Colours::Left),
            "ok       cache     fine\n\
             problem  context   bad thing [2J\n\
             \x20                  hint: mend it\n"
        );
        let coloured = text(&findings, Colours::Shown);
        assert!(coloured.contains("\x1b[1m\x1b[31mproblem \x1b[0m"), "{coloured:?}");
    }

    #[test]
    fn the_document_names_check_and_outcome() {
        let json = serde_json::to_value(Finding::warning("a", "b", "c")).unwrap();
        let expected =
            serde_json::json!({"check": "a", "outcome": "warning", "message": "b", "hint": "c"});
        assert_eq!(json, expected);
    }
}
