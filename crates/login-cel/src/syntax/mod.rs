//! From text to a tree: tokens, grammar, macros.
//!
//! Never here: types and names of variables (`check`).

pub(crate) mod ast;
mod macros;

pub(crate) use ast::Expr;
pub(crate) use macros::{ACCUMULATOR, Arity, Expand, Expander, Expansion, Macro, Misuse};
