//! Metrics of the files that the server reads: reloads, certificates, revocations.
//! Never shows a file's content: a hash shows whether two servers have the same.

use std::fmt;

use crate::{
    admin::Admin,
    in_force::InForce,
    reload::{Kind, Status},
    telemetry::metrics::{families, text::Exposition},
    tls::{CertificateUse, ServingTls},
};

pub(super) fn tell(
    admin: &Admin,
    in_force: &InForce,
    exposition: &mut Exposition<'_>,
) -> fmt::Result {
    let entries = u64::try_from(in_force.policy.revocations().len()).unwrap_or(u64::MAX);
    exposition.single(&families::REVOCATIONS, entries)?;
    let sessions = admin.reviews.judge.ended_sessions.known().len();
    exposition.single(&families::ENDED_SESSIONS, u64::try_from(sessions).unwrap_or(u64::MAX))?;
    let kinds: Vec<(Kind, Status)> =
        admin.reloads.report().filter(|(_, status)| status.is_watched).collect();
    let label = |kind: &Kind| ("kind", kind.as_str());
    let (success, failure) = (("status", "success"), ("status", "failure"));
    exposition.family(
        &families::RELOADS,
        kinds.iter().flat_map(|(kind, status)| {
            [
                ([label(kind), success], status.successes.into()),
                ([label(kind), failure], status.failures.into()),
            ]
        }),
    )?;
    exposition.family(
        &families::RELOAD_LAST,
        kinds.iter().flat_map(|(kind, status)| {
            let moments = [(success, status.last_success), (failure, status.last_failure)];
            moments.into_iter().filter_map(|(ended, moment)| {
                let at = u64::try_from(moment?.as_seconds()).ok()?;
                Some(([label(kind), ended], at.into()))
            })
        }),
    )?;
    exposition.family(
        &families::RELOAD_PENDING_FAULT,
        kinds.iter().map(|(kind, status)| ([label(kind)], status.fault.is_some().into())),
    )?;
    exposition.family(
        &families::CONFIG_INFO,
        kinds
            .iter()
            .filter(|(_, status)| !status.digest.is_empty())
            .map(|(kind, status)| ([label(kind), ("hash", status.digest.as_str())], 1.into())),
    )?;
    let prepared = admin.tls.as_ref().map(ServingTls::current);
    exposition.family(
        &families::CERTIFICATE_EXPIRATION,
        prepared.iter().flat_map(|prepared| &prepared.validity).filter_map(|(which, validity)| {
            let which = match which {
                CertificateUse::Serving => "serving",
                CertificateUse::ClientAuthority => "client_ca",
            };
            Some(([("use", which)], u64::try_from(validity.until.as_seconds()).ok()?.into()))
        }),
    )
}
