//! Metrics of the questions to other parties: about tokens that only they know, and for groups.
//! Never shows their URLs, which may reveal more than a dashboard should: labels are hashes.

use std::{collections::BTreeMap, fmt};

use login_review::RemoteKind;

use super::issuer_hash;
use crate::{
    evidence::remote::RemoteReport,
    in_force::InForce,
    telemetry::metrics::{
        families::{self, RemoteFamilies},
        text::Exposition,
    },
};

pub(super) fn tell(in_force: &InForce, exposition: &mut Exposition<'_>) -> fmt::Result {
    for kind in RemoteKind::ALL {
        let remotes = in_force.policy.remotes().iter().zip(in_force.remotes.report());
        let of_kind = remotes.filter(|(remote, _)| remote.rules.kind() == *kind);
        tell_of(&families::remote(*kind), of_kind.map(|(_, report)| report), exposition)?;
    }
    tell_of(&families::GROUPS, in_force.groups.report(), exposition)
}

fn tell_of<'r>(
    families: &RemoteFamilies,
    reports: impl Iterator<Item = (&'r str, RemoteReport)>,
    exposition: &mut Exposition<'_>,
) -> fmt::Result {
    // Two entries may ask one party, about tokens with different prefixes.
    let mut parties: BTreeMap<String, RemoteReport> = BTreeMap::new();
    for (url, report) in reports {
        *parties.entry(issuer_hash(url)).or_default() += report;
    }
    exposition.family(
        families.requests,
        parties.iter().flat_map(|(hash, report)| {
            let RemoteReport { good, bad, failed, turned_away, repeated, .. } = *report;
            let unnamed = if families.bad.is_none() { bad } else { 0 };
            [
                (Some(families.good), good),
                (families.bad, bad),
                (Some("failed"), failed + unnamed),
                (Some("turned_away"), turned_away),
                (Some("repeated"), repeated),
            ]
            .into_iter()
            .filter_map(|(result, count)| {
                Some(([(families.label, hash.as_str()), ("result", result?)], count.into()))
            })
        }),
    )?;
    exposition.family(
        families.circuit_open,
        parties
            .iter()
            .map(|(hash, report)| ([(families.label, hash.as_str())], report.circuit_open.into())),
    )
}
