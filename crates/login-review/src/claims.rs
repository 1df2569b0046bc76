//! From what a token claims to what Kubernetes calls a user.
//! Never judges a name: see `guard`.
//!
//! Reading order: `mapping` (claims become a user), `expression` (CEL), `user` (what rules over
//! the user see), `rules` (what must hold), `diagnosis` (which of them said no).

mod diagnosis;
pub mod expression;
pub mod mapping;
pub mod rules;
pub mod user;
