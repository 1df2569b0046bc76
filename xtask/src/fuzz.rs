//! `cargo xtask fuzz`: libFuzzer on every parser of untrusted input.
//! Never with another compiler than the rest: coverage comes from stable options of rustc.

use crate::{
    Outcome, children,
    components::{cache, system_packages},
    workspace,
};
use anyhow::{Context as _, Result, bail};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The program, and the variable that names its target.
const PROGRAM: &str = "fuzz";
const CHOICE: &str = "LOGIN_FUZZ_TARGET";

/// The arguments of a short run that shows only immediate failures.
pub(crate) const SMOKE: [&str; 1] = ["--smoke"];

/// How long each target runs then.
const SMOKE_SECONDS: u32 = 8;

/// The flags by which the fuzzer learns which inputs reach new code. SanitizerCoverage only: there
/// is no `unsafe` code for AddressSanitizer to check, and it would need a nightly compiler.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The inputs and the seed with which a run begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// All inputs that runs on this host have found, and a random seed.
    Found,
    /// The inputs in the repository, and a fixed seed: a change must not fail because of inputs
    /// that another one left behind.
    Same,
}

/// `[--smoke] [--seconds N] [TARGET…]`
pub(crate) fn run(arguments: &[String]) -> Result<Outcome> {
    let targets = targets()?;
    let (mut seconds, mut chosen, mut start) = (60, Vec::new(), Start::Found);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--smoke" => (seconds, start) = (SMOKE_SECONDS, Start::Same),
            "--seconds" => match arguments.next().and_then(|number| number.parse().ok()) {
                // libFuzzer takes 0 for no limit.
                None | Some(0) => {
                    return Ok(Outcome::Usage("`--seconds` needs a number from 1 on".to_owned()));
                }
                Some(number) => seconds = number,
            },
            name if targets.iter().any(|target| target == name) => chosen.push(name.to_owned()),
            unknown => {
                let known = targets.join("`, `");
                return Ok(Outcome::Usage(format!("`{unknown}` is none of `{known}`")));
            }
        }
    }
    if chosen.is_empty() {
        chosen = targets;
    }
    let missing = system_packages::provide(&system_packages::FOR_FUZZ)?;
    if !missing.is_empty() {
        bail!("missing: {}", missing.join("; "));
    }
    let program = workspace::program(&build()?, PROGRAM)?;
    let mut failed = 0;
    for target in &chosen {
        let passed = fuzz(target, &program, seconds, start)?;
        failed += usize::from(!passed);
        println!("{} fuzz {target}", if passed { "✓" } else { "✗" });
    }
    println!("fuzz: {} of {} passed, {seconds} s each", chosen.len() - failed, chosen.len());
    Ok(if failed == 0 { Outcome::Done } else { Outcome::Failed })
}

/// Targets are named by their folders of seeds: a test of `tests/fuzz` compares the two.
fn targets() -> Result<Vec<String>> {
    let folder = workspace::root().join("tests/fuzz/corpus");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("could not list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn build() -> Result<BTreeMap<String, PathBuf>> {
    let version = children::text(Command::new("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?;
    eprintln!("building the fuzzer …");
    // With a target named, build scripts and macros are built without coverage.
    workspace::build_with(
        &["--locked", "--package", "login-fuzz", "--features", "libfuzzer", "--bins"]
            .into_iter()
            .chain(["--profile", "fuzz", "--target", host])
            .collect::<Vec<_>>(),
        &[("RUSTFLAGS", COVERAGE)],
    )
}

/// Runs one target. New inputs go into the cache; one that fails is stored and named.
fn fuzz(target: &str, program: &Path, seconds: u32, start: Start) -> Result<bool> {
    let seeds = workspace::root().join("tests/fuzz/corpus").join(target);
    let kept = cache::folder()?.join("fuzz").join(target);
    fs::create_dir_all(&kept)?;
    let found = match start {
        Start::Found => kept.clone(),
        Start::Same => {
            let found = cache::folder()?.join("fuzz-smoke").join(target);
            if found.exists() {
                fs::remove_dir_all(&found)?;
            }
            fs::create_dir_all(&found)?;
            found
        }
    };
    let log = cache::log(&format!("fuzz-{target}"))?;
    let dictionary = workspace::root().join(format!("tests/fuzz/dictionaries/{target}.dict"));
    let mut fuzzer = Command::new(program);
    fuzzer
        .env(CHOICE, target)
        .args(dictionary.exists().then(|| format!("-dict={}", dictionary.display())))
        .arg(format!("-max_total_time={seconds}"))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-max_len=20000", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/failed-", kept.display()))
        .args((start == Start::Same).then_some("-seed=1"))
        .arg(&found)
        .arg(&seeds);
    let ended = children::patiently(&format!("fuzzing {target}"), &log, &mut fuzzer);
    for line in children::tail(&log, 2000).lines().filter(|line| line.starts_with("stat::")) {
        println!("{target}: {}", line.trim_start_matches("stat::"));
    }
    if let Err(error) = &ended {
        println!("{error:#}");
        println!("the input is {}/failed-…; put it into {}", kept.display(), seeds.display());
    }
    Ok(ended.is_ok())
}
