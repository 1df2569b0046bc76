//! Third-party exec plugins, for `cargo xtask bench` to measure beside ours.
//! Never required: the bench names and skips what cannot be built.

use super::go_program::GoProgram;
use anyhow::Result;
use std::path::PathBuf;

const KUBELOGIN: GoProgram = GoProgram {
    name: "kubelogin",
    folder: "tests/go/peers",
    module: "github.com/int128/kubelogin",
    package: "github.com/int128/kubelogin",
    has_c: false,
};

/// int128/kubelogin and its version.
pub(crate) fn kubelogin() -> Result<(PathBuf, String)> {
    let version = KUBELOGIN.version()?;
    Ok((KUBELOGIN.build(&format!("-s -w -X main.version={version}"))?, version))
}
