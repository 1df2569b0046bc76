//! `cargo xtask lint`: formatting, clippy, dependencies and licences, tidy.
//! Never stops at the first failure, never changes a file.

use crate::{Outcome, children, components::cargo_deny, tidy, workspace};
use anyhow::Result;
use std::process::Command;

pub(crate) fn run() -> Result<Outcome> {
    let mut cargo_deny = Command::new(cargo_deny::provide()?);
    // Advisories need a database that is on no package registry: see `deny.toml`.
    cargo_deny.current_dir(workspace::root()).args([
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    let mut fmt = workspace::cargo();
    fmt.args(["fmt", "--all", "--check"]);
    let mut clippy = workspace::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);

    let results = [
        ("fmt", children::succeeds(&mut fmt)?),
        ("tidy", matches!(tidy::run()?, Outcome::Done)),
        ("deny", children::succeeds(&mut cargo_deny)?),
        ("clippy", children::succeeds(&mut clippy)?),
    ];
    for (name, passed) in results {
        println!("{} {name}", if passed { "✓" } else { "✗" });
    }
    let passed = results.iter().filter(|(_, passed)| *passed).count();
    println!("lint: {passed} of {} passed", results.len());
    Ok(if passed == results.len() { Outcome::Done } else { Outcome::Failed })
}
