//! `cargo xtask ci`: all that `.ci/run` runs, cheap checks first.
//! Never stops at the first failure: one run reports everything.

use crate::{Outcome, fuzz, lint, test_run};

pub(crate) fn run() -> anyhow::Result<Outcome> {
    let lint = lint::run()?;
    let test = test_run::run(&[])?;
    let fuzz = fuzz::run(&fuzz::SMOKE.map(str::to_owned))?;
    Ok(match (lint, test, fuzz) {
        (Outcome::Done, Outcome::Done, Outcome::Done) => Outcome::Done,
        _ => Outcome::Failed,
    })
}
