//! Log lines on stderr, as text for people or JSON for machines.
//! Never sees a token, a password or a key: callers pass reasons and names only.

pub mod audit;
pub mod decision;
mod lines;
pub mod log_throttle;
pub mod metrics;
mod record_format;
pub mod refusals;
pub mod traces;

use std::io::{IsTerminal as _, Stderr};

use clap::ValueEnum;
use tracing_subscriber::{
    EnvFilter, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use self::{lines::Lines, record_format::RecordsAsTheyAre};
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

/// Logging of the whole process. Dropping it writes the lines that wait; a later line is still
/// written, unless the process ends within the time that a line may wait.
#[must_use = "dropped at once, lines may be lost at the end of the process"]
pub struct Logging(Option<Lines<Stderr>>);

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(lines) = &self.0 {
            lines.flush();
        }
    }
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(format: LogFormat) -> Logging {
    let Ok(lines) = Lines::new(std::io::stderr()) else {
        // The thread could not be started: every line is written directly.
        start_with(format, std::io::stderr);
        return Logging(None);
    };
    start_with(format, lines.clone());
    Logging(Some(lines))
}

fn start_with<W>(format: LogFormat, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let chosen = environment::variable(FILTER_VARIABLE);
    let registry = tracing_subscriber::registry().with(filter(chosen.as_deref()));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false);
    let started = match format {
        LogFormat::Text => {
            let layer = layer.with_ansi(std::io::stderr().is_terminal());
            registry.with(layer.map_event_format(RecordsAsTheyAre)).try_init()
        }
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true);
            registry.with(layer.map_event_format(RecordsAsTheyAre)).try_init()
        }
    };
    // Only tests start twice in one process; the first subscriber serves both.
    drop(started);
}

/// The operator's filter, except for these libraries: at `trace` they log headers, frames and
/// bodies, which contain tokens and passwords.
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
}
