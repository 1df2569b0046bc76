//! From text to a tree: tokens, grammar, macros.
//! Never the meaning of a name: what it stands for and of which type is for `check`.

pub(crate) mod ast;
mod fault;
mod grammar;
mod literal;
pub(crate) mod macros;
mod standard;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use fault::SyntaxError;
pub(crate) use grammar::{Tree, parse};
pub(crate) use macros::{ACCUMULATOR, Dialect, Macro};
pub(crate) use standard::{optional_macros, standard_macros, two_variable_macros};
