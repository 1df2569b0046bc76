//! `check-config`: the same reading as `serve`, and nothing else.
//! Never opens a socket or a database.

use clap::Args;

use super::ConfigurationFiles;
use crate::report::{Failure, print};

#[derive(Args, Debug)]
pub(super) struct CheckConfig {
    #[command(flatten)]
    files: ConfigurationFiles,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<(), Failure> {
        let loaded = self.files.load()?;
        let mut text = String::from("the configuration is good; tokens are accepted from\n");
        for issuer in loaded.policy.issuers() {
            text.push_str("  ");
            text.push_str(issuer.issuer.as_str());
            text.push('\n');
        }
        print(&text)
    }
}
