//! `cargo xtask tidy`: the rules of this repository that no compiler checks.
//! Never changes a file: it names the fault and its place.
//!
//! `layers` checks which crate may depend on which, `circles` that files import each other one way,
//! `sources` every Rust file, `documents` that what the documents name exists, `recipes` that the
//! recipes of the architecture are the marks in the code.

mod circles;
mod documents;
mod imports;
mod layers;
mod recipes;
mod sources;

use crate::{Outcome, workspace};
use anyhow::Result;

pub(crate) fn run() -> Result<Outcome> {
    let root = workspace::root();
    let mut faults = Vec::new();
    layers::check(&root, &mut faults)?;
    sources::check(&root, &mut faults)?;
    circles::check(&root, &mut faults)?;
    documents::check(&root, &mut faults)?;
    recipes::check(&root, &mut faults)?;
    for fault in &faults {
        println!("tidy: {fault}");
    }
    match faults.len() {
        0 => println!("tidy: no faults"),
        1 => println!("tidy: 1 fault"),
        count => println!("tidy: {count} faults"),
    }
    Ok(if faults.is_empty() { Outcome::Done } else { Outcome::Failed })
}
