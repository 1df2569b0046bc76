//! The Common Expression Language as Kubernetes runs it: text in, a checked program out; values
//! in, one value out.
//!
//! Never here: I/O, the clock, anything that an expression could do besides computing a value.
//!
//! Reading order: `program` (what callers use), `environment` and `function` (what an expression
//! may name), `syntax` (text to tree), `check` (tree to types), `plan` (what is evaluated),
//! `evaluate` and `meter` (how, and how much of it), `value` and `types`.

mod check;
pub mod environment;
pub mod error;
mod evaluate;
mod function;
mod library;
pub mod meter;
mod pattern;
mod plan;
pub mod program;
mod reserved;
mod standard;
mod syntax;
pub mod types;
pub mod value;
