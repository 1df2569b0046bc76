//! Maps the claims of a token to a Kubernetes user.
//! Never validates names: see `guard`.
//!
//! Reading order: `mapping` (claims become a user), `expression` (CEL), `user` (the input of rules
//! over the user), `rules` (conditions), `diagnosis` (which of them refused), `times` (`exp`, `nbf`
//! and `iat` of a statement). `expression` builds on `variables` and on `selections`, the claims that
//! an expression names.

mod diagnosis;
pub mod expression;
pub mod mapping;
pub mod rules;
mod selections;
pub(crate) mod times;
pub mod user;
pub mod variables;
