//! int128/kubelogin, signed in once by its own sign-in: its cached path beside ours.
//! Never fails the bench where it cannot be built.

use crate::{children, components::peers, demo, dev_server::DevServer, workspace};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// The peer plugin and a call that its cache answers.
pub(crate) struct Peer {
    /// `kubelogin v1.28.0`
    pub(crate) name: String,
    /// Program and arguments in one line, as hyperfine takes them.
    pub(crate) line: String,
}

impl Peer {
    /// Signs in at a `login-server dev`, which is then stopped.
    pub(crate) fn prepare(scratch: &Path) -> Result<Self> {
        let (program, version) = peers::kubelogin()?;
        let development = workspace::build(&["--locked", "--package", "login-server"])?;
        let server = DevServer::start(&workspace::program(&development, "login-server")?, scratch)?;
        let arguments = [
            "get-token".to_owned(),
            format!("--oidc-issuer-url={}", server.fact("/issuerUrl")?),
            format!("--oidc-client-id={}", server.fact("/clientId")?),
            format!("--certificate-authority={}", server.fact("/certificateAuthorityFile")?),
            format!("--token-cache-dir={}", scratch.join("peer-cache").display()),
            "--listen-address=127.0.0.1:0".to_owned(),
            format!("--browser-command={}", browser(&server, scratch)?.display()),
        ];
        let call = || children::text(Command::new(&program).args(&arguments));
        let first = call().context("the other plugin could not sign in")?;
        drop(server);
        let second = call().context("the other plugin's cache does not answer")?;
        ensure!(first == second, "the other plugin answers differently from its cache");
        Ok(Self {
            name: format!("kubelogin {version}"),
            line: format!("{} {}", program.display(), arguments.join(" ")),
        })
    }
}

/// The demo's browser; kubelogin starts one program with the address as its only argument.
fn browser(server: &DevServer, scratch: &Path) -> Result<PathBuf> {
    let script = scratch.join("peer-browser");
    let command = demo::browser_command(server, scratch)?;
    fs::write(&script, format!("#!/bin/sh\nexec {command} \"$1\"\n"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
    Ok(script)
}
