//! Which flow fits: what was asked for, what the issuer offers, and who is there.
//! Never looks at the machine itself: its facts are given.

use login_protocols::oidc::ProviderMetadata;
use thiserror::Error;

use crate::{
    options::target::{BrowserChoice, Flow, Interactive, Target},
    system::System,
};

/// What is known about the place where we run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Surroundings {
    /// `CI` is set to something true.
    pub continuous_integration: bool,
    /// Somebody sees stderr as it is written.
    pub watched: bool,
    /// The host lets us read a terminal.
    pub interactive: bool,
    /// There is a desktop to show a browser on.
    pub graphical: bool,
    /// The terminal is on another machine than the desktop, if any.
    pub remote: bool,
}

impl Surroundings {
    /// Asks the machine. `interactive` is what kubectl says.
    pub fn of(system: &System<'_>, interactive: bool) -> Self {
        let has = |name| system.environment.has(name);
        let says = |name: &str, text: &str| {
            system.environment.variable(name).is_some_and(|value| value == text)
        };
        Self {
            continuous_integration: has("CI") && !says("CI", "false") && !says("CI", "0"),
            watched: system.terminal.is_watched(),
            interactive,
            graphical: cfg!(any(windows, target_os = "macos"))
                || has("DISPLAY")
                || has("WAYLAND_DISPLAY")
                // Windows' browser opens from within its Linux, too.
                || has("WSL_DISTRO_NAME"),
            remote: has("SSH_CONNECTION") || has("SSH_TTY"),
        }
    }

    fn somebody_is_there(self) -> bool {
        !self.continuous_integration && (self.watched || self.graphical || self.interactive)
    }
}

/// A flow with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonFlow {
    /// Authorization code.
    Browser,
    /// Device code.
    Device,
}

/// Why no person is asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NeedsPerson {
    /// The options say so.
    #[error("`--interactive never` forbids it")]
    Forbidden,
    /// Nothing that a person could see or use.
    #[error("there is no terminal and no desktop, or this is a CI job")]
    Nobody,
}

impl NeedsPerson {
    /// What the user can do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Forbidden => "run `kubectl-login login` in a terminal first",
            Self::Nobody => {
                "run `kubectl-login login` in a terminal first, or use \
                 `--flow client-credentials` where nobody signs in"
            }
        }
    }
}

/// What cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFlow {
    /// Nobody may or can be asked.
    NeedsPerson(NeedsPerson),
    /// The issuer has no endpoint for it.
    NotOffered(&'static str),
}

/// Whether a person can be asked at all; known before the issuer is asked for anything.
pub fn may_ask(target: &Target, surroundings: Surroundings) -> Result<(), NeedsPerson> {
    // Whoever names the way, or how to open the page, knows who will answer.
    let explicit = match target.flow {
        Flow::Device | Flow::Paste => true,
        Flow::Browser => target.browser != BrowserChoice::Default,
        _ => false,
    };
    match target.interactive {
        Interactive::Never => Err(NeedsPerson::Forbidden),
        Interactive::Always => Ok(()),
        Interactive::Auto if explicit || surroundings.somebody_is_there() => Ok(()),
        Interactive::Auto => Err(NeedsPerson::Nobody),
    }
}

/// The flow for a person.
pub fn choose(
    target: &Target,
    metadata: &ProviderMetadata,
    surroundings: Surroundings,
) -> Result<PersonFlow, NoFlow> {
    may_ask(target, surroundings).map_err(NoFlow::NeedsPerson)?;
    let browser_offered = metadata.authorization_endpoint.is_some();
    let device_offered = metadata.device_authorization_endpoint.is_some();
    // A browser on this machine can come back to our listener.
    let browser_here = match target.browser {
        BrowserChoice::Command(_) | BrowserChoice::PrintOnly => true,
        BrowserChoice::Default => surroundings.graphical && !surroundings.remote,
    };
    match target.flow {
        Flow::Browser if browser_offered => Ok(PersonFlow::Browser),
        Flow::Browser => Err(NoFlow::NotOffered("the browser flow")),
        Flow::Device if device_offered => Ok(PersonFlow::Device),
        Flow::Device => Err(NoFlow::NotOffered("the device flow")),
        Flow::Paste | Flow::Password => Err(NoFlow::NotOffered("this flow")),
        _ => match (browser_offered, device_offered) {
            (true, false) => Ok(PersonFlow::Browser),
            (true, true) if browser_here => Ok(PersonFlow::Browser),
            (_, true) => Ok(PersonFlow::Device),
            (false, false) => Err(NoFlow::NotOffered("a way for people to sign in")),
        },
    }
}

#[cfg(test)]
mod tests;
