//! A call of `get-token` that the cache answers, and the floors with which it is compared.
//! Never measures: `startup` and `bench` do.

use crate::{
    children,
    components::system_packages,
    dev_server::{Client, DevServer},
    workspace,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::UNIX_EPOCH,
};

/// What kubectl passes to its exec plugin (v1, without cluster information).
const EXEC_INFO: &str = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#;

/// The number of variables that a desktop sets: each costs instructions.
const FURTHER_VARIABLES: usize = 40;

/// The client and its floors, built alike for release.
pub(crate) struct Build {
    pub(crate) client: PathBuf,
    pub(crate) empty_main: PathBuf,
    pub(crate) print_same_bytes: PathBuf,
}

impl Build {
    /// As `cargo build --release` builds it: linked to the system's C library.
    pub(crate) fn dynamic() -> Result<Self> {
        Self::of(&[])
    }

    /// As it is shipped: static-pie, with musl. Needs Rust's target and a C compiler for it.
    pub(crate) fn static_pie() -> Result<Self> {
        const TARGET: &str = "x86_64-unknown-linux-musl";
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "target-libdir", "--target", TARGET]);
        let libraries = children::text(&mut rustc)?;
        ensure!(Path::new(&libraries).is_dir(), "Rust's target {TARGET} is not installed");
        let missing = system_packages::provide(&system_packages::FOR_STATIC_BUILDS)?;
        ensure!(missing.is_empty(), "missing: {}", missing.join("; "));
        Self::of(&["--target", TARGET])
    }

    fn of(target: &[&str]) -> Result<Self> {
        let build = |arguments: &[&str]| {
            let common = ["--locked", "--release", "--package"];
            workspace::build(&[&common[..], arguments, target].concat())
        };
        let client = build(&["kubectl-login"])?;
        let floors = build(&["login-tests", "--bin", "empty_main", "--bin", "print_same_bytes"])?;
        Ok(Self {
            client: workspace::program(&client, "kubectl-login")?,
            empty_main: workspace::program(&floors, "empty_main")?,
            print_same_bytes: workspace::program(&floors, "print_same_bytes")?,
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
    /// Signs in at a `login-server dev`, which is then stopped: the cached path needs no server.
    pub(crate) fn prepare(client_program: &Path, scratch: &Path) -> Result<Self> {
        let (server, call) = Self::prepare_with_server(client_program, scratch)?;
        drop(server);
        let offline = children::text(&mut call.command(&[], client_program)?)
            .context("the cache does not answer without the server")?;
        let same_bytes = fs::read(&call.same_bytes)?;
        ensure!(offline.as_bytes() == same_bytes.trim_ascii(), "another answer without the server");
        Ok(call)
    }

    /// Signs in at a `login-server dev`, which runs until it is dropped.
    pub(crate) fn prepare_with_server(
        client_program: &Path,
        scratch: &Path,
    ) -> Result<(DevServer, Self)> {
        let development = workspace::build(&["--locked", "--package", "login-server"])?;
        let server = DevServer::start(&workspace::program(&development, "login-server")?, scratch)?;
        let client = Client::new(client_program, scratch);
        let arguments = client.machine_arguments(&server)?;
        let first = client.run(&arguments, &[])?;
        let second = client.run(&arguments, &[])?;
        ensure!(first.printed == second.printed, "the second call was not answered by the cache");
        let same_bytes = scratch.join("same-bytes.json");
        fs::write(&same_bytes, &first.printed)?;
        Ok((server, Self { client, arguments, same_bytes }))
    }

    /// The call of one build of the client, run by other programs (`["strace", "-f"]`).
    pub(crate) fn command(&self, launcher: &[&str], client: &Path) -> Result<Command> {
        self.forget_callers()?;
        let mut command = self.launched(launcher, client);
        command.args(&self.arguments);
        Ok(command)
    }

    /// A caller that comes back while its token is valid seems to have met a 401, and gets a
    /// renewal: so this sets the access time, which records the caller, to before the token.
    fn forget_callers(&self) -> Result<()> {
        for file in fs::read_dir(self.client.token_cache())? {
            let before = fs::FileTimes::new().set_accessed(UNIX_EPOCH);
            fs::File::open(file?.path())?.set_times(before)?;
        }
        Ok(())
    }

    /// Another program in the same environment.
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

    /// Sets the environment of a call: the same on every host and for every user.
    pub(crate) fn at_home(&self, command: &mut Command) {
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
        for number in 0..FURTHER_VARIABLES {
            command.env(format!("VARIABLE_{number:02}"), "a value of a usual length");
        }
        self.client.at_home(command);
        command.env("KUBERNETES_EXEC_INFO", EXEC_INFO);
    }

    /// Program and arguments in one line, as hyperfine takes them.
    pub(crate) fn line(&self, program: &Path) -> String {
        format!("{} {}", program.display(), self.arguments.join(" "))
    }
}
