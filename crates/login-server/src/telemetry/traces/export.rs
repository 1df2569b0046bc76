//! Sends ended spans to the collector: a bounded queue, and one task that empties it.
//! Never blocks a review, never sends more than one batch at a time, never retries one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_otlp::{
    Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{
    sync::{
        Notify,
        mpsc::{self, Receiver},
    },
    task::JoinSet,
    time::timeout,
};
use url::Url;

use super::TraceError;
use crate::{
    outgoing::{Connections, Outgoing},
    telemetry::log_throttle::LogThrottle,
};

/// Spans that may wait; some 2 MiB.
const WAITING: usize = 2048;
/// Spans in one request at most.
const BATCH: usize = 512;
/// How long a span waits for others in the same request.
const PAUSE: Duration = Duration::from_secs(1);
/// Timeout of a request, from connect to the last byte of the response.
const REQUEST: Duration = Duration::from_secs(5);
/// Timeout for the spans that are left when the server ends.
const END: Duration = Duration::from_secs(3);

/// Receives ended spans.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    sender: mpsc::Sender<SpanData>,
    dropped: Arc<AtomicU64>,
}

/// The other end of the queue.
#[derive(Debug)]
pub(super) struct Spans {
    pub(super) receiver: Receiver<SpanData>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    pub(super) fn new() -> (Self, Spans) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        (Self { sender, dropped: Arc::clone(&dropped) }, Spans { receiver, dropped })
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.sender.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The collector, and how its failures are logged.
#[derive(Debug)]
pub(super) struct Collector {
    endpoint: String,
    exporter: SpanExporter,
    failures: LogThrottle,
}

impl Collector {
    pub(super) fn new(endpoint: &str, resource: &Resource) -> Result<Self, TraceError> {
        let because = |source| TraceError { endpoint: endpoint.to_owned(), source };
        let url = Url::parse(endpoint).map_err(|fault| because(fault.into()))?;
        let outgoing = Outgoing::new(None, REQUEST, Connections::Shared);
        let client = outgoing.client(&url).map_err(|fault| because(fault.into()))?;
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(REQUEST)
            .with_http_client(client.clone())
            // Its waits would block a thread that serves reviews.
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|fault| because(fault.into()))?;
        exporter.set_resource(resource);
        Ok(Self { endpoint: endpoint.to_owned(), exporter, failures: LogThrottle::default() })
    }
}

/// The task that sends spans; dropping it stops it at once.
#[derive(Debug)]
pub struct Exporting {
    task: JoinSet<()>,
    ending: Arc<Notify>,
}

impl Exporting {
    pub(super) fn begin(way_out: Option<(Spans, Collector)>) -> Self {
        let (mut task, ending) = (JoinSet::new(), Arc::new(Notify::new()));
        if let Some((spans, collector)) = way_out {
            let ending = Arc::clone(&ending);
            task.spawn(async move { spans.drive(&collector, &ending).await });
        }
        Self { task, ending }
    }

    /// Sends what is left, within `END`.
    pub async fn end(mut self) {
        self.ending.notify_one();
        if timeout(END, self.task.join_next()).await.is_err() {
            tracing::warn!("the last spans did not reach the collector in time");
        }
    }
}

impl Spans {
    async fn drive(mut self, collector: &Collector, ending: &Notify) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = ending.notified() => break,
                has_some = self.gather(&mut batch) => {
                    if !has_some {
                        return;
                    }
                    self.send(&mut batch, collector).await;
                }
            }
        }
        self.receiver.close();
        while !batch.is_empty() || self.receiver.recv_many(&mut batch, BATCH).await > 0 {
            self.send(&mut batch, collector).await;
        }
    }

    /// Waits for one span, and briefly for more; false when the queue is closed and empty.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) -> bool {
        if self.receiver.recv_many(batch, BATCH).await == 0 {
            return false;
        }
        let others = async {
            while batch.len() < BATCH
                && self.receiver.recv_many(batch, BATCH - batch.len()).await > 0
            {}
        };
        // Ends with a full batch, or after `PAUSE`.
        let _ = timeout(PAUSE, others).await;
        true
    }

    async fn send(&self, batch: &mut Vec<SpanData>, collector: &Collector) {
        let lost = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let Err(fault) = collector.exporter.export(std::mem::take(batch)).await else { return };
        self.dropped.fetch_add(lost, Ordering::Relaxed);
        if let Some(failures) = collector.failures.turn() {
            let endpoint = &collector.endpoint;
            tracing::warn!(endpoint, error = %fault, failures, "spans did not reach the collector");
        }
    }
}
