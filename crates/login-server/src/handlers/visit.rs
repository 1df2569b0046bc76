//! One request to the embedded issuer: the issuer, the source, and the endpoint.
//! Never decides the answer: it counts and logs the result.

use std::{error::Error, fmt::Display, net::IpAddr};

use http::Request;
use login_common::UnixTime;
use login_issuer::Issuer;

use super::form::{self, FormFault, Submitted};
use crate::{
    embedded::{Embedded, Gate, NotDone},
    serve::Arriving,
    telemetry::refusals::Endpoint,
};

/// The context of one request to the embedded issuer.
#[derive(Clone, Copy)]
pub struct Visit<'s> {
    /// The issuer.
    pub embedded: &'s Embedded,
    /// The client's address.
    pub source: IpAddr,
    /// The endpoint.
    pub endpoint: Endpoint,
}

impl Visit<'_> {
    /// Reads the form of the request.
    pub async fn form(&self, request: Request<Arriving>) -> Result<Submitted, FormFault> {
        let form = form::read(request, &self.embedded.limits).await;
        form.inspect_err(|fault| self.refused("invalid_request", fault.message()))
    }

    /// Runs `work` after a turn at `gate`, with the time at which it begins.
    pub async fn ask<T: Send + 'static>(
        &self,
        gate: Gate,
        work: impl FnOnce(&Issuer, UnixTime) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let asked = self.embedded.ask(gate, work).await;
        asked.inspect_err(|fault| {
            self.embedded.refusals.unanswered(self.endpoint, fault.as_str(), None);
        })
    }

    /// Reports a refusal; `error` is one of a few constants, and `reason` contains nothing from the
    /// request.
    pub fn refused(&self, error: &'static str, reason: impl Display) {
        self.embedded.refusals.refused(self.endpoint, error, self.source, reason);
    }

    /// Reports a failure of the issuer.
    pub fn failed(&self, cause: &dyn Error) -> NotDone {
        let failed = NotDone::Failed;
        self.embedded.refusals.unanswered(self.endpoint, failed.as_str(), Some(cause));
        failed
    }
}
