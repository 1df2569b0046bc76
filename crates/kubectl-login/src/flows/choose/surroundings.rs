//! What is known about the place where we run.
//! Never decides: facts only.

use crate::{
    identities,
    options::target::SourceKind,
    system::{System, browser, console::Console, environment},
};

/// Facts about the place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Surroundings {
    /// A job runs us, whoever may watch.
    pub continuous_integration: bool,
    /// Somebody sees stderr as it is written.
    pub watched: bool,
    /// The host lets us read a terminal.
    pub interactive: bool,
    /// There is a terminal of our own to read from; `false` until it is looked for.
    pub terminal: bool,
    /// There is a desktop to show a browser on.
    pub graphical: bool,
    /// The terminal is on another machine than the desktop, if any.
    pub remote: bool,
    /// Our loopback is not that of the desktop, if any.
    pub container: bool,
    /// `BROWSER` names one that shows a window.
    pub named_browser: bool,
    /// That browser is the person's, wherever it runs, and what it asks of loopback comes to us:
    /// the terminals of Visual Studio Code, dev containers and Codespaces.
    pub forwarded: bool,
    /// The identity that this place gives to a job, by its name in `--identity`.
    pub offered_identity: Option<&'static str>,
}

/// Set by CI systems that do not set `CI`: Azure Pipelines, Jenkins, TeamCity, AWS CodeBuild.
const JOBS: [&str; 4] = ["TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID"];

/// Set by Toolbx and Distrobox, whose containers share the network of the desktop.
const SHARED_NETWORK: [&str; 2] = ["TOOLBOX_PATH", "DISTROBOX_ENTER_PATH"];

/// Set where an editor passes on pages to open, and the ports that they lead to.
const FORWARDERS: [&str; 3] = ["VSCODE_IPC_HOOK_CLI", "REMOTE_CONTAINERS_IPC", "CODESPACES"];

impl Surroundings {
    /// Asks the machine. `interactive` is what kubectl says.
    pub fn of(system: &System<'_>, interactive: bool) -> Self {
        let has = |name: &&str| system.environment.has(name);
        let says_no = system
            .environment
            .variable("CI")
            .is_some_and(|value| value.is_empty() || value == "false" || value == "0");
        Self {
            continuous_integration: (has(&"CI") && !says_no) || JOBS.iter().any(has),
            watched: system.terminal.is_watched(),
            interactive,
            terminal: false,
            graphical: cfg!(any(windows, target_os = "macos"))
                || has(&"DISPLAY")
                || has(&"WAYLAND_DISPLAY")
                // Windows' browser opens from within its Linux, too.
                || has(&"WSL_DISTRO_NAME"),
            remote: has(&"SSH_CONNECTION") || has(&"SSH_TTY"),
            container: !SHARED_NETWORK.iter().any(has)
                && (has(&"KUBERNETES_SERVICE_HOST") || environment::is_container()),
            named_browser: browser::is_named(system.environment),
            forwarded: FORWARDERS.iter().any(has),
            offered_identity: identities::offered_here(system.environment).map(SourceKind::as_str),
        }
    }

    /// The same with the terminal looked for: where a person is to be asked, as a job's sign-in
    /// touches none.
    #[must_use]
    pub fn with_terminal(self) -> Self {
        Self { terminal: Console::open().is_some(), ..self }
    }

    /// Why no browser of this machine can come back to us, if none can.
    pub fn no_browser(self) -> Option<&'static str> {
        // Whoever sets `BROWSER` says that there is one; over SSH it may be far from here.
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

    /// Whether somebody would notice that we ask.
    pub(super) fn somebody_is_there(self) -> bool {
        self.watched || self.graphical || self.interactive
    }
}
