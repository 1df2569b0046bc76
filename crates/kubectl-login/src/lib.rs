//! `kubectl-login`: options in, one ExecCredential or one report out.
//!
//! Never here: anything about the server; anything on stdout but the answer.
//!
//! Reading order: `run` below, then `fast_path` (a kept token, nothing else), `options` and
//! `exec_info` (what is wanted), `commands` (what is done), `renewal` (a new token, once, however
//! many ask), `cache` (what is kept), `flows` (the ways to a token), `kubeconfig` (for `login`),
//! `report` (what went wrong), `system` (the only files with effects).
//!
//! Files on disk: `<key>.token` and `<key>.refresh` are `cache::entry` and `cache::refresh_secret`,
//! `<key>.lock` is `cache::renewal_lock`, `<key>.failed` is `cache::backoff`, `<digest>.discovery`
//! is `cache::metadata`.

pub mod fast_path;

pub mod exec_info;
pub mod options;

pub mod commands;
pub mod renewal;

pub mod cache;
pub mod flows;
pub mod kubeconfig;

pub mod report;
pub mod system;

use std::{ffi::OsString, process::ExitCode};

use options::command_line::{self, Invocation};
use report::{Failure, Report, command_line_failure};
use system::{
    System,
    clock::{Clock as _, MachineClock},
    environment::ProcessEnvironment,
    stdout,
    terminal::Stderr,
};

/// Runs one command. `arguments` are without the program's name.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let now = MachineClock.now();
    if let Some(found) = fast_path::find(arguments, &ProcessEnvironment, now) {
        return conclude(write(found.answer()));
    }
    let invocation = match command_line::parse(arguments) {
        Ok(invocation) => invocation,
        // Help and version are what was asked for.
        Err(error) if !error.use_stderr() => {
            return conclude(write(&error.render().to_string()));
        }
        Err(error) => return conclude(Err(command_line_failure(&error))),
    };
    conclude(dispatch(invocation))
}

fn dispatch(invocation: Invocation) -> Result<(), Failure> {
    let verbose = match &invocation {
        Invocation::GetToken(typed) | Invocation::Login { typed, .. } => typed.verbosity > 0,
        Invocation::Version { .. } | Invocation::Completion(_) | Invocation::Man { .. } => false,
    };
    let system = System {
        clock: &MachineClock,
        environment: &ProcessEnvironment,
        terminal: &Stderr { verbose },
    };
    match invocation {
        Invocation::GetToken(typed) => write(&commands::get_token::answer(&system, &typed)?),
        Invocation::Login { typed, context, kubeconfig } => {
            commands::login::run(&system, &typed, context.as_deref(), kubeconfig.as_deref())
        }
        Invocation::Version { json } => write(&commands::version::text(json)),
        Invocation::Completion(shell) => write(&commands::completion::script(shell)),
        Invocation::Man { directory } => commands::man::write(&directory),
    }
}

fn write(text: &str) -> Result<(), Failure> {
    stdout::write(text.as_bytes())
        .map_err(|source| Failure::Write { what: "to stdout".to_owned(), source })
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
