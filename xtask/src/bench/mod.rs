//! `cargo xtask bench`: speed as ratios to floors that are measured in the same run.
//! Never an absolute number alone: it differs between hosts, and with their load.
//!
//! `client` measures whole processes with hyperfine, among them `peer`, another plugin; `server`
//! the webhook under load, `distinct` many tokens at once. `load` has the load generators, `table`
//! the printed table.

mod client;
mod distinct;
mod load;
mod peer;
mod server;
mod table;

use crate::{Outcome, components::system_packages};
use anyhow::{Result, bail};
use table::Table;

/// How long and how often each thing is measured.
pub(crate) struct Effort {
    /// Rounds in which the measured programs take turns.
    rounds: usize,
    /// Processes per program and round.
    processes: usize,
    /// Seconds of load per server and round.
    seconds: usize,
    /// Tokens that no result cache has seen, per algorithm.
    tokens: usize,
    /// The most tokens that are in use at the same time.
    distinct: usize,
}

const THOROUGH: Effort =
    Effort { rounds: 5, processes: 150, seconds: 4, tokens: 20_000, distinct: 1_000_000 };
const QUICK: Effort =
    Effort { rounds: 2, processes: 60, seconds: 2, tokens: 6_000, distinct: 100_000 };

pub(crate) fn run(arguments: &[String]) -> Result<Outcome> {
    let (mut effort, mut client, mut server) = (THOROUGH, true, true);
    for argument in arguments {
        match argument.as_str() {
            "--quick" => effort = QUICK,
            "client" => server = false,
            "server" => client = false,
            unknown => return Ok(Outcome::Usage(format!("unknown argument `{unknown}`"))),
        }
    }
    let missing = system_packages::provide(&system_packages::FOR_BENCH)?;
    if !missing.is_empty() {
        bail!("missing: {}", missing.join("; "));
    }
    let mut table = Table::default();
    if client {
        client::measure(&effort, &mut table)?;
    }
    if server {
        server::measure(&effort, &mut table)?;
    }
    print!("{}", table.render());
    Ok(if table.all_kept() { Outcome::Done } else { Outcome::Failed })
}
