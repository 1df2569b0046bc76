//! One file per border.
//! Never asserts less than "no panic"; where a rule can be checked for any input, it is.

pub mod cel;
pub mod configuration;
pub mod jwks;
pub mod jwt;
pub mod token_review;
