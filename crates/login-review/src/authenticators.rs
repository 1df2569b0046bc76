//! One file per kind of token that can be judged.
//! Never chooses between them: see `route`.

pub(crate) mod introspection;
pub(crate) mod jwt;
pub mod static_tokens;
