//! `version`: which build this is.

use clap::Args;
use serde_json::json;

use super::{Output, print_document};
use crate::report::{Failure, print};

#[derive(Args, Debug)]
pub(super) struct Version {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Version {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (version, os, arch) =
            (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        match self.output {
            Output::Text => print(&format!("login-server {version} ({os}/{arch})\n")),
            Output::Json => {
                let facts = json!({"version": version, "os": os, "architecture": arch});
                print_document("Version", facts)
            }
        }
    }
}
