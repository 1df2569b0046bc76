//! gnome-keyring on a private D-Bus: the Secret Service of a desktop, unlocked, locked or absent.
//! Never uses the keyring or the bus of the user who runs the tests.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::child::Child;
use crate::command::{Finished, clean, run};
use crate::components::{Components, Missing};
use crate::scratch::Scratch;
use crate::wait;

const START: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(20);

/// The state in which a program finds the desktop's Secret Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its collection is open.
    Unlocked,
    /// Its collection exists and is locked, and no user is there to enter the password.
    Locked,
    /// There is a session bus, and no Secret Service on it.
    Absent,
}

/// A session bus and, unless it is absent, gnome-keyring on it.
pub struct SecretService {
    components: Arc<Components>,
    scratch: Scratch,
    runtime: PathBuf,
    password: PathBuf,
    // Declared before the bus: fields are dropped in this order.
    keyring: Option<Child>,
    _bus: Child,
}

impl SecretService {
    /// Starts bus and keyring; first creates the collection with a password, whatever the state.
    pub fn start(components: &Arc<Components>, state: State) -> Result<Self> {
        let scratch = Scratch::new()?;
        let runtime = scratch.folder("runtime")?;
        let password = scratch.file("password", "a password of the rig")?;
        let configuration = scratch.file("bus.conf", configuration(&scratch))?;
        let mut command =
            clean(components.system_program("dbus-daemon")?, &scratch.folder("home")?, &[]);
        command.arg("--config-file").arg(configuration).args(["--nofork", "--print-address"]);
        let mut bus = Child::start("dbus-daemon", &mut command, scratch.path())?;
        bus.wait_for_line("unix:path=", START)?;
        let components = Arc::clone(components);
        let mut service = Self { components, scratch, runtime, password, keyring: None, _bus: bus };
        if state != State::Absent {
            service.unlock()?;
        }
        if state == State::Locked {
            service.lock()?;
        }
        Ok(service)
    }

    /// The environment variables with which a program finds it: names and values.
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.display().to_string();
        vec![
            ("DBUS_SESSION_BUS_ADDRESS".to_owned(), address(&self.scratch)),
            ("XDG_RUNTIME_DIR".to_owned(), text(self.runtime.clone())),
        ]
    }

    /// The environment without any session bus, as in a bare SSH session.
    pub fn without_a_bus(scratch: &Scratch) -> Result<Vec<(String, String)>> {
        let runtime = scratch.folder("no-bus")?.display().to_string();
        Ok(vec![("XDG_RUNTIME_DIR".to_owned(), runtime)])
    }

    /// Opens the collection with its password, as signing in to a desktop does.
    pub fn unlock(&mut self) -> Result<()> {
        let password = File::open(&self.password).context("could not open the password")?;
        self.serve(&["--unlock"], Some(password))
    }

    /// Locks the collection: the daemon is started without the password.
    pub fn lock(&mut self) -> Result<()> {
        self.serve(&[], None)
    }

    /// What another program (`secret-tool`) finds: every item whose attribute has a value.
    pub fn search(&self, attribute: &str, value: &str) -> Result<Finished> {
        let mut command = self.program("secret-tool")?;
        command.args(["search", "--all", attribute, value]);
        run(&mut command, LIMIT)
    }

    /// Stores a secret with another program, as a check of the rig itself.
    pub fn store(&self, account: &str, secret: &str) -> Result<Finished> {
        let mut command = self.program("secret-tool")?;
        command.args(["store", "--label=rig", "service", "rig", "account", account]);
        crate::command::run_with_input(&mut command, secret.as_bytes(), LIMIT)
    }

    /// Suspends it (SIGSTOP): calls get neither an answer nor an error.
    pub fn hang(&mut self) -> Result<()> {
        self.keyring.as_mut().context("there is no keyring")?.suspend()
    }

    /// How many programs are connected to the bus, besides this query's own connection.
    pub fn connections(&self) -> Result<usize> {
        let mut ask = self.program("dbus-send")?;
        ask.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]);
        ask.arg("org.freedesktop.DBus.ListNames");
        let answer = run(&mut ask, LIMIT)?.success()?;
        Ok(answer.stdout.matches("string \":").count().saturating_sub(1))
    }

    /// What gnome-keyring has logged so far; a locked one logs each request for a secret.
    pub fn told(&self) -> Result<String> {
        self.keyring.as_ref().map_or_else(|| Ok(String::new()), Child::stderr)
    }

    fn serve(&mut self, arguments: &[&str], input: Option<File>) -> Result<()> {
        self.keyring = None; // ends the one before, which owns the name on the bus
        let mut command = self.program("gnome-keyring-daemon")?;
        command.args(["--foreground", "--components=secrets"]).args(arguments);
        let folder = self.scratch.path();
        let mut keyring = match input {
            Some(input) => Child::start_with("gnome-keyring", &mut command, input, folder)?,
            None => Child::start("gnome-keyring", &mut command, folder)?,
        };
        wait::until("the Secret Service on the bus", START, || {
            anyhow::ensure!(keyring.is_running()?, "it ended: {}", keyring.stderr()?);
            let mut ask = self.program("dbus-send")?;
            ask.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]);
            ask.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
            let answer = run(&mut ask, LIMIT)?;
            Ok(answer.stdout.contains("boolean true").then_some(()))
        })?;
        self.keyring = Some(keyring);
        Ok(())
    }

    fn program(&self, name: &str) -> Result<Command, Missing> {
        let home = self.scratch.path().join("home");
        let mut command = clean(self.components.system_program(name)?, &home, &[]);
        command.envs(self.environment());
        Ok(command)
    }
}

fn address(scratch: &Scratch) -> String {
    format!("unix:path={}", scratch.path().join("bus").display())
}

/// The configuration of a bus that starts no services by itself: what the rig does not start is
/// absent.
fn configuration(scratch: &Scratch) -> String {
    format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>session</type><listen>{}</listen><auth>EXTERNAL</auth>\n\
         <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n\
         <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n",
        address(scratch)
    )
}
