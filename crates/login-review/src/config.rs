//! Parses policy files: YAML, where every fault has its file, line and key.
//! Never stops at the first fault; never guesses what an unknown key meant.
//!
//! Reading order: `fields` (typed access to a YAML tree, which collects `problems`),
//! `authentication_configuration` (Kubernetes' file). The first works for any strict YAML file.

pub mod fields;
mod problems;

pub mod authentication_configuration;
pub mod revocations;
pub mod static_tokens;

pub use authentication_configuration::AuthenticationConfiguration;
pub use fields::{Below, Field, Key, Mapping};
pub use problems::{Faults, Problem};
