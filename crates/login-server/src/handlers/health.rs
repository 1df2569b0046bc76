//! `/livez` and `/readyz` on the health listener.
//! Never sends a request to an issuer: readiness is what is known already.

use std::fmt::Write as _;

use http::StatusCode;
use login_common::causes;

use super::response::{Reply, text};
use crate::{admin::Admin, embedded::Gate};

/// The process runs and answers.
pub fn live() -> Reply {
    text(StatusCode::OK, "ok\n")
}

/// Ready means: every issuer was asked once, or has keys from elsewhere; tokens of at least one can
/// be verified; the store answers; the server is not shutting down. One issuer that is down must
/// not take every replica out of rotation, so it is reported and changes nothing; so is a file that
/// could not be put in force. Plain `/readyz` is terse; `?verbose` and every "not ready" list each
/// check.
pub async fn ready(admin: &Admin, is_verbose: bool) -> Reply {
    let mut report = Report::default();
    report.check("serving", admin.lifecycle.is_draining().then_some("draining"));
    let in_force = admin.configurations.current();
    let (mut is_usable, mut all_were_asked) = (in_force.policy.accepts_opaque_tokens(), true);
    for issuer in in_force.keys.readiness() {
        is_usable |= issuer.has_keys;
        all_were_asked &= issuer.has_keys || issuer.failures > 0;
        let why = issuer.fault.map(|fault| format!(": {fault}; see the log")).unwrap_or_default();
        let fault = match (issuer.has_keys, issuer.failures) {
            (true, 0) => None,
            (true, failures) => Some(format!("has older keys, {failures} fetches failed{why}")),
            (false, failures) => Some(format!("has no keys yet, {failures} fetches failed{why}")),
        };
        report.remark(&format!("issuer {}", issuer.issuer), fault.as_deref());
    }
    report.check("authenticators", (!is_usable).then_some("no token can be verified yet"));
    // An issuer that a reload adds must not take a working server out of rotation.
    let is_new = !all_were_asked && !admin.lifecycle.has_been_ready();
    report.check("start", is_new.then_some("not every issuer has been asked yet"));
    if let Some(issuer) = &admin.issuer {
        let fault = match issuer.embedded.ask(Gate::Internal, |issuer, _| issuer.check()).await {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => {
                if let Some(times) = admin.store_faults.turn() {
                    tracing::error!(error = %causes::one_line(&fault), times, "the store does not answer");
                }
                Some("does not answer")
            }
            Err(fault) => Some(fault.message()),
        };
        report.check("store", fault);
    }
    for (kind, status) in admin.reloads.report().filter(|(_, status)| status.is_watched) {
        // The cause is only logged: callers of this listener are not authenticated.
        let fault =
            status.fault.map(|_| "files cannot be used, what was in force stays; see the log");
        report.remark(kind.as_str(), fault);
    }
    if report.is_bad {
        return text(StatusCode::SERVICE_UNAVAILABLE, report.lines);
    }
    admin.lifecycle.was_ready();
    if is_verbose { text(StatusCode::OK, report.lines) } else { text(StatusCode::OK, "ok\n") }
}

#[derive(Default)]
struct Report {
    lines: String,
    is_bad: bool,
}

impl Report {
    /// A condition of readiness.
    fn check(&mut self, name: &str, fault: Option<&str>) {
        self.is_bad |= fault.is_some();
        self.line(name, fault, "[-]");
    }

    /// Information that does not affect readiness.
    fn remark(&mut self, name: &str, fault: Option<&str>) {
        self.line(name, fault, "[!]");
    }

    fn line(&mut self, name: &str, fault: Option<&str>, mark: &str) {
        // Writing to a String cannot fail.
        let _ = match fault {
            None => writeln!(self.lines, "[+] {name} ok"),
            Some(fault) => writeln!(self.lines, "{mark} {name} {fault}"),
        };
    }
}
