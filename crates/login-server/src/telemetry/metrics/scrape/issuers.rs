//! Metrics of issuers and their keys.
//! Never shows their URLs, which may reveal more than a dashboard should: labels are hashes.

use std::fmt;

use super::issuer_hash;
use crate::{
    evidence::key_sets::Circuit,
    in_force::InForce,
    telemetry::metrics::{
        families,
        text::{Exposition, Number},
    },
};

pub(super) fn tell(in_force: &InForce, exposition: &mut Exposition<'_>) -> fmt::Result {
    let issuers: Vec<_> =
        in_force.keys.report().map(|report| (issuer_hash(report.issuer), report)).collect();
    let label = |hash| ("jwt_issuer_hash", hash);
    let count = |count: usize| Number::from(u64::try_from(count).unwrap_or(u64::MAX));
    exposition.family(
        &families::KEY_SET_AVAILABLE,
        issuers.iter().map(|(hash, report)| ([label(hash.as_str())], report.keys.is_some().into())),
    )?;
    exposition.family(
        &families::KEY_SET_KEYS,
        issuers.iter().flat_map(|(hash, report)| {
            let label = label(hash.as_str());
            [
                ([label, ("usable", "true")], count(report.keys.unwrap_or_default())),
                ([label, ("usable", "false")], count(report.skipped)),
            ]
        }),
    )?;
    exposition.family(
        &families::KEY_SET_FETCHES,
        issuers.iter().flat_map(|(hash, report)| {
            let (label, fetches) = (label(hash.as_str()), report.fetches);
            [
                ([label, ("result", "changed")], fetches.changed.into()),
                ([label, ("result", "unchanged")], fetches.unchanged.into()),
                ([label, ("result", "failed")], fetches.failed.into()),
            ]
        }),
    )?;
    exposition.family(
        &families::KEY_SET_FAILURES,
        issuers
            .iter()
            .map(|(hash, report)| ([label(hash.as_str())], u64::from(report.failures).into())),
    )?;
    exposition.family(
        &families::KEY_SET_LAST_FETCH,
        issuers.iter().filter_map(|(hash, report)| {
            let at = u64::try_from(report.confirmed_at?.as_seconds()).ok()?;
            Some(([label(hash.as_str())], at.into()))
        }),
    )?;
    exposition.family(
        &families::KEY_SET_AGE,
        issuers.iter().filter_map(|(hash, report)| {
            Some(([label(hash.as_str())], report.age?.as_secs().into()))
        }),
    )?;
    exposition.family(
        &families::KEY_SET_CIRCUIT_OPEN,
        issuers.iter().map(|(hash, report)| {
            ([label(hash.as_str())], (report.circuit != Circuit::Closed).into())
        }),
    )?;
    exposition.family(
        &families::UNKNOWN_KEY_IDS,
        issuers
            .iter()
            .map(|(hash, report)| ([label(hash.as_str())], report.unknown_key_ids.into())),
    )?;
    exposition.family(
        &families::CLOCK_SKEW,
        issuers.iter().filter_map(|(hash, report)| {
            let skew = i32::try_from(report.clock_skew?).ok()?;
            Some(([label(hash.as_str())], f64::from(skew).into()))
        }),
    )
}
