//! Maps method and path to a handler.
//! Never chooses the handler by the query: kube-apiserver adds `?timeout=30s`.

use std::{pin::pin, sync::Arc};

use http::{Method, Request, StatusCode};
use login_common::client_configuration;
use login_review::RequestFault;

use crate::{
    admin::Admin,
    handlers::{
        authorize, device, discovery, health, metrics,
        panic::guarded,
        response::{Reply, method_not_allowed, text},
        review, token,
        visit::Visit,
    },
    in_force::Configurations,
    issuer::IssuerService,
    review::ReviewService,
    serve::{Answering, Arriving, Caller, ConnectionEvent},
    telemetry::{metrics::connections::ConnectionCounts, refusals::Endpoint},
};

/// The listener for kube-apiserver, and for users and clients that sign in.
pub struct Main {
    /// Answers reviews.
    pub reviews: Arc<ReviewService>,
    /// Serves the embedded issuer, if there is one.
    pub issuer: Option<Arc<IssuerService>>,
    /// The configuration in force, which has the published client.
    pub configurations: Arc<Configurations>,
    /// Counts connections.
    pub connections: Arc<ConnectionCounts>,
}

/// The listener for load balancers, kubelets and Prometheus.
pub struct Health(pub Arc<Admin>);

impl Answering for Main {
    fn observe(&self, event: ConnectionEvent) {
        self.connections.count(event);
    }

    async fn answer(self: Arc<Self>, caller: Caller, request: Request<Arriving>) -> Reply {
        let work = pin!(main(&self, caller, request));
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

async fn main(main: &Main, caller: Caller, request: Request<Arriving>) -> Reply {
    if request.uri().path() == "/authenticate" {
        return review::review(&main.reviews, caller, request).await;
    }
    if is_published_client(main, request.uri().path())
        && let Some(document) = &main.configurations.current().published_client
    {
        return match *request.method() {
            Method::GET | Method::HEAD => discovery::published_client(document),
            _ => method_not_allowed("GET, HEAD"),
        };
    }
    match &main.issuer {
        // Boxed, so that reviews do not move a future with room for all the pages.
        Some(service) => Box::pin(issuer(service, caller, request)).await,
        None => review::faulty(RequestFault::NotFound),
    }
}

/// Whether `path` is the published client's: at the root, or below the path of the embedded issuer,
/// which a proxy may forward alone.
fn is_published_client(main: &Main, path: &str) -> bool {
    let base = main.issuer.as_ref().map_or("", |issuer| issuer.embedded.paths.base.as_str());
    path == client_configuration::PATH
        || path.strip_prefix(base).is_some_and(|rest| rest == client_configuration::PATH)
}

async fn issuer(service: &IssuerService, caller: Caller, request: Request<Arriving>) -> Reply {
    let (embedded, source) = (&service.embedded, caller.source);
    let visit = |endpoint| Visit { embedded, source, endpoint };
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
        ("/token", Verb::Post) => token::token(service, visit(Endpoint::Token), request).await,
        ("/revoke", Verb::Post) => token::revoke(service, visit(Endpoint::Revoke), request).await,
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
