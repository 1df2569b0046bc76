//! YAML as Kubernetes reads it, with the line and the bytes of each value: reading, writing, and
//! changes in place.
//! Never repeats a text in an error where the text may hold credentials (`typed`).
//!
//! Reading order: `tree` (what the parser says, with places), `values` (what it means), `typed`
//! (into a type), `write` (values as text), `splice` (a changed value in an existing text).

mod splice;
mod tree;
pub mod typed;
mod values;
pub mod write;

pub use splice::{Unwritable, splice};
pub use tree::{MAX_DEPTH, SyntaxFault};
pub use values::{Entry, Located, MAX_LENGTH, MAX_NODES, Root, Value, items_within, parse};
