//! A flow's failure as it ends a command: with the hint that fits the options.
//! Never another text than the failure's own.

use std::{error::Error, fmt};

use super::FlowError;
use crate::{
    options::target::Target,
    report::{Fault, Reported},
};

/// Why a flow gave no token, and what helps with the options that it had.
#[derive(Debug)]
pub struct FlowFailure {
    error: Box<FlowError>,
    hint: Option<String>,
}

impl FlowFailure {
    /// What happened.
    pub fn error(&self) -> &FlowError {
        &self.error
    }
}

impl fmt::Display for FlowFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for FlowFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl Reported for FlowFailure {
    fn fault(&self) -> Fault {
        self.error.fault()
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl FlowError {
    /// With what helps, which depends on the options.
    pub fn with_hint(self, target: &Target) -> FlowFailure {
        let hint = self.hint(target);
        FlowFailure { error: Box::new(self), hint }
    }
}
