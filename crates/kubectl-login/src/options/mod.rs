//! From what was typed, set and configured to a checked target.
//! Never acts on an option: no file is read and no program started here.
//!
//! Reading order: `table` (what there is), `typed` (what was typed, by the strict parser or by
//! clap in `command_line`), `layers` (flag, variable, cluster; with the origin), `target` (checked);
//! `fault` is what goes wrong in the last two.

pub mod table;
pub mod typed;

pub mod command_line;

pub mod fault;
pub mod layers;
pub mod target;
