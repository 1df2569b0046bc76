//! The embedded issuer's service: the issuer, and what revocations and reviews know of its sessions.
//! Never leaves a session known as open that a list of revocations ended here.

use std::sync::Arc;

use crate::{
    embedded::Embedded, evidence::EndedSessionsInForce, in_force::Configurations,
    revoked_grants::Applied,
};

/// Serves the embedded issuer's endpoints. One per server, shared by all connections.
pub struct IssuerService {
    /// The issuer, behind its gates.
    pub embedded: Embedded,
    /// The configuration in force.
    pub configurations: Arc<Configurations>,
    /// The list of revocations whose sessions have been ended.
    pub revoked_grants: Applied,
    /// The issuer's sessions that ended early.
    pub ended_sessions: Arc<EndedSessionsInForce>,
}

impl IssuerService {
    /// Reads once which sessions ended; before that, ends the sessions that a new list of
    /// revocations names.
    pub async fn look_at_sessions(&self) {
        let list = Arc::clone(self.configurations.current().policy.revocations());
        self.revoked_grants.follow(&self.embedded, list).await;
        self.ended_sessions.look(&self.embedded).await;
    }
}
