//! From what a token claims to what Kubernetes calls a user.
//! Never judges a name: see `guard`.

pub mod mapping;
