//! The Common Expression Language as Kubernetes runs it: text in, a checked program out; values
//! in, one value out.
//!
//! Never here: I/O, the clock, anything that an expression could do besides computing a value.
//!
//! Reading order: `program` (what callers use), `environment` and `function` (what an expression
//! may name), `syntax` (text to tree), `value` and `types`.

#![allow(dead_code, unused_imports, reason = "the checker and the evaluator come next")]

pub mod environment;
pub mod error;
mod function;
mod library;
pub mod meter;
pub mod program;
mod syntax;
pub mod types;
pub mod value;
