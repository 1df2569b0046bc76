//! Other people's exec plugins, for `cargo xtask bench` to measure beside ours.
//! Never needed: what cannot be built is named in the bench and left out.

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

/// int128/kubelogin, and the version it is.
pub(crate) fn kubelogin() -> Result<(PathBuf, String)> {
    let version = KUBELOGIN.version()?;
    Ok((KUBELOGIN.build(&format!("-s -w -X main.version={version}"))?, version))
}
