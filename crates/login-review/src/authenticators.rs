//! One file per kind of token that can be judged.
//! Never chooses between them: see `route`.

mod distributed_groups;
pub(crate) mod introspection;
pub(crate) mod jwt;
pub mod static_tokens;
