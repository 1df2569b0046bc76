//! `cargo xtask startup`: the cost of the cached path, and of one renewal, in numbers that a busy
//! host does not change.
//! Never measures time: instructions, system calls, files and memory repeat, milliseconds do not.

mod system_calls;

use crate::{
    Outcome,
    cached::{Build, CachedCall},
    children,
    components::system_packages,
};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path, process::Command};
use system_calls::Trace;

/// Instructions over an empty Rust `main`, loader included, as shipped: static-pie.
const INSTRUCTIONS: u64 = 250_000;
/// The same when the system's loader also binds some hundred symbols of the C library.
const INSTRUCTIONS_DYNAMIC: u64 = 350_000;
/// The same for a renewal at a server on this host: TLS, one token request, files. Random numbers
/// that are seeded by timing the processor would alone cost 400 million.
const INSTRUCTIONS_RENEWAL: u64 = 9_000_000;
/// Peak resident memory.
const KIBIBYTES: u64 = 5 * 1024;
/// Only the cache entry.
const FILES: usize = 1;
/// The user's configuration file, which does not exist.
const FILES_MISSING: usize = 1;

pub(crate) fn run() -> Result<Outcome> {
    let missing = system_packages::provide(&system_packages::FOR_STARTUP)?;
    if !missing.is_empty() {
        bail!("missing: {}", missing.join("; "));
    }
    let dynamic = Build::dynamic()?;
    let static_pie = Build::static_pie();
    let scratch = tempfile::Builder::new().prefix("kubectl-login-startup-").tempdir()?;
    let call = CachedCall::prepare(&dynamic.client, scratch.path())?;

    let mut verdicts = Vec::new();
    match &static_pie {
        Ok(build) => {
            println!("static-pie");
            measure(&call, build, INSTRUCTIONS, scratch.path(), &mut verdicts)?;
        }
        Err(error) => println!("static-pie: left out: {error:#}"),
    }
    println!("dynamic");
    measure(&call, &dynamic, INSTRUCTIONS_DYNAMIC, scratch.path(), &mut verdicts)?;
    println!("renewal, dynamic");
    renewal(&dynamic, &mut verdicts)?;
    let kept = verdicts.iter().filter(|kept| **kept).count();
    println!("startup: {kept} of {} budgets kept", verdicts.len());
    Ok(if kept == verdicts.len() { Outcome::Done } else { Outcome::Failed })
}

/// Counts the instructions of one renewal.
fn renewal(build: &Build, verdicts: &mut Vec<bool>) -> Result<()> {
    let scratch = tempfile::Builder::new().prefix("kubectl-login-renewal-").tempdir()?;
    let (_server, call) = CachedCall::prepare_with_server(&build.client, scratch.path())?;
    let floor = instructions(call.launched(&VALGRIND, &build.empty_main))?;
    let mut renewal = call.command(&VALGRIND, &build.client)?;
    renewal.arg("--force-refresh");
    let over = instructions(renewal)?.saturating_sub(floor);
    let said = format!("{over} over an empty Rust main, budget {INSTRUCTIONS_RENEWAL}");
    verdict(verdicts, over <= INSTRUCTIONS_RENEWAL, &format!("instructions: {said}"));
    Ok(())
}

fn verdict(verdicts: &mut Vec<bool>, kept: bool, said: &str) {
    println!("{} {said}", if kept { "✓" } else { "✗" });
    verdicts.push(kept);
}

fn measure(
    call: &CachedCall,
    build: &Build,
    budget: u64,
    scratch: &Path,
    verdicts: &mut Vec<bool>,
) -> Result<()> {
    let mut verdict = |kept: bool, said: &str| verdict(verdicts, kept, said);

    let floor = instructions(call.launched(&VALGRIND, &build.empty_main))?;
    let counted = instructions(call.command(&VALGRIND, &build.client)?)?;
    let over = counted.saturating_sub(floor);
    let said = format!("{over} over an empty Rust main ({counted} - {floor}), budget {budget}");
    verdict(over <= budget, &format!("instructions: {said}"));

    let log = scratch.join("strace.log");
    let log_name = log.to_string_lossy();
    let strace = ["strace", "-f", "-s", "4096", "-o", &log_name];
    let floor = traced(&log, call.launched(&strace, &build.empty_main))?;
    let trace = traced(&log, call.command(&strace, &build.client)?)?;
    println!("  system calls: {}", trace.summary());
    let forbidden = trace.forbidden();
    let said = if forbidden.is_empty() { "none".to_owned() } else { forbidden.join(", ") };
    verdict(forbidden.is_empty(), &format!("sockets, threads, children, locks: {said}"));
    let opened = trace.opened_beside(&floor);
    let said = format!("{}, budget {FILES}: {}", opened.len(), opened.join(", "));
    verdict(opened.len() <= FILES, &format!("files opened: {said}"));
    let missing = trace.missing_beside(&floor);
    let said = format!("{}, budget {FILES_MISSING}: {}", missing.len(), missing.join(", "));
    verdict(missing.len() <= FILES_MISSING, &format!("files looked for in vain: {said}"));

    let peak = peak_memory(scratch, call, &build.client)?;
    verdict(peak <= KIBIBYTES, &format!("peak memory: {peak} KiB, budget {KIBIBYTES} KiB"));
    Ok(())
}

const VALGRIND: [&str; 3] = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];

/// The number of instructions that callgrind counted.
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

fn traced(log: &Path, mut command: Command) -> Result<Trace> {
    children::text(&mut command)?;
    Ok(Trace::read(&fs::read_to_string(log)?))
}

fn peak_memory(scratch: &Path, call: &CachedCall, client: &Path) -> Result<u64> {
    let file = scratch.join("peak-memory");
    let name = file.to_string_lossy();
    children::text(&mut call.command(&["/usr/bin/time", "-f", "%M", "-o", &name], client)?)?;
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
