//! `kubectl-login`: takes options, prints one ExecCredential or one report.
//!
//! Never contains server code; never prints anything but the answer to stdout.
//!
//! Reading order: `run` below, then `fast_path` (a cached token, nothing else), `options` and
//! `exec_info` (the input), `commands` (what each command does), `renewal` (a new token, requested
//! once for all processes that wait), `flows` (the ways to get a token), `workload_identity` (a
//! job's own token), `user_entries` (in kubeconfigs), `output` (tables and documents), `report`
//! (errors), `scrub` (hides secrets), `system` (the only files with effects). The cached files are
//! those of `login-cache`; beside them, `<digest>.discovery` is `flows::cached_metadata`.

pub mod fast_path;

pub mod exec_info;
pub mod options;

pub mod commands;
pub mod renewal;

pub mod flows;
pub mod workload_identity;

pub mod output;
pub mod report;
pub mod scrub;
pub mod system;
pub mod user_entries;

#[cfg(test)]
#[path = "../tests/program/http_server.rs"]
mod http_server;

use std::{ffi::OsString, process::ExitCode};

use commands::{
    command_line::{self, Invocation},
    completion::{self, candidates},
};
use login_common::process::keep_memory_private;
use options::arguments;
use report::{Failure, Report};
use system::{
    System,
    clock::{Clock as _, HostClock},
    environment::ProcessEnvironment,
    host, stdout,
    terminal::Stderr,
};

/// Runs one command. The first of `words` is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    let (name, arguments) =
        words.split_first().map_or((None, &[][..]), |(name, rest)| (Some(name), rest));
    let arguments = arguments::without_plugin(arguments);
    let now = HostClock.now();
    if let Some(found) = fast_path::find(arguments, &ProcessEnvironment, now, host::parent()) {
        return conclude(stdout::answer(found.answer()).map_err(Failure::from));
    }
    // From here on, secrets stay in memory for longer.
    keep_memory_private();
    let invocation = Invocation::of(name, &ProcessEnvironment);
    let system = System {
        clock: &HostClock,
        environment: &ProcessEnvironment,
        terminal: &Stderr { verbose: false },
    };
    if let Some(words) = completion::asked(name, arguments) {
        return conclude(candidates::answer(&system, words));
    }
    conclude(match command_line::parse(invocation, arguments) {
        Ok((entry, matches)) => {
            let terminal = Stderr { verbose: arguments::verbosity(&matches) > 0 };
            (entry.run)(&System { terminal: &terminal, ..system }, &matches)
        }
        // Help and version are the requested output, not an error.
        Err(error) if !error.use_stderr() => {
            stdout::answer(&error.render().to_string()).map_err(Failure::from)
        }
        Err(error) => Err(command_line::failure(&error).into()),
    })
}

fn conclude(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let report = Report::from(&failure);
            report.show();
            ExitCode::from(report.fault.exit_code())
        }
    }
}
