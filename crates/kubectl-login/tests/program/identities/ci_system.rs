//! Simulates the documented token services of CI systems on a loopback port.
//! Never replaces an issuer: nothing verifies its signatures here.

use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use url::Url;

use crate::http_server::{self, Response, response};

/// The issuer of tokens for GitHub Actions jobs.
pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";
/// The issuer of tokens for the jobs of an organization in Azure DevOps.
pub(crate) const AZURE: &str = "https://vstoken.dev.azure.com/0ca3ddd9";
/// The only audience of Azure Pipelines.
pub(crate) const AZURE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// A running CI system; ends with the test process.
pub(crate) struct CiSystem {
    url: String,
    /// Every request: method, target and body.
    requests: Arc<Mutex<Vec<String>>>,
    /// `Some` responds to every request with that status.
    failure: Arc<Mutex<Option<u16>>>,
}

impl CiSystem {
    /// Starts on a free port.
    pub(crate) fn start() -> Self {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let failure: Arc<Mutex<Option<u16>>> = Arc::default();
        let (received, failing) = (Arc::clone(&requests), Arc::clone(&failure));
        let url = http_server::serve(move |url, request| {
            let body = String::from_utf8_lossy(request.body());
            let line = format!("{} {} {body}", request.method(), request.uri());
            received.lock().unwrap().push(line.trim_end().to_owned());
            let bearer = request.headers().get("authorization").map(|it| it.to_str().unwrap());
            let job = bearer.and_then(|it| it.strip_prefix("Bearer "));
            let status = *failing.lock().unwrap();
            Some(match status {
                Some(status) => response(status, ""),
                None => answer(request.method().as_str(), url, job),
            })
        });
        Self { url, requests, failure }
    }

    /// The variables of a job with `permissions: id-token: write`.
    pub(crate) fn github_job(&self, token: &str) -> Vec<(&'static str, String)> {
        vec![
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/github?api-version=2.0", self.url)),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token.to_owned()),
        ]
    }

    /// The variables of a step that maps `System.AccessToken`.
    pub(crate) fn azure_job(&self, token: &str) -> Vec<(&'static str, String)> {
        vec![
            ("TF_BUILD", "True".to_owned()),
            ("SYSTEM_OIDCREQUESTURI", format!("{}/azure/oidctoken", self.url)),
            ("SYSTEM_ACCESSTOKEN", token.to_owned()),
        ]
    }

    /// All requests, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Responds to every request with `status` from now on.
    pub(crate) fn fail(&self, status: u16) {
        *self.failure.lock().unwrap() = Some(status);
    }
}

fn answer(method: &str, url: &Url, job: Option<&str>) -> Response {
    let parameter = |wanted: &str| {
        url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let Some(job) = job.filter(|job| job.starts_with("job-")) else {
        return response(401, r#"{"message":"no"}"#);
    };
    match (method, url.path()) {
        ("GET", "/github") if parameter("api-version").as_deref() == Some("2.0") => {
            // The default audience is the repository's owner.
            let audience = parameter("audience").unwrap_or_else(|| "https://github.com/o".into());
            let token = jwt(GITHUB, &audience, &format!("repo:o/r:ref:refs/heads/main:{job}"), 300);
            response(200, json!({ "count": 1, "value": token }).to_string())
        }
        // To GET it responds with a page.
        ("POST", "/azure/oidctoken") if parameter("api-version").as_deref() == Some("7.1") => {
            let subject = parameter("serviceConnectionId")
                .map_or_else(|| "p://o/p/pipeline".to_owned(), |id| format!("sc://o/p/{id}"));
            response(
                200,
                json!({ "oidcToken": jwt(AZURE, AZURE_AUDIENCE, &subject, 300) }).to_string(),
            )
        }
        _ => response(404, ""),
    }
}

/// A JWT that expires `life` seconds from now.
pub(crate) fn jwt(issuer: &str, audience: &str, subject: &str, life: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let claims =
        json!({ "iss": issuer, "aud": audience, "sub": subject, "iat": now, "exp": now + life });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"RS256","kid":"1"}"#);
    format!("{header}.{}.{}", part(&claims.to_string()), part(&"s".repeat(64)))
}
