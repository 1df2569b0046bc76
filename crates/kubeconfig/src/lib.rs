//! Kubeconfigs as kubectl reads and merges them, and changes to them that lose nothing.
//!
//! Never here: I/O (the caller passes what reads a file), running what a kubeconfig names.
//!
//! Reading order: `places` (which files), `files` (the reader) with `context` (what it reads),
//! `edit` (a change as data, applied to a text).

pub mod context;
pub mod edit;
mod fault;
pub mod files;
mod places;

pub use fault::KubeconfigFault;
pub use places::Places;
