//! Logs what is in force, and which issuers have no keys yet.
//! Never delays the start: a server answers from its first moment on.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::in_force::{Configurations, InForce};

const LOOK: Duration = Duration::from_millis(500);
/// One in so many looks logs a warning about an issuer without keys.
const LOOKS_PER_LINE: u32 = 20;

/// Logs one line for each issuer.
pub fn tell(in_force: &InForce) {
    for issuer in in_force.policy.issuers() {
        tracing::info!(issuer = issuer.issuer.as_str(), "tokens are accepted");
    }
}

/// Warns regularly about issuers without keys, after the start and after each reload.
pub(crate) async fn watch_keys(configurations: Arc<Configurations>) {
    // The generation of the configuration whose issuers all have keys.
    let mut told = None;
    for look in (1_u32..=LOOKS_PER_LINE).cycle() {
        sleep(LOOK).await;
        let in_force = configurations.current();
        if told == Some(in_force.generation) {
            continue;
        }
        let mut is_complete = true;
        for issuer in in_force.keys.readiness().filter(|issuer| !issuer.has_keys) {
            is_complete = false;
            if look == LOOKS_PER_LINE {
                let (issuer, failures) = (issuer.issuer, issuer.failures);
                tracing::warn!(issuer, failures, "no keys yet; its tokens cannot be verified");
            }
        }
        if is_complete {
            told = Some(in_force.generation);
            if !in_force.policy.issuers().is_empty() {
                tracing::info!("every issuer has keys");
            }
        }
    }
}
