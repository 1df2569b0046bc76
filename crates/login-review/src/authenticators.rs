//! One file per kind of token that can be judged.
//! Never chooses between them: see `route`.

pub(crate) mod jwt;
