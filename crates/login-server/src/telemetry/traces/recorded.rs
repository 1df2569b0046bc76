//! The span of a review: part of the caller's trace, with the outcome.
//! Never includes a token's content: only outcome, reason, the issuer's hash and the decision's ID.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, StatusCode};
use login_review::RequestFault;
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator as _,
    trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span},
};

use super::{
    TraceError, TraceSettings,
    export::{Collector, Exporting, Queue, Spans},
};
use crate::telemetry::{
    decision::{Decided, Origin},
    metrics::issuer_hash,
};

const PROGRAM: &str = "login-server";

/// Starts spans. One per server.
#[derive(Debug)]
pub struct Traces(Option<Recording>);

#[derive(Debug)]
struct Recording {
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
    queue: Queue,
    /// None once `export` was called.
    way_out: Mutex<Option<(Spans, Collector)>>,
}

/// The span of one review, if it is recorded. Dropping it ends it.
#[derive(Debug)]
pub struct ReviewSpan(Option<Box<Mutex<Span>>>);

impl Traces {
    /// Prepares the exporter; sends nothing yet.
    pub fn new(settings: Option<&TraceSettings>) -> Result<Self, TraceError> {
        let Some(settings) = settings else { return Ok(Self(None)) };
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name(PROGRAM).with_attribute(version).build();
        let collector = Collector::new(settings.endpoint.as_str(), &resource)?;
        let (queue, spans) = Queue::new();
        let recording = Recording {
            tracer: tracer(queue.clone(), settings.sampling, resource),
            propagator: TraceContextPropagator::new(),
            queue,
            way_out: Mutex::new(Some((spans, collector))),
        };
        Ok(Self(Some(recording)))
    }

    /// Starts the span of a review with these `headers`, as part of the caller's trace (W3C Trace
    /// Context §3.2) if there is one.
    pub fn review(&self, headers: &HeaderMap) -> ReviewSpan {
        let Some(recording) = &self.0 else { return ReviewSpan(None) };
        let headers = HeaderExtractor(headers);
        let parent = recording.propagator.extract_with_context(&Context::new(), &headers);
        let builder = recording.tracer.span_builder("TokenReview").with_kind(SpanKind::Server);
        let span = builder.start_with_context(&recording.tracer, &parent);
        ReviewSpan(span.is_recording().then(|| Box::new(Mutex::new(span))))
    }

    /// Starts sending spans. Only the first call has an effect.
    pub fn export(&self) -> Exporting {
        let way_out = |recording: &Recording| {
            recording.way_out.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        Exporting::begin(self.0.as_ref().and_then(way_out))
    }

    /// Spans lost since the start.
    pub fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |recording| recording.queue.dropped())
    }
}

fn tracer(queue: Queue, sampling: f64, resource: Resource) -> SdkTracer {
    let of_their_own = Sampler::TraceIdRatioBased(sampling);
    SdkTracerProvider::builder()
        .with_span_processor(queue)
        .with_sampler(Sampler::ParentBased(Box::new(of_their_own)))
        .with_resource(resource)
        .build()
        .tracer(PROGRAM)
}

impl ReviewSpan {
    /// No span: for a caller that is not authenticated yet.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The request was not judged.
    pub fn rejected(&self, fault: RequestFault) {
        self.tell(|span| {
            span.set_attribute(KeyValue::new("login_server.outcome", "rejected"));
            span.set_attribute(KeyValue::new("login_server.reason", fault.as_str()));
        });
    }

    /// The outcome of the review, decided now or taken from the cache.
    pub fn decided(&self, decided: Decided, origin: Origin) {
        self.tell(|span| {
            span.set_attribute(KeyValue::new("login_server.outcome", decided.outcome.as_str()));
            if let Some(reason) = decided.outcome.reason() {
                span.set_attribute(KeyValue::new("login_server.reason", reason));
            }
            span.set_attribute(KeyValue::new("login_server.cached", origin == Origin::Cache));
            let id = decided.id.to_string();
            span.set_attribute(KeyValue::new("login_server.decision_id", id));
        });
    }

    /// The configured issuer that the token names.
    pub fn issuer(&self, issuer: Option<&str>) {
        let Some(issuer) = issuer else { return };
        self.tell(|span| {
            let hash = issuer_hash(issuer);
            span.set_attribute(KeyValue::new("login_server.jwt_issuer_hash", hash));
        });
    }

    /// The status of the response. A refusal is not an error of the span; a server error (5xx) is.
    pub fn answered(&self, status: StatusCode) {
        self.tell(|span| {
            let code = i64::from(status.as_u16());
            span.set_attribute(KeyValue::new("http.response.status_code", code));
            if status.is_server_error() {
                span.set_status(Status::error(""));
            }
        });
    }

    fn tell(&self, change: impl FnOnce(&mut Span)) {
        if let Some(span) = &self.0 {
            change(&mut span.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests;
