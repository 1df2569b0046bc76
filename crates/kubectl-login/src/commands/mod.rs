//! One file per command.
//! Never a protocol: commands put options, renewal and output together.

pub mod get_token;
pub mod login;

pub mod completion;
pub mod man;
pub mod version;
