//! The oracle for CEL expressions: kube-apiserver's compiler and evaluator behind JSON lines.
//! Never another version than `tests/go/cel_oracle/go.mod` pins.

use super::go_program::{GoProgram, OUR_OWN};
use anyhow::Result;
use std::path::{Path, PathBuf};

const ORACLE: GoProgram = GoProgram {
    name: "cel_oracle",
    folder: "tests/go/cel_oracle",
    module: "k8s.io/apiserver",
    package: OUR_OWN,
    has_c: false,
};

pub(crate) fn provide() -> Result<PathBuf> {
    ORACLE.build("-s -w")
}

/// The versions of the modules that it is built from. The program itself only answers questions.
pub(crate) fn versions(_program: &Path) -> Result<Vec<String>> {
    Ok(vec![format!("k8s.io/apiserver {} (CEL)", ORACLE.version()?)])
}
