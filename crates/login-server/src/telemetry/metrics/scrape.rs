//! Reads the server's state when Prometheus scrapes.
//! Never waits: a value that another party would have to be asked for is left out.

mod files;
mod issuers;
mod remotes;

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use login_review::{Outage, Reason};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text::encode},
    registry::Registry,
};

use super::{
    families, process,
    text::{Exposition, to_prometheus_text},
};
use crate::{
    admin::Admin,
    review::ReviewService,
    telemetry::decision::{Origin, Outcome},
};

/// The format of the exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics,
    /// `text/plain; version=0.0.4`
    Prometheus,
}

/// All metrics of the server, as text.
pub fn render(admin: &Arc<Admin>, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(Arc::clone(admin))));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(match format {
        Format::OpenMetrics => text,
        Format::Prometheus => to_prometheus_text(&text),
    })
}

// recipe: metric
struct Scrape(Arc<Admin>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(admin) = self;
        let mut exposition = Exposition(encoder);
        reviews(&admin.reviews, &mut exposition)?;
        let in_force = admin.configurations.current();
        issuers::tell(&in_force, &mut exposition)?;
        remotes::tell(&in_force, &mut exposition)?;
        let refusals = admin.issuer.as_ref().map(|issuer| issuer.embedded.refusals.counts());
        exposition.family(
            &families::ISSUER_REFUSALS,
            refusals.iter().flatten().map(|(endpoint, error, count)| {
                ([("endpoint", endpoint.as_str()), ("error", *error)], (*count).into())
            }),
        )?;
        files::tell(admin, &in_force, &mut exposition)?;
        let connections = &admin.connections;
        exposition.single(&families::CONNECTIONS, connections.accepted())?;
        exposition.single(&families::CONNECTIONS_OPEN, connections.open())?;
        exposition.single(&families::CONNECTIONS_DISPLACED, connections.displaced())?;
        let failures = connections.failed_handshakes();
        exposition.single(&families::TLS_HANDSHAKE_FAILURES, failures)?;
        exposition.single(&families::AUDIT_RECORDS_DROPPED, admin.reviews.audit.dropped())?;
        exposition.single(&families::TRACE_SPANS_DROPPED, admin.reviews.traces.dropped())?;
        exposition.single(&families::DRAINING, admin.lifecycle.is_draining())?;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        exposition.family(&families::BUILD_INFO, [(version, 1.into())])?;
        process::tell(&mut exposition)
    }
}

fn reviews(service: &ReviewService, exposition: &mut Exposition<'_>) -> fmt::Result {
    let counts = &service.counts;
    exposition.family(
        &families::REVIEWS,
        counts.outcomes().map(|(outcome, count)| {
            let reason = outcome.reason().unwrap_or_default();
            ([("outcome", outcome.as_str()), ("reason", reason)], count.into())
        }),
    )?;
    // One of each class; the histograms do not distinguish reasons.
    let classes =
        [Outcome::Accepted, Outcome::Refused(Reason::Empty), Outcome::CannotTell(Outage::Internal)];
    exposition.histograms(
        &families::REVIEW_DURATION,
        classes.into_iter().flat_map(|outcome| {
            Origin::ALL.map(|origin| {
                let labels = [("outcome", outcome.as_str()), ("origin", origin.as_str())];
                (labels, counts.durations(outcome, origin))
            })
        }),
    )?;
    let in_flight = u64::try_from(service.in_flight()).unwrap_or(u64::MAX);
    exposition.single(&families::REVIEWS_IN_FLIGHT, in_flight)?;
    exposition.family(
        &families::REJECTED_REQUESTS,
        counts.faults().map(|(fault, count)| ([("reason", fault.as_str())], count.into())),
    )?;
    let answers = |origin| {
        classes.into_iter().map(move |outcome| counts.durations(outcome, origin).count()).sum()
    };
    let (hits, misses): (u64, u64) = (answers(Origin::Cache), answers(Origin::Judged));
    exposition.family(
        &families::RESULT_CACHE_REQUESTS,
        [([("result", "hit")], hits.into()), ([("result", "miss")], misses.into())],
    )?;
    let cache = service.results.report();
    let kept = |answers: usize| u64::try_from(answers).unwrap_or(u64::MAX).into();
    exposition.single(&families::RESULT_CACHE_SHARED, cache.shared)?;
    exposition.family(
        &families::RESULT_CACHE_ANSWERS,
        [
            ([("outcome", "accepted")], kept(cache.accepted)),
            ([("outcome", "refused")], kept(cache.refused)),
        ],
    )?;
    exposition.single(&families::RESULT_CACHE_EVICTIONS, cache.evictions)?;
    exposition.single(&families::RESULT_CACHE_BYTES, cache.bytes)
}

/// The hash as in kube-apiserver's `jwt_issuer_hash`, so that dashboards can join the two.
pub fn issuer_hash(issuer: &str) -> String {
    let mut text = String::from("sha256:");
    for byte in digest(&SHA256, issuer.as_bytes()).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_has_the_hash_that_kube_apiserver_gives_it() {
        // printf https://example.com | sha256sum
        assert_eq!(
            issuer_hash("https://example.com"),
            "sha256:100680ad546ce6a577f42f52df33b4cfdca756859e664b8d7de329b150d09ce9"
        );
    }
}
