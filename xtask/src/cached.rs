//! A call of `get-token` that the cache answers, and the floors it is measured against.
//! Never measures: `startup` and `bench` do.

use crate::{
    children,
    dev_server::{Client, DevServer},
    workspace,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What kubectl says to its exec plugin (v1, without cluster information).
const EXEC_INFO: &str = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#;

/// Programs with almost nothing in them, built like the client.
pub(crate) struct Floors {
    pub(crate) empty_main: PathBuf,
    pub(crate) print_same_bytes: PathBuf,
}

impl Floors {
    /// `target` as in `cargo build --target`.
    pub(crate) fn build(target: Option<&str>) -> Result<Self> {
        let mut arguments = vec!["--locked", "--release", "--package", "login-tests"];
        arguments.extend(["--bin", "empty_main", "--bin", "print_same_bytes"]);
        arguments.extend(target.into_iter().flat_map(|target| ["--target", target]));
        let programs = workspace::build(&arguments)?;
        Ok(Self {
            empty_main: workspace::program(&programs, "empty_main")?,
            print_same_bytes: workspace::program(&programs, "print_same_bytes")?,
        })
    }
}

/// A signed-in CI job: from here on its call is answered from the cache.
pub(crate) struct CachedCall {
    client: Client,
    arguments: Vec<String>,
    /// What the call prints, in a file.
    pub(crate) same_bytes: PathBuf,
}

impl CachedCall {
    /// Signs in at a `login-server dev` that is stopped again: the cache needs nobody.
    pub(crate) fn prepare(client: &Path, server: &Path, scratch: &Path) -> Result<Self> {
        let server = DevServer::start(server, scratch)?;
        let client = Client::new(client, scratch);
        let arguments = client.machine_arguments(&server)?;
        let first = client.run(&arguments, &[])?;
        let second = client.run(&arguments, &[])?;
        ensure!(first.printed == second.printed, "the second call was not answered by the cache");
        drop(server);
        let same_bytes = scratch.join("same-bytes.json");
        fs::write(&same_bytes, &first.printed)?;
        let call = Self { client, arguments, same_bytes };
        let offline = children::text(&mut call.command(&[]))
            .context("the cache does not answer without the server")?;
        ensure!(
            offline.as_bytes() == first.printed.trim_ascii(),
            "another answer without the server"
        );
        Ok(call)
    }

    /// The call, by way of other programs (`["strace", "-f"]`).
    pub(crate) fn command(&self, launcher: &[&str]) -> Command {
        self.command_of(launcher, &self.client.program)
    }

    /// The same call of another build of the client.
    pub(crate) fn command_of(&self, launcher: &[&str], program: &Path) -> Command {
        let mut command = self.launched(launcher, program);
        command.args(&self.arguments);
        command
    }

    /// Another program in the same surroundings.
    pub(crate) fn launched(&self, launcher: &[&str], program: &Path) -> Command {
        let mut command = match launcher.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        self.at_home(&mut command);
        command
    }

    pub(crate) fn at_home(&self, command: &mut Command) {
        self.client.at_home(command);
        command.env("KUBERNETES_EXEC_INFO", EXEC_INFO);
    }

    /// Program and arguments in one line, as hyperfine takes them.
    pub(crate) fn line(&self, program: &Path) -> String {
        format!("{} {}", program.display(), self.arguments.join(" "))
    }
}
