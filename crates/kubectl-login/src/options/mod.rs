//! Turns typed, set and configured values into a checked target.
//! Never acts on an option: reads no file and starts no program.
//!
//! Reading order: `table` (all options), `typed` (what was typed, by the strict parser or by clap
//! in `arguments`), `configuration` (the file), `layers` (which value wins, and where it came
//! from), `trust` (which layer may set what), `program` (which commands may be run), `target` (the
//! result); `fault` has the errors of the last two.

mod row;
mod spellings;
pub mod table;
pub mod typed;

pub mod arguments;
pub mod configuration;

pub mod fault;
pub mod flow;
pub mod identity_source;
pub mod layers;
pub mod origin;
pub mod program;
pub mod target;
pub mod trust;

#[cfg(test)]
mod reference;
