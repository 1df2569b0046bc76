//! Which flow fits: what was requested, what the issuer offers, and who can answer.
//! Never inspects the host itself: the facts are passed in.
//!
//! `environment_facts` gathers the facts.

mod environment_facts;

use std::fmt;

use login_protocols::oidc::ProviderMetadata;
use thiserror::Error;

use crate::options::target::{BrowserChoice, Flow, Interactive, Target};
pub use environment_facts::EnvironmentFacts;

// recipe: flow
/// A flow with a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonFlow {
    /// Authorization code, returned by the browser.
    Browser,
    /// Device code.
    Device,
    /// Authorization code, pasted by the user.
    Paste,
    /// The user's password.
    Password,
}

impl fmt::Display for PersonFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.flow().as_str())
    }
}

impl PersonFlow {
    const ALL: [Self; 4] = [Self::Browser, Self::Device, Self::Paste, Self::Password];

    /// The flow that an option would name.
    const fn flow(self) -> Flow {
        match self {
            Self::Browser => Flow::Browser,
            Self::Device => Flow::Device,
            Self::Paste => Flow::Paste,
            Self::Password => Flow::Password,
        }
    }

    /// Reads the text that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flow| flow.to_string() == text)
    }

    /// Whether an issuer that refuses one of them refuses the other, too.
    pub fn shares_grant_with(self, other: Self) -> bool {
        let is_code = |flow| matches!(flow, Self::Browser | Self::Paste);
        self == other || (is_code(self) && is_code(other))
    }
}

/// The chosen flow, and what follows from the surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The flow.
    pub flow: PersonFlow,
    /// Why, for display.
    pub reason: String,
    /// Whether a page can be opened for the user here.
    pub desktop: bool,
    /// Whether the user's browser is probably on another host.
    pub elsewhere: bool,
    /// Other flows that fit, in order, if the issuer or this host does not allow the first.
    pub next: Vec<PersonFlow>,
}

/// Why no user can be asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NeedsPerson {
    /// `--interactive never` is set.
    #[error("`--interactive never` forbids it")]
    Forbidden,
    /// This is a CI job; no user is present even if there is a terminal or a desktop.
    #[error("this is a CI job")]
    Job {
        /// The identity that is offered to jobs here.
        offered: Option<&'static str>,
    },
    /// There is neither a terminal nor a desktop.
    #[error("there is neither a terminal nor a desktop here")]
    Nobody {
        /// The identity that is offered to jobs here.
        offered: Option<&'static str>,
    },
    /// The user would have to type something.
    #[error("there is no terminal to read the answer from")]
    NoTerminal,
}

impl NeedsPerson {
    /// What the user can do.
    pub fn hint(self) -> String {
        match self {
            Self::Forbidden | Self::NoTerminal => {
                "run `kubectl-login login` in a terminal first".to_owned()
            }
            Self::Job { offered: Some(source) } | Self::Nobody { offered: Some(source) } => {
                format!("this place gives an identity to its jobs: use `--identity {source}`")
            }
            Self::Job { offered: None } | Self::Nobody { offered: None } => {
                "give the job an identity with `--identity` or its own credentials with \
                 `--flow client-credentials`; a person runs `kubectl-login login` in a terminal \
                 first"
                    .to_owned()
            }
        }
    }
}

/// Why no flow can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFlow {
    /// No user may or can be asked.
    NeedsPerson(NeedsPerson),
    /// The issuer has no endpoint for the flow.
    NotOffered(&'static str),
}

/// Whether a user can be asked at all; known before any request to the issuer.
pub fn may_ask(target: &Target, environment_facts: EnvironmentFacts) -> Result<(), NeedsPerson> {
    if target.flow == Flow::Password && target.username.is_some() && target.password.is_some() {
        // User name and password are given.
        return Ok(());
    }
    if target.interactive == Interactive::Never {
        return Err(NeedsPerson::Forbidden);
    }
    if matches!(target.flow, Flow::Paste | Flow::Password) {
        // Naming one of these flows implies that a user answers, but they need a terminal.
        return if environment_facts.terminal { Ok(()) } else { Err(NeedsPerson::NoTerminal) };
    }
    // These options imply that a user answers: the device flow by name, or the browser flow by
    // name with a way to open the page.
    let explicit = match target.flow {
        Flow::Device => true,
        Flow::Browser => target.browser != BrowserChoice::Default,
        _ => false,
    };
    let offered = environment_facts.offered_identity;
    match (target.interactive, environment_facts.continuous_integration) {
        (Interactive::Always, _) => Ok(()),
        _ if explicit => Ok(()),
        (_, true) => Err(NeedsPerson::Job { offered }),
        (_, false) if environment_facts.somebody_is_there() => Ok(()),
        (_, false) => Err(NeedsPerson::Nobody { offered }),
    }
}

/// Chooses the flow for a user.
pub fn choose(
    target: &Target,
    metadata: &ProviderMetadata,
    environment_facts: EnvironmentFacts,
) -> Result<Choice, NoFlow> {
    may_ask(target, environment_facts).map_err(NoFlow::NeedsPerson)?;
    let browser_offered = metadata.authorization_endpoint.is_offered();
    let device_offered = metadata.device_authorization_endpoint.is_offered();
    let browser_named = !metadata.authorization_endpoint.is_absent();
    let device_named = !metadata.device_authorization_endpoint.is_absent();
    let asked_for = |flow, is_offered: bool, what| {
        let reason = "it was asked for".to_owned();
        is_offered.then_some((flow, reason)).ok_or(NoFlow::NotOffered(what))
    };
    let (flow, reason) = match target.flow {
        // An endpoint that cannot be used is reported when it is used.
        Flow::Browser => asked_for(PersonFlow::Browser, browser_named, "the browser flow"),
        Flow::Device => asked_for(PersonFlow::Device, device_named, "the device flow"),
        Flow::Paste => asked_for(PersonFlow::Paste, browser_named, "the browser flow"),
        // RFC 8414 §2 does not require issuers to list this grant.
        Flow::Password => asked_for(PersonFlow::Password, true, "the password flow"),
        // A listener would never get an answer.
        _ if browser_offered && !target.callback.comes_back() => {
            let reason = "no browser comes back from the given `--redirect-url` by itself";
            if environment_facts.terminal {
                Ok((PersonFlow::Paste, reason.to_owned()))
            } else if device_offered {
                Ok((PersonFlow::Device, format!("{reason}, and there is no terminal")))
            } else {
                Err(NoFlow::NeedsPerson(NeedsPerson::NoTerminal))
            }
        }
        _ => fitting(target, (browser_offered, device_offered), environment_facts)
            .ok_or(NoFlow::NotOffered("a way for people to sign in")),
    }?;
    let offered = (browser_offered, device_offered);
    let next = match target.flow {
        Flow::Auto => others(flow, target, offered, environment_facts),
        _ => Vec::new(),
    };
    Ok(Choice {
        flow,
        reason,
        next,
        desktop: target.browser != BrowserChoice::PrintOnly
            && (environment_facts.no_browser().is_none()
                || target.browser != BrowserChoice::Default),
        elsewhere: environment_facts.no_browser().is_some(),
    })
}

/// The flows that fit besides `flow`, if none was requested.
fn others(
    flow: PersonFlow,
    target: &Target,
    (browser, device): (bool, bool),
    environment_facts: EnvironmentFacts,
) -> Vec<PersonFlow> {
    let can_paste = environment_facts.terminal && environment_facts.watched;
    [
        (PersonFlow::Device, device),
        (PersonFlow::Paste, browser && can_paste),
        // At least its address can be opened by hand.
        (PersonFlow::Browser, browser && target.callback.comes_back()),
    ]
    .into_iter()
    .filter_map(|(other, fits)| (fits && other != flow).then_some(other))
    .collect()
}

/// The flow that fits if none was requested, and why.
fn fitting(
    target: &Target,
    offered: (bool, bool),
    environment_facts: EnvironmentFacts,
) -> Option<(PersonFlow, String)> {
    // A browser on this host can reach our listener.
    let (browser_here, because) = match (&target.browser, environment_facts.no_browser()) {
        (BrowserChoice::Command(_), _) => (true, "a command opens the browser"),
        (BrowserChoice::PrintOnly, _) => (true, "the address shall only be printed"),
        (BrowserChoice::Default, None) if environment_facts.named_browser => {
            (true, "`BROWSER` names one")
        }
        (BrowserChoice::Default, None) => (true, "there is a desktop here"),
        (BrowserChoice::Default, Some(obstacle)) => (false, obstacle),
    };
    let can_paste = environment_facts.terminal && environment_facts.watched;
    Some(match offered {
        (true, _) if browser_here => (PersonFlow::Browser, because.to_owned()),
        (_, true) => {
            let rest = if browser_here { "offers no browser flow" } else { "offers it" };
            (PersonFlow::Device, format!("the issuer {rest} and {because}"))
        }
        (true, false) if can_paste => {
            (PersonFlow::Paste, format!("the issuer offers no device flow and {because}"))
        }
        (true, false) => (
            PersonFlow::Browser,
            format!("the issuer offers nothing else, and {because}, nor a terminal to paste into"),
        ),
        (false, false) => return None,
    })
}

#[cfg(test)]
mod tests;
