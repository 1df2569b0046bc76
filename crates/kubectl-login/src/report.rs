//! What a person reads when something went wrong: error, causes, hint; and the exit code.
//! Never more than one report per run, never a secret, never anything on stdout.

use std::{error::Error, fmt, io};

use anstyle::{AnsiColor, Style};
use login_common::{exec_credential::ExecInfoError, names::IssuerUrl};
use thiserror::Error;

use crate::{
    cache::{refresh_secret::Sealed, renewal_lock::LockError},
    commands::{failure::CommandError, server::ServerError},
    flows::FlowError,
    kubeconfig::KubeconfigError,
    options::fault::OptionError,
    scrub,
};

/// Whose fault it was; nothing else decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sign-in was refused or failed.
    Refused,
    /// The command line, a variable, a file or the kubeconfig.
    Usage,
    /// A person would have to sign in, and cannot or may not be asked.
    NeedsPerson,
    /// Something that we depend on cannot be reached or is out of order.
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

/// Everything that can end a command.
#[derive(Debug, Error)]
pub enum Failure {
    /// An option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A command line that clap refuses.
    #[error("{0}")]
    CommandLine(String),
    /// `KUBERNETES_EXEC_INFO`.
    #[error("what the host says about this call cannot be used")]
    ExecInfo(#[from] ExecInfoError),
    /// The kubeconfig.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// A command that examines sessions and clusters.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A server whose address was given.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A flow.
    #[error("{source}")]
    Flow {
        /// What happened.
        source: Box<FlowError>,
        /// What to do about it, which depends on the options.
        hint: Option<String>,
    },
    /// Another process failed, just now; or the lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A failure of a moment ago, still in force.
    #[error("{}", report.error)]
    Remembered {
        /// What was reported then.
        report: Box<Report>,
        /// How many seconds it stays in force; zero when only whoever waited shares it.
        seconds_left: u64,
    },
    /// Whoever was signing in ended without a word.
    #[error("the sign-in that process {process} had begun was given up")]
    Abandoned {
        /// The process.
        process: u32,
    },
    /// The cluster refuses the token, and the issuer its renewal.
    #[error("the session at `{issuer}` has ended; the issuer does not renew it any more")]
    Ended {
        /// Who was asked.
        issuer: IssuerUrl,
    },
    /// The refresh token cannot be had, and nobody can sign in anew.
    #[error("the session at `{issuer}` cannot be renewed now, and nobody can be asked to sign in")]
    Sealed {
        /// Whose it is.
        issuer: IssuerUrl,
        /// Why.
        #[source]
        source: Sealed,
    },
    /// The answer or a file could not be written.
    #[error("could not write {what}")]
    Write {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// This machine does not let the program work.
    #[error("could not start")]
    Start(#[source] io::Error),
}

impl Failure {
    /// Whose fault it was.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Option(_) | Self::CommandLine(_) | Self::ExecInfo(_) => Fault::Usage,
            Self::Kubeconfig(error) => error.fault(),
            Self::Server(error) => error.fault(),
            Self::Command(error) => error.fault(),
            Self::Flow { source, .. } => source.fault(),
            Self::Lock(_) | Self::Abandoned { .. } | Self::Write { .. } | Self::Start(_) => {
                Fault::Refused
            }
            Self::Ended { .. } | Self::Sealed { .. } => Fault::NeedsPerson,
            Self::Remembered { report, .. } => report.fault,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Option(error) => Some(error.hint()),
            Self::CommandLine(_) => {
                Some("`kubectl-login --help` lists commands and options".into())
            }
            Self::ExecInfo(_) => Some(
                "the variable `KUBERNETES_EXEC_INFO` is set by kubectl; unset it to run by hand"
                    .into(),
            ),
            Self::Kubeconfig(error) => Some(error.hint()),
            Self::Command(error) => error.hint(),
            Self::Server(error) => Some(error.hint()),
            Self::Flow { hint, .. } => hint.clone(),
            Self::Lock(LockError::Busy { .. }) => {
                Some("finish that sign-in in the browser, or end that process".into())
            }
            Self::Lock(_) | Self::Write { .. } | Self::Start(_) => None,
            Self::Abandoned { .. } => {
                Some("`kubectl-login login` makes another attempt at once".into())
            }
            Self::Ended { .. } => Some("sign in again with `kubectl-login login`".into()),
            Self::Sealed { source, .. } => Some(source.hint().into()),
            Self::Remembered { seconds_left: 0, report } => report.hint.clone(),
            Self::Remembered { seconds_left, .. } => Some(format!(
                "this is the last attempt's outcome; the next one is made in {seconds_left} s, \
                 `kubectl-login login` makes one now"
            )),
        }
    }
}

/// A failure as it is shown and remembered: text only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Decides the exit code.
    pub fault: Fault,
    /// What was tried, with what.
    pub error: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<&Failure> for Report {
    fn from(failure: &Failure) -> Self {
        let mut causes = Vec::new();
        if let Failure::Remembered { report, .. } = failure {
            causes.clone_from(&report.causes);
        }
        // A flow's failure shows its source as itself.
        let mut next = match failure {
            Failure::Flow { source, .. } => source.source(),
            other => other.source(),
        };
        while let Some(cause) = next {
            causes.push(one_line(&cause.to_string()));
            next = cause.source();
        }
        // Libraries repeat their sources in their own text.
        causes.dedup_by(|inner, outer| outer.contains(inner.as_str()));
        Self {
            fault: failure.fault(),
            error: one_line(&failure.to_string()),
            causes,
            hint: failure.hint().map(|hint| one_line(&hint)),
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

    /// Shows it on stderr; coloured where that is wanted, readable where it is not.
    pub fn show(&self) {
        use {fmt::Write as _, io::Write as _};
        // In one piece: other processes may be writing to the same terminal.
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
        // Nobody is left to be told that stderr is closed.
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    /// Reads what `Display` wrote.
    pub fn parse(fault: Fault, text: &str) -> Option<Self> {
        let mut report = Self { fault, error: String::new(), causes: Vec::new(), hint: None };
        for line in text.lines() {
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

/// Control characters, line breaks among them, become spaces; secrets that somebody repeated go.
fn one_line(text: &str) -> String {
    let text = scrub::reported(text);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

/// clap's message without its usage text, in our words.
pub fn command_line_failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let message = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    Failure::CommandLine(message.strip_prefix("error: ").unwrap_or(&message).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_three_parts_and_reads_back() {
        let failure = Failure::Write {
            what: "the answer".to_owned(),
            source: io::Error::other("the pipe\nis closed"),
        };
        let report = Report::from(&failure);
        assert_eq!(
            report.to_string(),
            "error: could not write the answer\n  caused by: the pipe is closed\n"
        );
        assert_eq!(Report::parse(Fault::Refused, &report.to_string()), Some(report));
        let option = Report::from(&Failure::Option(OptionError::Missing("client-id")));
        assert_eq!(
            option.to_string(),
            "error: `--client-id` is missing\n\
             hint: give `--client-id` or set the variable `KUBECTL_LOGIN_CLIENT_ID`; if the \
             kubeconfig's cluster entry has it, the user entry needs `provideClusterInfo: true`\n"
        );
        assert_eq!(option.fault.exit_code(), 2);
    }

    #[test]
    fn a_remembered_failure_reads_like_the_first_but_for_its_hint() {
        let report = Report {
            fault: Fault::Refused,
            error: "e".to_owned(),
            causes: vec!["c".to_owned()],
            hint: Some("h".to_owned()),
        };
        let shown = |seconds_left| {
            Report::from(&Failure::Remembered { report: Box::new(report.clone()), seconds_left })
        };
        assert_eq!(shown(0), report);
        assert_eq!((shown(7).error, shown(7).causes), ("e".to_owned(), vec!["c".to_owned()]));
        assert!(shown(7).hint.unwrap().contains("in 7 s"));
    }

    #[test]
    fn claps_words_become_one_error() {
        use crate::commands::command_line;
        let words = ["get-token", "--isuer-url", "x"].map(Into::into);
        let error = command_line::parse(command_line::Invocation::Program, &words).err().unwrap();
        let report = Report::from(&command_line_failure(&error));
        assert!(
            report.error.starts_with("unexpected argument '--isuer-url' found"),
            "{}",
            report.error
        );
        assert_eq!(report.fault, Fault::Usage);
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
