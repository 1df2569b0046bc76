//! The authenticators: one file per kind of token.
//! Never chooses between them: see `route`.

mod distributed_groups;
pub(crate) mod jwt;
pub(crate) mod remote;
pub mod static_tokens;
