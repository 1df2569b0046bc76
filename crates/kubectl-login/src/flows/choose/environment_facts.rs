//! Facts about the environment that the program runs in.
//! Never decides.

use login_cache::refresh_secret::Storage;

use crate::{
    options::target::SourceKind,
    system::{System, browser, console::Console, environment},
    workload_identity,
};

/// Facts about the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct EnvironmentFacts {
    /// A CI job runs us, even if a user is watching.
    pub continuous_integration: bool,
    /// A user sees stderr as it is written.
    pub watched: bool,
    /// kubectl, or another client-go program, allows us to read from a terminal.
    pub interactive: bool,
    /// There is a terminal to read from; `false` until `with_terminal` has looked for it.
    pub terminal: bool,
    /// There is a desktop to show a browser on.
    pub graphical: bool,
    /// The terminal is on another host than the desktop, if any.
    pub remote: bool,
    /// Our loopback is not the desktop's, if any.
    pub container: bool,
    /// `BROWSER` names a browser that shows a window.
    pub named_browser: bool,
    /// That browser runs on the user's host, and its requests to loopback are forwarded to us: the
    /// terminals of Visual Studio Code, dev containers and Codespaces.
    pub forwarded: bool,
    /// The identity that is offered to jobs here, by its name in `--identity`.
    pub offered_identity: Option<&'static str>,
}

/// Set by CI systems that do not set `CI`: Azure Pipelines, Jenkins, TeamCity, AWS CodeBuild.
const JOBS: [&str; 4] = ["TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID"];

/// Set by Toolbx and Distrobox, whose containers share the network of the desktop.
const SHARED_NETWORK: [&str; 2] = ["TOOLBOX_PATH", "DISTROBOX_ENTER_PATH"];

/// Set where an editor forwards pages to open, and the ports that they redirect to.
const FORWARDERS: [&str; 3] = ["VSCODE_IPC_HOOK_CLI", "REMOTE_CONTAINERS_IPC", "CODESPACES"];

impl EnvironmentFacts {
    /// Inspects the host; `interactive`, which kubectl says, is false.
    pub fn of(system: &System<'_>) -> Self {
        let has = |name: &&str| system.environment.has(name);
        let says_no = system
            .environment
            .variable("CI")
            .is_some_and(|value| value.is_empty() || value == "false" || value == "0");
        Self {
            continuous_integration: (has(&"CI") && !says_no) || JOBS.iter().any(has),
            watched: system.terminal.is_watched(),
            interactive: false,
            terminal: false,
            graphical: cfg!(any(windows, target_os = "macos"))
                || has(&"DISPLAY")
                || has(&"WAYLAND_DISPLAY")
                // A Windows browser can also be opened from WSL.
                || has(&"WSL_DISTRO_NAME"),
            remote: has(&"SSH_CONNECTION") || has(&"SSH_TTY"),
            container: !SHARED_NETWORK.iter().any(has)
                && (has(&"KUBERNETES_SERVICE_HOST") || environment::is_container()),
            named_browser: browser::is_named(system.environment),
            forwarded: FORWARDERS.iter().any(has),
            offered_identity: workload_identity::offered_here(system.environment)
                .map(SourceKind::as_str),
        }
    }

    /// The same after looking for a terminal. Used only when a user is to be asked, so that a job's
    /// sign-in never opens one.
    #[must_use]
    pub fn with_terminal(self) -> Self {
        Self { terminal: Console::open().is_some(), ..self }
    }

    /// Why no browser on this host can come back to us, if none can.
    pub fn no_browser(self) -> Option<&'static str> {
        // A user who sets `BROWSER` has a browser; over SSH it may run on another host.
        if self.named_browser && (self.forwarded || !self.remote) {
            None
        } else if self.remote {
            Some("this is an SSH session")
        } else if !self.graphical {
            Some("there is no desktop here")
        } else if self.container {
            Some("this is a container")
        } else {
            None
        }
    }

    /// How refresh tokens are stored here: a CI job has no keyring.
    pub fn storage(self, wish: Storage) -> Storage {
        match wish {
            Storage::Auto if self.continuous_integration => Storage::AutoWithoutKeyring,
            other => other,
        }
    }

    /// Whether a user would notice a request to sign in.
    pub(super) fn somebody_is_there(self) -> bool {
        self.watched || self.graphical || self.interactive
    }
}
