//! Load on one URL, from one core: wrk for HTTP/1.1, h2load for HTTP/2.
//! Never counts a reply that is not a success: any other spoils the measurement.

use super::Effort;
use crate::children;
use anyhow::{Context as _, Result, ensure};
use std::{fs, path::Path, process::Command};

/// The core of the load; the server has core 0.
const CORE: &str = "1";
const POST: &str = include_str!("post.lua");

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Requests per second; the file has one body per line.
pub(crate) fn rate(
    effort: &Effort,
    protocol: Protocol,
    url: &str,
    bodies: &Path,
    scratch: &Path,
) -> Result<f64> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]);
    match protocol {
        Protocol::Http1 => {
            let script = scratch.join("post.lua");
            fs::write(&script, POST)?;
            command.args(["wrk", "-t1", "-c16"]).arg(format!("-d{}s", effort.seconds)).arg("-s");
            command.arg(&script).arg(url).arg("--").arg(bodies);
            let said = children::text(&mut command)?;
            wrk_rate(&said).with_context(|| format!("wrk said: {said}"))
        }
        Protocol::Http2 => {
            // h2load sends one body: the first line.
            let body = scratch.join("h2load-body");
            let bodies = fs::read_to_string(bodies)?;
            fs::write(&body, bodies.lines().next().unwrap_or_default())?;
            command.args(["h2load", "-t1", "-c4", "-m8", "-D", &effort.seconds.to_string()]);
            command.args(["-H", "content-type: application/json", "-d"]).arg(&body).arg(url);
            let said = children::text(&mut command)?;
            h2load_rate(&said).with_context(|| format!("h2load said: {said}"))
        }
    }
}

fn wrk_rate(said: &str) -> Result<f64> {
    ensure!(!said.contains("Non-2xx"), "replies other than 200");
    ensure!(!said.contains("Socket errors"), "broken connections");
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    Ok(rate.context("no rate")?.trim().parse()?)
}

fn h2load_rate(said: &str) -> Result<f64> {
    let line = |start: &str| said.lines().find(|line| line.starts_with(start));
    let statuses = line("status codes:").context("no status codes")?;
    ensure!(statuses.contains(" 0 3xx, 0 4xx, 0 5xx"), "replies other than 200");
    let protocol = line("Application protocol:").unwrap_or("Application protocol: h2");
    ensure!(protocol.contains("h2"), "not HTTP/2");
    let finished = line("finished in").context("no rate")?;
    let rate = finished.split(", ").find_map(|part| part.strip_suffix(" req/s"));
    Ok(rate.context("no rate")?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_with_refused_requests_is_none() {
        assert!(wrk_rate("Requests/sec:  81234.56\n").is_ok_and(|rate| rate > 81_234.0));
        assert!(wrk_rate("  Non-2xx or 3xx responses: 4\nRequests/sec:  81234.56\n").is_err());
        let good = "finished in 2.00s, 1234.50 req/s, 1.00MB/s\nstatus codes: 9 2xx, 0 3xx, 0 4xx, 0 5xx\n";
        assert!(h2load_rate(good).is_ok_and(|rate| rate > 1234.0));
        assert!(h2load_rate(&good.replace("0 4xx", "7 4xx")).is_err());
    }
}
