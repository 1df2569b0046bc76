//! Every metric: its name, its kind, and its help text.
//! Declare every metric here: docs/src/reference/metrics.md lists these and no others.

use prometheus_client::metrics::MetricType;

/// The metadata of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Without the `_total` that the samples of a counter end in.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: MetricType,
    /// The labels as the documentation lists them.
    pub labels: &'static str,
    /// One sentence.
    pub help: &'static str,
}

impl Family {
    /// The family's row in docs/src/reference/metrics.md.
    pub fn row(&self) -> String {
        let Self { name, kind, labels, help } = self;
        let suffix = if matches!(kind, MetricType::Counter) { "_total" } else { "" };
        let labels = if labels.is_empty() { String::new() } else { format!("`{labels}`") };
        format!("| `{name}{suffix}` | {} | {labels} | {help} |", kind.as_str())
    }
}

macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$labels:literal] $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: Family = Family {
            name: $name,
            kind: MetricType::$kind,
            labels: $labels,
            help: $help,
        };)+

        /// All of them, in the order of the exposition.
        pub const ALL: &[Family] = &[$($constant),+];
    };
}

families! {
    REVIEWS = Counter "login_server_reviews" ["outcome`, `reason"]
        "Token reviews that were answered, also from the cache.";
    REVIEW_DURATION = Histogram "login_server_review_duration_seconds" ["outcome`, `origin"]
        "Time from a review's request line to its answer; origin is judged or cache.";
    REVIEWS_IN_FLIGHT = Gauge "login_server_reviews_in_flight" [""]
        "Token reviews that are being judged at this moment.";
    REJECTED_REQUESTS = Counter "login_server_rejected_requests" ["reason"]
        "Requests that were not judged; reason overloaded means that load was shed.";
    RESULT_CACHE_REQUESTS = Counter "login_server_result_cache_requests" ["result"]
        "Questions that the result cache knew an answer to (hit), or not (miss).";
    RESULT_CACHE_SHARED = Counter "login_server_result_cache_shared" [""]
        "Questions that waited for the verdict on an equal one; they count as hits, too.";
    RESULT_CACHE_ANSWERS = Gauge "login_server_result_cache_answers" ["outcome"]
        "Answers in the result cache.";
    RESULT_CACHE_EVICTIONS = Counter "login_server_result_cache_evictions" [""]
        "Answers that made room for others.";
    RESULT_CACHE_BYTES = Gauge "login_server_result_cache_bytes" [""]
        "Memory of the answers in the result cache.";
    KEY_SET_AVAILABLE = Gauge "login_server_jwks_available" ["jwt_issuer_hash"]
        "Whether there are keys to verify the issuer's tokens with, fresh or stale.";
    KEY_SET_FAILURES = Gauge "login_server_jwks_consecutive_failures" ["jwt_issuer_hash"]
        "Fetches of the issuer's keys that failed since the last good one.";
    KEY_SET_KEYS = Gauge "login_server_jwks_keys" ["jwt_issuer_hash`, `usable"]
        "Keys of the issuer's key set; those that are not usable are skipped.";
    KEY_SET_FETCHES = Counter "login_server_jwks_fetches" ["jwt_issuer_hash`, `result"]
        "Fetches of the issuer's keys; result is changed, unchanged or failed.";
    KEY_SET_LAST_FETCH = Gauge "login_server_jwks_fetch_last_timestamp_seconds" ["jwt_issuer_hash"]
        "When the issuer last stood by the keys that are in use, also in an earlier process.";
    KEY_SET_AGE = Gauge "login_server_jwks_age_seconds" ["jwt_issuer_hash"]
        "How long ago that was.";
    KEY_SET_CIRCUIT_OPEN = Gauge "login_server_jwks_circuit_open" ["jwt_issuer_hash"]
        "Whether the issuer is left alone for a while, because it failed.";
    UNKNOWN_KEY_IDS = Counter "login_server_jwks_unknown_key_ids" ["jwt_issuer_hash"]
        "Tokens that named a key which was not in the set in use.";
    CLOCK_SKEW = Gauge "login_server_issuer_clock_skew_seconds" ["jwt_issuer_hash"]
        "The issuer's clock less ours, by the Date of its answers.";
    INTROSPECTION_REQUESTS = Counter "login_server_introspection_requests" ["endpoint_hash`, `result"]
        "Questions about opaque tokens; result is active, inactive, failed, turned_away (out of order, or too many wait) or repeated.";
    INTROSPECTION_CIRCUIT_OPEN = Gauge "login_server_introspection_circuit_open" ["endpoint_hash"]
        "Whether the endpoint is left alone for a while, because it failed.";
    GROUPS_REQUESTS = Counter "login_server_distributed_groups_requests" ["jwt_issuer_hash`, `result"]
        "Requests for groups that tokens keep elsewhere; result is fetched, failed, turned_away (out of order, or too many wait) or repeated.";
    GROUPS_CIRCUIT_OPEN = Gauge "login_server_distributed_groups_circuit_open" ["jwt_issuer_hash"]
        "Whether the places of groups are left alone for a while, because they failed.";
    REVOCATIONS = Gauge "login_server_revocation_entries" [""]
        "Entries of the revocation list in force.";
    ENDED_SESSIONS = Gauge "login_server_ended_sessions" [""]
        "Sessions of the embedded issuer that ended before their tokens do.";
    ISSUER_REFUSALS = Counter "login_server_issuer_refusals" ["endpoint`, `error"]
        "Requests that the embedded issuer refused; error is its OAuth error or a word like it; busy and failed are no faults of the request.";
    RELOADS = Counter "login_server_config_automatic_reloads" ["kind`, `status"]
        "Files that came into force (success; the start is the first) or were kept out by a fault (failure).";
    RELOAD_LAST = Gauge "login_server_config_automatic_reload_last_timestamp_seconds" ["kind`, `status"]
        "When that last happened.";
    RELOAD_PENDING_FAULT = Gauge "login_server_config_faulty" ["kind"]
        "Whether the files, as they lie there now, are kept out by a fault.";
    CONFIG_INFO = Gauge "login_server_config_last_config_info" ["kind`, `hash"]
        "Always 1; hash is over the bytes of all files in force that hold no secret.";
    CERTIFICATE_EXPIRATION = Gauge "login_server_certificate_expiration_timestamp_seconds" ["use"]
        "When the serving certificate (serving) and the client CA (client_ca) end.";
    CONNECTIONS = Counter "login_server_connections" [""]
        "Connections that the main listener accepted.";
    CONNECTIONS_OPEN = Gauge "login_server_connections_open" [""]
        "Connections of the main listener that are open.";
    CONNECTIONS_DISPLACED = Counter "login_server_connections_displaced" [""]
        "Connections that had shown nothing and were dropped, so that newer ones had their places.";
    TLS_HANDSHAKE_FAILURES = Counter "login_server_tls_handshake_failures" [""]
        "TLS handshakes that failed or took too long.";
    AUDIT_RECORDS_DROPPED = Counter "login_server_audit_records_dropped" [""]
        "Audit records that the file could not take.";
    TRACE_SPANS_DROPPED = Counter "login_server_trace_spans_dropped" [""]
        "Spans of traces that did not reach the collector.";
    DRAINING = Gauge "login_server_draining" [""]
        "Whether the server is on its way out.";
    BUILD_INFO = Gauge "login_server_build_info" ["version"]
        "Always 1; which build this is.";
    PROCESS_CPU = Counter "process_cpu_seconds" [""]
        "Processor time spent, by user and system together.";
    PROCESS_RESIDENT_MEMORY = Gauge "process_resident_memory_bytes" [""]
        "Resident memory.";
    PROCESS_OPEN_FILES = Gauge "process_open_fds" [""]
        "Open file descriptors.";
    PROCESS_MAX_FILES = Gauge "process_max_fds" [""]
        "File descriptors that may be open.";
    PROCESS_START_TIME = Gauge "process_start_time_seconds" [""]
        "When the process started, in seconds since the epoch.";
}
