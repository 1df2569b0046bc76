//! Reports a failure to the user: error, causes, hint; and the exit code.
//! At most one report per run; never a secret, and never anything on stdout.

use std::{error::Error, fmt, io};

use anstyle::{AnsiColor, Style};
use login_cache::backoff::StoredFailure;
use login_common::causes;
use thiserror::Error;

use crate::scrub;

/// Whose fault it was; the exit code depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sign-in was refused or failed.
    Refused,
    /// The command line, a variable, a file or the kubeconfig.
    Usage,
    /// A user would have to sign in, and cannot or may not be prompted.
    NeedsPerson,
    /// A dependency is unreachable or out of order.
    Unreachable,
}

impl Fault {
    const ALL: [Self; 4] = [Self::Refused, Self::Usage, Self::NeedsPerson, Self::Unreachable];

    /// The process's exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NeedsPerson => 3,
            Self::Unreachable => 4,
        }
    }

    /// The fault with that exit code.
    pub fn from_exit_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.exit_code() == code)
    }
}

/// An error that can end a command: knows its fault and a hint.
pub trait Reported: Error + Send + Sync + 'static {
    /// Whose fault it was.
    fn fault(&self) -> Fault;

    /// What the user can do about it.
    fn hint(&self) -> Option<String>;

    /// The causes, outermost first.
    fn causes(&self) -> Vec<String> {
        self.source().map_or_else(Vec::new, causes::chain)
    }
}

/// Any error that ends a command.
pub struct Failure(Box<dyn Reported>);

impl<E: Reported> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl Failure {
    /// Whose fault it was.
    pub fn fault(&self) -> Fault {
        self.0.fault()
    }

    /// Returns the error if it is of that type.
    pub fn of_kind<E: Reported>(&self) -> Option<&E> {
        let error: &dyn Error = &*self.0;
        error.downcast_ref()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The answer or a file could not be written.
#[derive(Debug, Error)]
#[error("could not write {what}")]
pub struct NotWritten {
    /// What could not be written.
    pub what: String,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl Reported for NotWritten {
    fn fault(&self) -> Fault {
        Fault::Refused
    }

    fn hint(&self) -> Option<String> {
        None
    }
}

/// A failure as it is shown and stored: text only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Decides the exit code.
    pub fault: Fault,
    /// What was tried, and with what.
    pub error: String,
    /// The causes, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<&Failure> for Report {
    fn from(failure: &Failure) -> Self {
        let mut causes: Vec<String> =
            failure.0.causes().iter().map(|cause| one_line(cause)).collect();
        // Libraries repeat their sources in their own text.
        causes.dedup_by(|inner, outer| outer.contains(inner.as_str()));
        Self {
            fault: failure.fault(),
            error: one_line(&failure.to_string()),
            causes,
            hint: failure.0.hint().map(|hint| one_line(&hint)),
        }
    }
}

const ERROR: &str = "error";
const CAUSE: &str = "  caused by";
const HINT: &str = "hint";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (label, text) in self.lines() {
            writeln!(f, "{label}: {text}")?;
        }
        Ok(())
    }
}

impl Report {
    fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        std::iter::once((ERROR, self.error.as_str()))
            .chain(self.causes.iter().map(|cause| (CAUSE, cause.as_str())))
            .chain(self.hint.iter().map(|hint| (HINT, hint.as_str())))
    }

    /// Prints it to stderr, with colours if the terminal supports them.
    pub fn show(&self) {
        use {fmt::Write as _, io::Write as _};
        // In one write: other processes may be writing to the same terminal.
        let mut text = String::new();
        for (label, line) in self.lines() {
            let colour = match label {
                ERROR => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
                HINT => Style::new().bold().fg_color(Some(AnsiColor::Cyan.into())),
                _ => Style::new(),
            };
            let _ = writeln!(text, "{colour}{label}{colour:#}: {line}");
        }
        let choice = anstream::AutoStream::choice(&io::stderr());
        if choice == anstream::ColorChoice::Never {
            text = self.to_string();
        }
        // If stderr is closed, there is nowhere to report it.
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    /// As it is stored for other processes.
    pub fn stored(&self) -> StoredFailure {
        StoredFailure { exit_code: self.fault.exit_code(), report: self.to_string() }
    }

    /// Reads what `stored` returns.
    pub fn parse(stored: &StoredFailure) -> Option<Self> {
        let fault = Fault::from_exit_code(stored.exit_code)?;
        let mut report = Self { fault, error: String::new(), causes: Vec::new(), hint: None };
        for line in stored.report.lines() {
            match line.split_once(": ")? {
                (ERROR, error) => one_line(error).clone_into(&mut report.error),
                (CAUSE, cause) => report.causes.push(one_line(cause)),
                (HINT, hint) => report.hint = Some(one_line(hint)),
                _ => return None,
            }
        }
        (!report.error.is_empty()).then_some(report)
    }
}

/// Replaces control characters, line breaks included, by spaces; hides secrets that a library or a
/// server repeated.
fn one_line(text: &str) -> String {
    let text = scrub::reported(text);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::fault::OptionError;

    #[test]
    fn a_report_has_the_three_parts_and_reads_back() {
        let failure = NotWritten {
            what: "the answer".to_owned(),
            source: io::Error::other("the pipe\nis closed"),
        };
        let report = Report::from(&failure.into());
        assert_eq!(
            report.to_string(),
            "error: could not write the answer\n  caused by: the pipe is closed\n"
        );
        assert_eq!(Report::parse(&report.stored()), Some(report));
        let option = Report::from(&OptionError::Missing("client-id").into());
        assert_eq!(
            option.to_string(),
            "error: `--client-id` is missing\n\
             hint: give `--client-id` or set the variable `KUBECTL_LOGIN_CLIENT_ID`; if the \
             kubeconfig's cluster entry has it, the user entry needs `provideClusterInfo: true`\n"
        );
        assert_eq!(option.fault.exit_code(), 2);
    }

    #[test]
    fn a_corrupt_report_is_none() {
        for (exit_code, report) in [(9, "error: x\n"), (1, "x\n"), (1, "")] {
            let stored = StoredFailure { exit_code, report: report.to_owned() };
            assert_eq!(Report::parse(&stored), None, "{stored:?}");
        }
    }

    #[test]
    fn each_fault_has_its_exit_code() {
        for (fault, code) in [
            (Fault::Refused, 1),
            (Fault::Usage, 2),
            (Fault::NeedsPerson, 3),
            (Fault::Unreachable, 4),
        ] {
            assert_eq!(fault.exit_code(), code);
            assert_eq!(Fault::from_exit_code(code), Some(fault));
        }
        assert_eq!(Fault::from_exit_code(0), None);
    }
}
