//! How a command ends: its exit code, and the message to the operator when it failed.
//! Never shows a secret, and never writes a failure to stdout.

use std::{
    error::Error,
    fmt,
    io::{self, Write as _},
};

use login_review::config::Problem;

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something failed while it ran.
    Runtime,
    /// The command line or a file must be changed.
    Configuration,
    /// No verdict was possible. A script must not treat that as a refusal.
    CannotTell,
}

impl Fault {
    /// 1, 2 or 4.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Runtime => 1,
            Self::Configuration => 2,
            Self::CannotTell => 4,
        }
    }
}

/// A failed command: what was tried, why it failed, what to do.
#[derive(Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub fault: Fault,
    /// The `error:` line.
    pub message: String,
    /// The `caused by:` lines, outermost first.
    pub causes: Vec<String>,
    /// The `hint:` line.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure while running.
    pub fn runtime(message: impl Into<String>) -> Self {
        Self { fault: Fault::Runtime, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// A failure of command line or file.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self { fault: Fault::Configuration, ..Self::runtime(message) }
    }

    /// The same for a command whose exit code 1 is a verdict.
    #[must_use]
    pub fn without_verdict(self) -> Self {
        match self.fault {
            Fault::Runtime => Self { fault: Fault::CannotTell, ..self },
            Fault::Configuration | Fault::CannotTell => self,
        }
    }

    /// All faults of configuration files.
    pub fn problems(problems: &[Problem]) -> Self {
        let message = match problems.len() {
            1 => "the configuration has a fault".to_owned(),
            count => format!("the configuration has {count} faults"),
        };
        let causes = problems.iter().map(ToString::to_string).collect();
        Self { causes, ..Self::configuration(message) }.hint(
            "mend what is listed; `login-server check-config` looks without starting anything",
        )
    }

    /// Adds `error` and its chain of causes.
    #[must_use]
    pub fn because(mut self, error: &dyn Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.causes.push(error.to_string());
            cause = error.source();
        }
        self
    }

    /// Adds the next step for the operator.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        for cause in &self.causes {
            writeln!(f, "  caused by: {cause}")?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "hint: {hint}")?;
        }
        Ok(())
    }
}

/// Writes the failure to stderr.
pub fn show(failure: &Failure) {
    // If stderr fails, there is no other place to report it.
    let _ = write!(io::stderr().lock(), "{failure}");
}

/// The same in colours, except where stdout is not a terminal or `NO_COLOR` is set.
pub fn print_coloured(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    ended(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes the output of the command to stdout. A reader that went away (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    ended(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn ended(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(fault) if fault.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::runtime("could not write to stdout").because(&fault))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a remark to stderr.
pub fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_as_error_causes_and_hint() {
        let inner = io::Error::other("no such file");
        let failure =
            Failure::configuration("could not start").because(&inner).hint("make the file");
        assert_eq!(
            failure.to_string(),
            "error: could not start\n  caused by: no such file\nhint: make the file\n"
        );
        assert_eq!(failure.fault.exit_code(), 2);
        assert_eq!(Failure::runtime("x").fault.exit_code(), 1);
        assert_eq!(Failure::runtime("x").without_verdict().fault.exit_code(), 4);
        assert_eq!(Failure::configuration("x").without_verdict().fault.exit_code(), 2);
    }
}
