//! Tests which reviews have a span, and what it contains.

use http::HeaderValue;
use login_review::{Outage, Reason};
use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::{
    system::random::RandomNumbers,
    telemetry::decision::{DecisionId, Origin, Outcome},
};

const CALLER_RECORDS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CALLER_DOES_NOT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn traces(sampling: f64) -> (Traces, Spans) {
    let endpoint = login_common::names::IssuerUrl::parse("http://127.0.0.1:1/v1/traces").unwrap();
    let traces = Traces::new(Some(&TraceSettings { endpoint, sampling })).unwrap();
    let recording = traces.0.as_ref().unwrap();
    let (spans, _) = recording.way_out.lock().unwrap().take().unwrap();
    (traces, spans)
}

fn headers(traceparent: Option<&'static str>) -> HeaderMap {
    let value = traceparent.map(HeaderValue::from_static);
    value.into_iter().map(|value| (http::HeaderName::from_static("traceparent"), value)).collect()
}

fn decided(outcome: Outcome) -> Decided {
    Decided { id: DecisionId::draw(&RandomNumbers::new().unwrap()).unwrap(), outcome }
}

fn told(span: &SpanData) -> Vec<String> {
    span.attributes
        .iter()
        .filter(|attribute| attribute.key.as_str() != "login_server.decision_id")
        .map(|attribute| format!("{}={}", attribute.key, attribute.value))
        .collect()
}

#[test]
fn the_caller_says_whether_its_trace_is_recorded_and_else_the_share_does() {
    for (sampling, traceparent, is_recorded) in [
        (0.0, None, false),
        (1.0, None, true),
        (0.0, Some(CALLER_RECORDS), true),
        (1.0, Some(CALLER_RECORDS), true),
        (1.0, Some(CALLER_DOES_NOT), false),
        (0.0, Some("no trace at all"), false),
        (1.0, Some("no trace at all"), true),
    ] {
        let (traces, mut spans) = traces(sampling);
        drop(traces.review(&headers(traceparent)));
        assert_eq!(spans.receiver.try_recv().is_ok(), is_recorded, "{sampling} {traceparent:?}");
    }
}

#[test]
fn a_span_belongs_to_the_trace_of_its_caller() {
    let (traces, mut spans) = traces(0.0);
    drop(traces.review(&headers(Some(CALLER_RECORDS))));
    let span = spans.receiver.try_recv().unwrap();
    assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!((span.name.as_ref(), span.span_kind), ("TokenReview", SpanKind::Server));
}

/// What happens to a span, the attributes it has then, and its status.
type End = (fn(&ReviewSpan), &'static [&'static str], Status);

#[test]
fn a_span_says_how_the_review_ended_and_only_an_outage_is_an_error() {
    let ends: [End; 4] = [
        (
            |span| {
                span.decided(decided(Outcome::Accepted), Origin::Judged);
                span.answered(StatusCode::OK);
            },
            &[
                "login_server.outcome=accepted",
                "login_server.cached=false",
                "http.response.status_code=200",
            ],
            Status::Unset,
        ),
        (
            |span| {
                span.decided(decided(Outcome::Refused(Reason::Expired)), Origin::Cache);
                span.issuer(Some("https://example.com"));
            },
            &[
                "login_server.outcome=refused",
                "login_server.reason=expired",
                "login_server.cached=true",
                // printf https://example.com | sha256sum
                "login_server.jwt_issuer_hash=sha256:100680ad546ce6a577f42f52df33b4cfdca756859e664b8d7de329b150d09ce9",
            ],
            Status::Unset,
        ),
        (
            |span| {
                span.decided(decided(Outcome::CannotTell(Outage::KeysUnavailable)), Origin::Judged);
                span.answered(StatusCode::SERVICE_UNAVAILABLE);
            },
            &[
                "login_server.outcome=cannot_tell",
                "login_server.reason=keys_unavailable",
                "login_server.cached=false",
                "http.response.status_code=503",
            ],
            Status::error(""),
        ),
        (
            |span| {
                span.rejected(RequestFault::Overloaded);
                span.answered(StatusCode::SERVICE_UNAVAILABLE);
            },
            &[
                "login_server.outcome=rejected",
                "login_server.reason=overloaded",
                "http.response.status_code=503",
            ],
            Status::error(""),
        ),
    ];
    let (traces, mut spans) = traces(1.0);
    for (end, expected, status) in ends {
        let span = traces.review(&HeaderMap::new());
        end(&span);
        drop(span);
        let span = spans.receiver.try_recv().unwrap();
        assert_eq!(told(&span), expected);
        assert_eq!(span.status, status);
    }
}

#[test]
fn spans_that_nobody_fetches_are_counted_and_cost_no_review_anything() {
    let (traces, mut spans) = traces(1.0);
    let waiting = spans.receiver.max_capacity();
    for _ in 0..waiting + 3 {
        drop(traces.review(&HeaderMap::new()));
    }
    assert_eq!(traces.dropped(), 3);
    assert!(spans.receiver.try_recv().is_ok());
}

#[test]
fn without_a_collector_nothing_is_recorded() {
    let traces = Traces::new(None).unwrap();
    assert!(traces.review(&headers(Some(CALLER_RECORDS))).0.is_none());
    assert_eq!(traces.dropped(), 0);
}
