//! `cargo xtask ci`: all that `.ci/run` runs, cheap checks first.
//! Never stops at the first failure: one run tells everything.

use crate::{Outcome, lint, test_run};

pub(crate) fn run() -> anyhow::Result<Outcome> {
    let lint = lint::run()?;
    let test = test_run::run(&[])?;
    Ok(match (lint, test) {
        (Outcome::Done, Outcome::Done) => Outcome::Done,
        _ => Outcome::Failed,
    })
}
