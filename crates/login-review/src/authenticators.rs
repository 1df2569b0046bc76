//! The authenticators: one file per kind of token.
//! Never chooses between them: see `route`.

mod distributed_groups;
pub(crate) mod introspection;
pub(crate) mod jwt;
pub mod static_tokens;
