//! Maps method and path to a handler.
//! Never chooses the handler by the query: kube-apiserver adds `?timeout=30s`.

use std::{pin::pin, sync::Arc};

use http::{Method, Request, StatusCode};
use login_common::client_configuration;
use login_review::RequestFault;

use crate::{
    embedded::Embedded,
    handlers::{
        authorize, device, discovery, health, metrics,
        panic::guarded,
        response::{Reply, method_not_allowed, text},
        review, token,
        visit::Visit,
    },
    serve::{Answering, Arriving, Caller, ConnectionEvent},
    start::State,
    telemetry::refusals::Endpoint,
};

/// The listener for kube-apiserver, and for users and clients that sign in.
pub struct Main(pub Arc<State>);

/// The listener for load balancers, kubelets and Prometheus.
pub struct Health(pub Arc<State>);

impl Answering for Main {
    fn observe(&self, event: ConnectionEvent) {
        self.0.metrics.connections.count(event);
    }

    async fn answer(self: Arc<Self>, caller: Caller, request: Request<Arriving>) -> Reply {
        let work = pin!(main(&self.0, caller, request));
        if let Ok(reply) = guarded(work).await {
            return reply;
        }
        tracing::error!("a handler panicked");
        review::internal_error()
    }
}

impl Answering for Health {
    async fn answer(self: Arc<Self>, _: Caller, request: Request<Arriving>) -> Reply {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/livez" | "/readyz" | "/metrics" if !is_read => method_not_allowed("GET, HEAD"),
            "/livez" => health::live(),
            "/readyz" => {
                let is_verbose =
                    request.uri().query().is_some_and(|query| query.contains("verbose"));
                health::ready(&self.0, is_verbose).await
            }
            "/metrics" => metrics::metrics(&self.0, request.headers()),
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

async fn main(state: &State, caller: Caller, request: Request<Arriving>) -> Reply {
    if request.uri().path() == "/authenticate" {
        return review::review(state, caller, request).await;
    }
    if is_published_client(state, request.uri().path())
        && let Some(document) = &state.in_force().published_client
    {
        return match *request.method() {
            Method::GET | Method::HEAD => discovery::published_client(document),
            _ => method_not_allowed("GET, HEAD"),
        };
    }
    match &state.embedded {
        // Boxed, so that reviews do not move a future with room for all the pages.
        Some(embedded) => Box::pin(issuer(state, embedded, caller, request)).await,
        None => review::faulty(RequestFault::NotFound),
    }
}

/// Whether `path` is the published client's: at the root, or below the path of the embedded issuer,
/// which a proxy may forward alone.
fn is_published_client(state: &State, path: &str) -> bool {
    let base = state.embedded.as_ref().map_or("", |embedded| embedded.paths.base.as_str());
    path == client_configuration::PATH
        || path.strip_prefix(base).is_some_and(|rest| rest == client_configuration::PATH)
}

async fn issuer(
    state: &State,
    embedded: &Embedded,
    caller: Caller,
    request: Request<Arriving>,
) -> Reply {
    let (limits, source) = (&state.limits, caller.source);
    let visit = |endpoint| Visit { embedded, limits, source, endpoint };
    // An issuer such as `https://example.com/login` has its endpoints below that path.
    let Some(path) = request.uri().path().strip_prefix(embedded.paths.base.as_str()) else {
        return review::faulty(RequestFault::NotFound);
    };
    let query = || request.uri().query().unwrap_or_default().to_owned();
    let method = match *request.method() {
        Method::GET | Method::HEAD => Verb::Read,
        Method::POST => Verb::Post,
        _ => Verb::Other,
    };
    match (path, method) {
        ("/.well-known/openid-configuration", Verb::Read) => discovery::metadata(embedded),
        ("/jwks", Verb::Read) => discovery::key_set(embedded),
        ("/authorize", Verb::Read) => {
            authorize::show_form(visit(Endpoint::Authorize), query()).await
        }
        ("/authorize", Verb::Post) => authorize::submit(visit(Endpoint::Authorize), request).await,
        ("/device", Verb::Read) => device::show_form(visit(Endpoint::Device), &query()).await,
        ("/device", Verb::Post) => device::submit(visit(Endpoint::Device), request).await,
        ("/device_authorization", Verb::Post) => {
            token::device_authorization(visit(Endpoint::DeviceAuthorization), request).await
        }
        ("/token", Verb::Post) => token::token(state, visit(Endpoint::Token), request).await,
        ("/revoke", Verb::Post) => token::revoke(state, visit(Endpoint::Revoke), request).await,
        ("/.well-known/openid-configuration" | "/jwks", _) => method_not_allowed("GET, HEAD"),
        ("/authorize" | "/device", _) => method_not_allowed("GET, HEAD, POST"),
        ("/device_authorization" | "/token" | "/revoke", _) => method_not_allowed("POST"),
        _ => review::faulty(RequestFault::NotFound),
    }
}

#[derive(Clone, Copy)]
enum Verb {
    Read,
    Post,
    Other,
}
