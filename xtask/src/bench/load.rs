//! Load on one URL, from one core: wrk for HTTP/1.1, h2load for HTTP/2.
//! Never counts a reply that is not a success: any other invalidates the measurement.

use super::Effort;
use crate::children;
use anyhow::{Context as _, Result, ensure};
use std::{fs, path::Path, process::Command};

/// The core of the load; the server has core 0.
const CORE: &str = "1";
const POST: &str = include_str!("post.lua");
const STREAM: &str = include_str!("stream.lua");

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Returns how many requests were answered; the file has one body per line.
pub(crate) fn answered(
    effort: &Effort,
    protocol: Protocol,
    url: &str,
    bodies: &Path,
    scratch: &Path,
) -> Result<u32> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]);
    match protocol {
        Protocol::Http1 => wrk(&mut command, POST, effort.seconds, url, bodies, scratch),
        Protocol::Http2 => {
            // h2load sends one body: the first line.
            let body = scratch.join("h2load-body");
            let bodies = fs::read_to_string(bodies)?;
            fs::write(&body, bodies.lines().next().unwrap_or_default())?;
            command.args(["h2load", "-t1", "-c4", "-m8", "-D", &effort.seconds.to_string()]);
            command.args(["-H", "content-type: application/json", "-d"]).arg(&body).arg(url);
            let said = children::text(&mut command)?;
            h2load_answered(&said).with_context(|| format!("h2load said: {said}"))
        }
    }
}

/// The same over HTTP/1.1 from a file of any length, for that many seconds.
pub(crate) fn streamed(seconds: usize, url: &str, bodies: &Path, scratch: &Path) -> Result<u32> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]);
    wrk(&mut command, STREAM, seconds, url, bodies, scratch)
}

fn wrk(
    command: &mut Command,
    script: &str,
    seconds: usize,
    url: &str,
    bodies: &Path,
    scratch: &Path,
) -> Result<u32> {
    let file = scratch.join("load.lua");
    fs::write(&file, script)?;
    command.args(["wrk", "-t1", "-c16"]).arg(format!("-d{seconds}s")).arg("-s").arg(&file);
    let said = children::text(command.arg(url).arg("--").arg(bodies))?;
    wrk_answered(&said).with_context(|| format!("wrk said: {said}"))
}

fn wrk_answered(said: &str) -> Result<u32> {
    ensure!(!said.contains("Non-2xx"), "replies other than 200");
    ensure!(!said.contains("Socket errors"), "broken connections");
    let count = said.lines().find_map(|line| line.trim().split_once(" requests in "));
    Ok(count.context("no count")?.0.parse()?)
}

fn h2load_answered(said: &str) -> Result<u32> {
    let line = |start: &str| said.lines().find(|line| line.starts_with(start));
    let statuses = line("status codes:").context("no status codes")?;
    ensure!(statuses.contains(" 0 3xx, 0 4xx, 0 5xx"), "replies other than 200");
    let count = statuses.trim_start_matches("status codes:").split(" 2xx").next();
    Ok(count.context("no count")?.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_with_refused_requests_does_not_count() {
        let good = "  330128 requests in 4.00s, 91.3MB read\nRequests/sec:  82532.00\n";
        assert_eq!(wrk_answered(good).unwrap(), 330_128);
        assert!(wrk_answered(&format!("{good}  Non-2xx or 3xx responses: 4\n")).is_err());
        let good =
            "finished in 2.00s, 1234.50 req/s\nstatus codes: 2469 2xx, 0 3xx, 0 4xx, 0 5xx\n";
        assert_eq!(h2load_answered(good).unwrap(), 2469);
        assert!(h2load_answered(&good.replace("0 4xx", "7 4xx")).is_err());
    }
}
