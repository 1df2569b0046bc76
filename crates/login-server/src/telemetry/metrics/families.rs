//! Every metric: its name, its kind, and its help text.
//! Declare every metric here: docs/src/reference/metrics.md lists these and no others.

use login_review::RemoteKind;
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

/// The metrics of questions to other parties: of one kind, or for groups.
#[derive(Clone, Copy, Debug)]
pub struct RemoteFamilies {
    /// Questions; labels: `label` and `result`.
    pub requests: &'static Family,
    /// Whether the circuit breaker is open; label: `label`.
    pub circuit_open: &'static Family,
    /// Holds the hash of the party's URL.
    pub label: &'static str,
    /// The result of an answer that vouches for the token.
    pub good: &'static str,
    /// The result of an answer that does not; without a name it counts as failed.
    pub bad: Option<&'static str>,
}

/// Questions for distributed groups.
pub const GROUPS: RemoteFamilies = RemoteFamilies {
    requests: &GROUPS_REQUESTS,
    circuit_open: &GROUPS_CIRCUIT_OPEN,
    label: "jwt_issuer_hash",
    good: "fetched",
    bad: None,
};

/// Questions to the parties of `kind`.
pub const fn remote(kind: RemoteKind) -> RemoteFamilies {
    match kind {
        // recipe: authenticator
        RemoteKind::Introspection => RemoteFamilies {
            requests: &INTROSPECTION_REQUESTS,
            circuit_open: &INTROSPECTION_CIRCUIT_OPEN,
            label: "endpoint_hash",
            good: "active",
            bad: Some("inactive"),
        },
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

// recipe: metric
families! {
    REVIEWS = Counter "login_server_reviews" ["outcome`, `reason"]
        "Token reviews answered, including those answered from the cache.";
    REVIEW_DURATION = Histogram "login_server_review_duration_seconds" ["outcome`, `origin"]
        "Time from a review's request line to its answer; origin is judged (verified now) or cache.";
    REVIEWS_IN_FLIGHT = Gauge "login_server_reviews_in_flight" [""]
        "Token reviews in progress.";
    REJECTED_REQUESTS = Counter "login_server_rejected_requests" ["reason"]
        "Requests that got no verdict; reason overloaded means that load was shed.";
    RESULT_CACHE_REQUESTS = Counter "login_server_result_cache_requests" ["result"]
        "Result cache lookups; result is hit or miss.";
    RESULT_CACHE_SHARED = Counter "login_server_result_cache_shared" [""]
        "Reviews coalesced with an identical one in flight; they also count as hits.";
    RESULT_CACHE_ANSWERS = Gauge "login_server_result_cache_answers" ["outcome"]
        "Answers in the result cache.";
    RESULT_CACHE_EVICTIONS = Counter "login_server_result_cache_evictions" [""]
        "Answers evicted from the result cache to free memory.";
    RESULT_CACHE_BYTES = Gauge "login_server_result_cache_bytes" [""]
        "Memory used by the answers in the result cache.";
    KEY_SET_AVAILABLE = Gauge "login_server_jwks_available" ["jwt_issuer_hash"]
        "Whether keys of the issuer are available, fresh or stale.";
    KEY_SET_FAILURES = Gauge "login_server_jwks_consecutive_failures" ["jwt_issuer_hash"]
        "Consecutive failed fetches of the issuer's keys.";
    KEY_SET_KEYS = Gauge "login_server_jwks_keys" ["jwt_issuer_hash`, `usable"]
        "Keys in the issuer's key set; those that are not usable are ignored.";
    KEY_SET_FETCHES = Counter "login_server_jwks_fetches" ["jwt_issuer_hash`, `result"]
        "Fetches of the issuer's keys; result is changed, unchanged or failed.";
    KEY_SET_LAST_FETCH = Gauge "login_server_jwks_fetch_last_timestamp_seconds" ["jwt_issuer_hash"]
        "When the issuer last confirmed the keys in use, possibly to an earlier process.";
    KEY_SET_AGE = Gauge "login_server_jwks_age_seconds" ["jwt_issuer_hash"]
        "Time since the issuer last confirmed the keys in use.";
    KEY_SET_CIRCUIT_OPEN = Gauge "login_server_jwks_circuit_open" ["jwt_issuer_hash"]
        "Whether the circuit breaker of the issuer is open: no requests are sent to it.";
    UNKNOWN_KEY_IDS = Counter "login_server_jwks_unknown_key_ids" ["jwt_issuer_hash"]
        "Tokens whose `kid` was not in the key set in use.";
    CLOCK_SKEW = Gauge "login_server_issuer_clock_skew_seconds" ["jwt_issuer_hash"]
        "The issuer's clock minus this server's, from the Date header of its responses.";
    INTROSPECTION_REQUESTS = Counter "login_server_introspection_requests" ["endpoint_hash`, `result"]
        "Introspections of opaque tokens; result is active, inactive, failed, turned_away (circuit open or queue full) or repeated (from the cache).";
    INTROSPECTION_CIRCUIT_OPEN = Gauge "login_server_introspection_circuit_open" ["endpoint_hash"]
        "Whether the circuit breaker of the endpoint is open: no requests are sent to it.";
    GROUPS_REQUESTS = Counter "login_server_distributed_groups_requests" ["jwt_issuer_hash`, `result"]
        "Fetches of distributed groups; result is fetched, failed, turned_away (circuit open or queue full) or repeated (from the cache).";
    GROUPS_CIRCUIT_OPEN = Gauge "login_server_distributed_groups_circuit_open" ["jwt_issuer_hash"]
        "Whether a circuit breaker of the issuer's group endpoints is open: no requests are sent there.";
    REVOCATIONS = Gauge "login_server_revocation_entries" [""]
        "Entries of the revocation list in force.";
    ENDED_SESSIONS = Gauge "login_server_ended_sessions" [""]
        "Sessions of the embedded issuer that ended before their tokens expire.";
    ISSUER_REFUSALS = Counter "login_server_issuer_refusals" ["endpoint`, `error"]
        "Requests that the embedded issuer refused; error is the OAuth error or a similar word; busy and failed are not the fault of the request.";
    RELOADS = Counter "login_server_config_automatic_reloads" ["kind`, `status"]
        "Reloads of configuration files; status is success (the start is the first) or failure (the earlier files stay in force).";
    RELOAD_LAST = Gauge "login_server_config_automatic_reload_last_timestamp_seconds" ["kind`, `status"]
        "When the last reload with this status happened.";
    RELOAD_PENDING_FAULT = Gauge "login_server_config_faulty" ["kind"]
        "Whether the files on disk are faulty, so that earlier ones stay in force.";
    CONFIG_INFO = Gauge "login_server_config_last_config_info" ["kind`, `hash"]
        "Always 1; hash covers the bytes of all files in force that hold no secret.";
    CERTIFICATE_EXPIRATION = Gauge "login_server_certificate_expiration_timestamp_seconds" ["use"]
        "When the serving certificate (serving) and the client CA (client_ca) expire.";
    CONNECTIONS = Counter "login_server_connections" [""]
        "Connections that the main listener accepted.";
    CONNECTIONS_OPEN = Gauge "login_server_connections_open" [""]
        "Connections of the main listener that are open.";
    CONNECTIONS_DISPLACED = Counter "login_server_connections_displaced" [""]
        "Connections that had not authenticated and were closed in favour of newer ones.";
    TLS_HANDSHAKE_FAILURES = Counter "login_server_tls_handshake_failures" [""]
        "TLS handshakes that failed or timed out.";
    AUDIT_RECORDS_DROPPED = Counter "login_server_audit_records_dropped" [""]
        "Audit records lost because the file could not be written.";
    TRACE_SPANS_DROPPED = Counter "login_server_trace_spans_dropped" [""]
        "Trace spans that did not reach the collector.";
    DRAINING = Gauge "login_server_draining" [""]
        "Whether the server is shutting down.";
    BUILD_INFO = Gauge "login_server_build_info" ["version"]
        "Always 1; version is that of the program.";
    PROCESS_CPU = Counter "process_cpu_seconds" [""]
        "User and system CPU time.";
    PROCESS_RESIDENT_MEMORY = Gauge "process_resident_memory_bytes" [""]
        "Resident memory.";
    PROCESS_OPEN_FILES = Gauge "process_open_fds" [""]
        "Open file descriptors.";
    PROCESS_MAX_FILES = Gauge "process_max_fds" [""]
        "Limit on open file descriptors.";
    PROCESS_START_TIME = Gauge "process_start_time_seconds" [""]
        "When the process started, in seconds since the epoch.";
}
