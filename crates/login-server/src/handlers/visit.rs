//! One request to the embedded issuer: whom it asks, within which limits, and from where it came.
//! Never decides an answer: it counts and logs what became of the request.

use std::{error::Error, fmt::Display, net::IpAddr};

use http::Request;
use login_issuer::Issuer;

use super::form::{self, FormFault, Submitted};
use crate::{
    config::Limits,
    embedded::{Embedded, Gate, NotDone},
    serve::Arriving,
    telemetry::refusals::Endpoint,
};

/// See the head of this file.
#[derive(Clone, Copy)]
pub struct Visit<'s> {
    /// The issuer.
    pub embedded: &'s Embedded,
    /// How long it may wait, and how much it may say.
    pub limits: &'s Limits,
    /// The address it came from.
    pub source: IpAddr,
    /// Where it came to.
    pub endpoint: Endpoint,
}

impl Visit<'_> {
    /// The form that the request carries.
    pub async fn form(&self, request: Request<Arriving>) -> Result<Submitted, FormFault> {
        let form = form::read(request, self.limits).await;
        form.inspect_err(|fault| self.refused("invalid_request", fault.message()))
    }

    /// Runs `work` when it is its turn.
    pub async fn ask<T: Send + 'static>(
        &self,
        gate: Gate,
        work: impl FnOnce(&Issuer) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let asked = self.embedded.ask(gate, self.limits, work).await;
        asked.inspect_err(|fault| {
            self.embedded.refusals.unanswered(self.endpoint, fault.as_str(), None);
        })
    }

    /// It was refused; `error` is one of a few words, `reason` none that came with the request.
    pub fn refused(&self, error: &'static str, reason: impl Display) {
        self.embedded.refusals.refused(self.endpoint, error, self.source, reason);
    }

    /// The issuer could not carry it out.
    pub fn failed(&self, cause: &dyn Error) -> NotDone {
        let failed = NotDone::Failed;
        self.embedded.refusals.unanswered(self.endpoint, failed.as_str(), Some(cause));
        failed
    }
}
