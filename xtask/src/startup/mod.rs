//! `cargo xtask startup`: what the cached path costs, in numbers that a busy machine does not move.
//! Never measures time: instructions, system calls, files and memory repeat, milliseconds do not.

mod system_calls;

use crate::{
    Outcome,
    cached::{CachedCall, Floors},
    children,
    components::system_packages,
    workspace,
};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path, process::Command};
use system_calls::Trace;

/// Instructions over an empty Rust `main`, loader included.
const INSTRUCTIONS: u64 = 250_000;
/// Peak resident memory.
const KIBIBYTES: u64 = 5 * 1024;
/// The entry, and nothing else.
const FILES: usize = 1;

pub(crate) fn run() -> Result<Outcome> {
    let missing = system_packages::provide(&system_packages::FOR_STARTUP)?;
    if !missing.is_empty() {
        bail!("missing: {}", missing.join("; "));
    }
    let release = workspace::build(&["--locked", "--release", "--package", "kubectl-login"])?;
    let development = workspace::build(&["--locked", "--package", "login-server"])?;
    let floors = Floors::build(None)?;
    let scratch = tempfile::Builder::new().prefix("kubectl-login-startup-").tempdir()?;
    let call = CachedCall::prepare(
        &workspace::program(&release, "kubectl-login")?,
        &workspace::program(&development, "login-server")?,
        scratch.path(),
    )?;

    let floor = instructions(call.launched(&VALGRIND, &floors.empty_main))?;
    let counted = instructions(call.command(&VALGRIND))?;
    let over = counted.saturating_sub(floor);
    let mut verdicts = vec![verdict(
        over <= INSTRUCTIONS,
        &format!(
            "instructions: {counted}, an empty Rust main {floor}: {over} over it, budget {INSTRUCTIONS}"
        ),
    )];

    let log = scratch.path().join("strace.log");
    let floor = traced(&log, |launcher| call.launched(launcher, &floors.empty_main))?;
    let trace = traced(&log, |launcher| call.command(launcher))?;
    println!("  system calls: {}", trace.summary());
    let forbidden = trace.forbidden();
    let said = if forbidden.is_empty() { "none".to_owned() } else { forbidden.join(", ") };
    verdicts
        .push(verdict(forbidden.is_empty(), &format!("sockets, threads, children, locks: {said}")));
    let opened = trace.opened_beside(&floor);
    verdicts.push(verdict(
        opened.len() <= FILES,
        &format!("files opened: {}, budget {FILES}: {}", opened.len(), opened.join(", ")),
    ));

    let peak = peak_memory(scratch.path(), &call)?;
    verdicts.push(verdict(
        peak <= KIBIBYTES,
        &format!("peak memory: {peak} KiB, budget {KIBIBYTES} KiB"),
    ));
    let passed = verdicts.iter().filter(|kept| **kept).count();
    println!("startup: {passed} of {} budgets kept", verdicts.len());
    Ok(if passed == verdicts.len() { Outcome::Done } else { Outcome::Failed })
}

fn verdict(kept: bool, said: &str) -> bool {
    println!("{} {said}", if kept { "✓" } else { "✗" });
    kept
}

const VALGRIND: [&str; 3] = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];

/// What callgrind collected.
fn instructions(mut command: Command) -> Result<u64> {
    let output = children::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("under valgrind the program ended with {}: {said}", output.status);
    }
    collected(&said).with_context(|| format!("callgrind said no count: {said}"))
}

fn collected(said: &str) -> Option<u64> {
    said.lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok())
}

fn traced(log: &Path, command: impl FnOnce(&[&str]) -> Command) -> Result<Trace> {
    let log_name = log.to_string_lossy();
    let launcher = ["strace", "-f", "-s", "4096", "-o", &log_name];
    children::text(&mut command(&launcher))?;
    Ok(Trace::read(&fs::read_to_string(log)?))
}

fn peak_memory(scratch: &Path, call: &CachedCall) -> Result<u64> {
    let file = scratch.join("peak-memory");
    let name = file.to_string_lossy();
    children::text(&mut call.command(&["/usr/bin/time", "-f", "%M", "-o", &name]))?;
    let said = fs::read_to_string(&file)?;
    said.trim().parse().with_context(|| format!("`time` said `{}`", said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_says() {
        let said = "==1== Events    : Ir\n==1== Collected : 283123\n==1== \n";
        assert_eq!(collected(said), Some(283_123));
        assert_eq!(collected("==1== no count"), None);
    }
}
