//! The cached path as a whole process: against `/bin/true`, an empty Rust program, and one that
//! prints the same bytes. Never one program after the other: they take turns, so that load on the
//! host affects all of them.

use super::{
    Effort,
    peer::Peer,
    table::{Budget, Table},
};
use crate::{
    cached::{Build, CachedCall},
    children,
    components::read_json,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

pub(crate) fn measure(effort: &Effort, table: &mut Table) -> Result<()> {
    let dynamic = Build::dynamic()?;
    let static_pie = Build::static_pie();
    let scratch = tempfile::Builder::new().prefix("kubectl-login-bench-").tempdir()?;
    let call = CachedCall::prepare(&dynamic.client, scratch.path())?;
    let same_bytes = |build: &Build| {
        format!("{} {}", build.print_same_bytes.display(), call.same_bytes.display())
    };

    let mut lines = vec![
        "/bin/true".to_owned(),
        dynamic.empty_main.display().to_string(),
        same_bytes(&dynamic),
        call.line(&dynamic.client),
    ];
    if let Ok(build) = &static_pie {
        lines.extend([same_bytes(build), call.line(&build.client)]);
    }
    let peer = prepare_peer(scratch.path());
    if let Ok(peer) = &peer {
        lines.push(peer.line.clone());
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
    if let [same, cached, ..] = rest
        && static_pie.is_ok()
    {
        table.time("cached get-token, static-pie", "/bin/true", [*cached, *nothing], most(1.5));
        table.time("cached get-token, static-pie", "prints the same bytes", [*cached, *same], None);
    }
    match (&peer, medians.last()) {
        (Ok(peer), Some(theirs)) => {
            let what = "cached get-token, dynamic";
            table.time(what, &format!("{}, cached", peer.name), [*cached, *theirs], most(1.0));
        }
        (Err(error), _) => table.note(format!("int128/kubelogin is left out: {error:#}")),
        (Ok(_), None) => {}
    }
    if let Err(error) = &static_pie {
        table.note(format!("the static-pie build is left out: {error:#}"));
    }
    Ok(())
}

fn prepare_peer(scratch: &Path) -> Result<Peer> {
    let folder = scratch.join("peer");
    fs::create_dir_all(&folder)?;
    Peer::prepare(&folder)
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
