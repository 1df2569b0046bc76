//! A flow's failure as the result of a command: with the hint that fits the options.
//! Never changes the text of the failure.

use std::{error::Error, fmt};

use super::FlowError;
use crate::{
    options::target::Target,
    report::{Fault, Reported},
};

/// Why a flow returned no token, with the hint for the options that it had.
#[derive(Debug)]
pub struct FlowFailure {
    error: Box<FlowError>,
    hint: Option<String>,
}

impl FlowFailure {
    /// The error.
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
    /// Adds the hint, which depends on the options.
    pub fn with_hint(self, target: &Target) -> FlowFailure {
        let hint = self.hint(target);
        FlowFailure { error: Box::new(self), hint }
    }
}
