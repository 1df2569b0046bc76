//! dex, a third-party OpenID provider, with token exchange.
//! Never another version than `tests/go/dex/go.mod` pins.

use super::go_program::GoProgram;
use anyhow::Result;
use std::path::PathBuf;

const DEX: GoProgram = GoProgram {
    name: "dex",
    folder: "tests/go/dex",
    module: "github.com/dexidp/dex",
    package: "github.com/dexidp/dex/cmd/dex",
    has_c: true, // SQLite, which the tests do not use
};

/// The version name of the pinned commit.
const VERSION: &str = "v2.41.1";

pub(crate) fn provide() -> Result<PathBuf> {
    DEX.build(&format!("-s -w -X main.version={VERSION}"))
}
