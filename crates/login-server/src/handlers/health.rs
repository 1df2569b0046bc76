//! `/livez` and `/readyz` on the health listener.
//! Never asks an issuer: readiness is what is known already.

use std::fmt::Write as _;

use http::StatusCode;
use login_issuer::Issuer;

use super::response::{Reply, text};
use crate::{
    start::{Gate, State},
    telemetry::chain,
};

/// The process runs and answers.
pub fn live() -> Reply {
    text(StatusCode::OK, "ok\n")
}

/// Ready means: every configured issuer has keys (fresh or stale), the store answers, and the
/// server is not on its way out. Until then tokens of the issuers that do have keys are judged
/// all the same; the others are answered 503.
pub async fn ready(state: &State) -> Reply {
    let mut lines = String::new();
    let mut is_ready = true;
    let mut check = |name: &str, fault: Option<String>| {
        // Writing to a String cannot fail.
        let _ = match &fault {
            None => writeln!(lines, "[+] {name} ok"),
            Some(fault) => writeln!(lines, "[-] {name} {fault}"),
        };
        is_ready &= fault.is_none();
    };
    check("serving", state.is_draining().then(|| "draining".to_owned()));
    let in_force = state.in_force();
    for issuer in in_force.keys.readiness() {
        let fault = (!issuer.has_keys)
            .then(|| format!("has no keys yet, {} fetches failed", issuer.failures));
        check(&format!("issuer {}", issuer.issuer), fault);
    }
    if let Some(embedded) = &state.embedded {
        let fault = match embedded.ask(Gate::Store, &state.limits, Issuer::check).await {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => {
                tracing::error!(error = %chain(&fault), "the store does not answer");
                Some("does not answer".to_owned())
            }
            Err(fault) => Some(fault.message().to_owned()),
        };
        check("store", fault);
    }
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, lines)
}
