//! From what a token claims to what Kubernetes calls a user.
//! Never judges a name: see `guard`.
//!
//! Reading order: `mapping` (claims become a user), `expression` (CEL), `user` (what rules over
//! the user see), `rules` (what must hold), `diagnosis` (which of them refused). `variables` and
//! `selections` are what `expression` stands on: the variables, and the claims that a text names.

mod diagnosis;
pub mod expression;
pub mod mapping;
pub mod rules;
mod selections;
pub mod user;
pub mod variables;
