//! The cached path as a whole process: against `/bin/true`, an empty Rust program, and one that
//! prints the same bytes. Never one program after the other: they take turns, so that a busy
//! spell of the machine meets all of them.

use super::{
    Effort,
    table::{Budget, Table},
};
use crate::{
    cached::{CachedCall, Floors},
    children,
    components::read_json,
    workspace,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const MUSL: &str = "x86_64-unknown-linux-musl";

pub(crate) fn measure(effort: &Effort, table: &mut Table) -> Result<()> {
    let release = workspace::build(&["--locked", "--release", "--package", "kubectl-login"])?;
    let dynamic = workspace::program(&release, "kubectl-login")?;
    let development = workspace::build(&["--locked", "--package", "login-server"])?;
    let server = workspace::program(&development, "login-server")?;
    let scratch = tempfile::Builder::new().prefix("kubectl-login-bench-").tempdir()?;
    let call = CachedCall::prepare(&dynamic, &server, scratch.path())?;
    let floors = Floors::build(None)?;

    let mut lines = vec![
        "/bin/true".to_owned(),
        floors.empty_main.display().to_string(),
        format!("{} {}", floors.print_same_bytes.display(), call.same_bytes.display()),
        call.line(&dynamic),
    ];
    let static_build = static_build(table);
    if let Some((client, same_bytes)) = &static_build {
        lines.push(call.line(client));
        lines.push(format!("{} {}", same_bytes.display(), call.same_bytes.display()));
    }
    eprintln!("timing whole processes …");
    let medians = medians(effort, &call, &lines, scratch.path())?;
    let [nothing, empty, same, cached, rest @ ..] = medians.as_slice() else {
        anyhow::bail!("hyperfine timed fewer programs than asked");
    };
    let most = |ratio| Some(Budget::AtMost(ratio));
    table.time("empty Rust main", "/bin/true", [*empty, *nothing], None);
    table.time("cached get-token, dynamic", "/bin/true", [*cached, *nothing], most(2.0));
    table.time("cached get-token, dynamic", "prints the same bytes", [*cached, *same], None);
    if let [cached, same] = rest {
        table.time("cached get-token, static-pie", "/bin/true", [*cached, *nothing], most(1.5));
        table.time("cached get-token, static-pie", "prints the same bytes", [*cached, *same], None);
    }
    Ok(())
}

/// Client and floor for musl (static-pie), where toolchain and C compiler for it are there.
fn static_build(table: &mut Table) -> Option<(PathBuf, PathBuf)> {
    let built = || -> Result<(PathBuf, PathBuf)> {
        let libraries = children::text(Command::new("rustc").args([
            "--print",
            "target-libdir",
            "--target",
            MUSL,
        ]))?;
        ensure!(Path::new(&libraries).is_dir(), "no Rust target {MUSL}");
        ensure!(children::on_path("musl-gcc").is_some(), "no musl-gcc (Debian: musl-tools)");
        let client = workspace::build(&[
            "--locked",
            "--release",
            "--package",
            "kubectl-login",
            "--target",
            MUSL,
        ])?;
        let floors = Floors::build(Some(MUSL))?;
        Ok((workspace::program(&client, "kubectl-login")?, floors.print_same_bytes))
    };
    match built() {
        Ok(built) => Some(built),
        Err(error) => {
            table.note(format!("static-pie build left out: {error:#}"));
            None
        }
    }
}

/// The median time of each command line, in seconds.
fn medians(
    effort: &Effort,
    call: &CachedCall,
    lines: &[String],
    scratch: &Path,
) -> Result<Vec<f64>> {
    let export = scratch.join("hyperfine.json");
    let mut times = vec![Vec::new(); lines.len()];
    for _ in 0..effort.rounds {
        let mut hyperfine = Command::new("hyperfine");
        call.at_home(&mut hyperfine);
        hyperfine
            .args(["-N", "--style", "none", "--warmup", "20", "--runs"])
            .arg(effort.processes.to_string())
            .arg("--export-json")
            .arg(&export)
            .args(lines);
        children::text(&mut hyperfine)?;
        let json = read_json(&export)?;
        let results = json.get("results").and_then(Value::as_array).context("no results")?;
        ensure!(results.len() == lines.len(), "hyperfine timed {} programs", results.len());
        for (times, result) in times.iter_mut().zip(results) {
            let new = result.get("times").and_then(Value::as_array).context("no times")?;
            times.extend(new.iter().filter_map(Value::as_f64));
        }
    }
    times.into_iter().map(|times| median(times).context("hyperfine said no times")).collect()
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
