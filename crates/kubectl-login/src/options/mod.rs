//! From what was typed, set and configured to a checked target.
//! Never acts on an option: no file is read and no program started here.
//!
//! Reading order: `table` (what there is), `typed` (what was typed, by the strict parser or by
//! clap in `arguments`), `configuration` (the file), `layers` (which value counts, and where it came
//! from), `trust` (who may say what), `program` (what may be run), `target` (checked);
//! `fault` is what goes wrong in the last two.

mod row;
pub mod table;
pub mod typed;

pub mod arguments;
pub mod configuration;

pub mod fault;
pub mod identity_source;
pub mod layers;
pub mod lists;
pub mod origin;
pub mod program;
pub mod target;
pub mod trust;

#[cfg(test)]
mod reference;
