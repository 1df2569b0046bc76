//! From text to a tree: tokens, grammar, macros.
//!
//! Never here: types and names of variables (`check`).

pub(crate) mod ast;
mod grammar;
mod literal;
pub(crate) mod macros;
mod standard;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use grammar::{Tree, parse};
pub(crate) use macros::{ACCUMULATOR, Macro};
pub(crate) use standard::standard_macros;

/// Where a text leaves the grammar, and how.
#[derive(Clone, Debug)]
pub(crate) struct SyntaxError {
    /// In bytes.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl SyntaxError {
    fn new(offset: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError { offset, message: message.into() }
    }
}
