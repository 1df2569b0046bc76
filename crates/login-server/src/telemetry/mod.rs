//! Log lines on stderr, as text for people or JSON for machines.
//! Never sees a token, a password or a key: callers pass reasons and names only.

use std::{error::Error, fmt::Write as _, io::IsTerminal as _};

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::system::environment;

/// The variable that chooses what is logged, in `tracing`'s filter syntax.
pub const FILTER_VARIABLE: &str = "LOGIN_SERVER_LOG";

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(format: LogFormat) {
    let chosen = environment::variable(FILTER_VARIABLE);
    let registry = tracing_subscriber::registry().with(filter(chosen.as_deref()));
    let started = match format {
        LogFormat::Text => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_writer(std::io::stderr)
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_target(false),
            )
            .try_init(),
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(std::io::stderr)
                    .with_target(false),
            )
            .try_init(),
    };
    // Only tests start twice in one process; the first subscriber serves both.
    drop(started);
}

/// The operator's choice, but for these libraries: at `trace` they show headers, frames and bodies,
/// in which there are tokens and passwords.
fn filter(chosen: Option<&str>) -> EnvFilter {
    const TALKATIVE: [&str; 6] = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tokio_rustls"];
    let chosen = chosen.and_then(|text| text.parse::<EnvFilter>().ok());
    TALKATIVE.iter().fold(chosen.unwrap_or_else(|| EnvFilter::new("info")), |filter, library| {
        match format!("{library}=info").parse() {
            Ok(directive) => filter.add_directive(directive),
            Err(_) => filter,
        }
    })
}

/// An error and everything that caused it, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a String cannot fail.
        let _ = write!(line, ": {cause}");
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_show_what_they_carry_cannot_be_made_to() {
        for chosen in [Some("trace"), Some("h2=trace,hyper=trace"), Some("not a ! filter"), None] {
            let shown = filter(chosen).to_string();
            for library in ["h2", "hyper", "rustls", "reqwest"] {
                assert!(shown.contains(&format!("{library}=info")), "{shown}");
                assert!(!shown.contains(&format!("{library}=trace")), "{shown}");
            }
        }
    }

    #[test]
    fn a_chain_names_every_cause() {
        let inner = std::io::Error::other("inner");
        assert_eq!(chain(&std::io::Error::other(inner)), "inner");
        let file = crate::system::files::FileError::Read {
            path: "x".into(),
            source: std::io::Error::other("gone"),
        };
        assert_eq!(chain(&file), "could not read `x`: gone");
    }
}
