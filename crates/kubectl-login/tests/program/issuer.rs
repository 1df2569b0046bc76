//! A small issuer on a loopback port: scripted, counts requests, rotates refresh tokens.
//! Never replaces a real issuer: those are in the workspace's `tests`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use crate::http_server::{self, Response, response};

/// The issuer's next responses, and the requests so far.
pub(crate) struct Script {
    /// `Some` responds to every token request with that status and OAuth error.
    pub failure: Option<(u16, &'static str)>,
    /// The same for renewals only.
    pub refresh_failure: Option<(u16, &'static str)>,
    /// `Some` responds to every device authorization request with that status and OAuth error.
    pub device_refusal: Option<(u16, &'static str)>,
    /// How many token requests get 503.
    pub outages: usize,
    /// Whether it issues no refresh tokens.
    pub without_refresh_token: bool,
    /// Whether an error response repeats every value of the request.
    pub repeats: bool,
    /// `Some` redirects the browser back with that error.
    pub denial: Option<&'static str>,
    /// The lifetime of new tokens in seconds.
    pub life: u64,
    /// The duration of a token request.
    pub delay: Duration,
    /// The path of the token endpoint.
    pub token_path: &'static str,
    /// `grant_types_supported`; omitted if empty.
    pub grants: &'static [&'static str],
    /// Added to the discovery document.
    pub announced: serde_json::Value,
    /// `Some` refuses client assertions with another audience.
    pub assertion_audience: Option<String>,
    /// `Some` is sent in every `Date` header; assertions of other times are then refused.
    pub date: Option<(&'static str, i64)>,
    /// How many polls of the device flow get `authorization_pending`.
    pub pending: usize,
    /// Every form that the token endpoint received.
    pub requests: Vec<HashMap<String, String>>,
    /// Every form that the device authorization endpoint received.
    pub device_requests: Vec<HashMap<String, String>>,
    /// Every token that the revocation endpoint received, and the number of token requests before
    /// it.
    pub revocations: Vec<(String, usize)>,
    /// How often the discovery document was read.
    pub discoveries: usize,
    /// Set when a refresh token was used twice.
    pub reused: bool,
    refresh_token: usize,
    nonce: String,
    challenge: String,
}

/// A running issuer; ends with the test process.
pub(crate) struct Issuer {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    script: Arc<Mutex<Script>>,
}

impl Issuer {
    /// Starts on a free port.
    pub(crate) fn start() -> Self {
        let script = Arc::new(Mutex::new(Script {
            failure: None,
            refresh_failure: None,
            device_refusal: None,
            outages: 0,
            without_refresh_token: false,
            repeats: false,
            denial: None,
            life: 600,
            delay: Duration::ZERO,
            token_path: "/token",
            grants: &[],
            announced: serde_json::json!({}),
            assertion_audience: None,
            date: None,
            pending: 0,
            requests: Vec::new(),
            device_requests: Vec::new(),
            revocations: Vec::new(),
            discoveries: 0,
            reused: false,
            refresh_token: 0,
            nonce: String::new(),
            challenge: String::new(),
        }));
        let shared = Arc::clone(&script);
        let url =
            http_server::serve(move |url, request| Some(respond(url, request.body(), &shared)));
        Self { url, script }
    }

    /// The script.
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// How many token requests used that grant.
    pub(crate) fn count(&self, grant: &str) -> usize {
        self.script().requests.iter().filter(|form| form["grant_type"] == grant).count()
    }
}

fn respond(url: &Url, body: &[u8], script: &Mutex<Script>) -> Response {
    let (base, form) = (url.origin().ascii_serialization(), http_server::form(body));
    if form.contains_key("grant_type") {
        let delay = script.lock().unwrap().delay;
        std::thread::sleep(delay);
    }
    let mut script = script.lock().unwrap();
    let mut response = match url.path() {
        "/.well-known/openid-configuration" => {
            script.discoveries += 1;
            response(200, discovery(&base, &script))
        }
        "/authorize" => {
            let mut found = response(302, "");
            found.headers_mut().insert("location", authorize(url, &mut script).parse().unwrap());
            found
        }
        "/device_authorization" => {
            let is_refused = refuses_assertion(&script, &form);
            script.device_requests.push(form);
            if let Some((status, code)) = script.device_refusal {
                response(status, format!(r#"{{"error":"{code}"}}"#))
            } else if is_refused {
                response(401, INVALID_CLIENT)
            } else {
                response(200, device(&base))
            }
        }
        "/revoke" => {
            let before = script.requests.len();
            script.revocations.push((form["token"].clone(), before));
            response(200, "")
        }
        path if path == script.token_path => {
            let (status, text) = token(&base, form, &mut script);
            response(status, text)
        }
        _ => response(404, ""),
    };
    if let Some((date, _)) = script.date {
        response.headers_mut().insert("date", date.parse().unwrap());
    }
    response
}

fn discovery(base: &str, script: &Script) -> String {
    let token_path = script.token_path;
    let mut document = serde_json::json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}{token_path}"),
        "device_authorization_endpoint": format!("{base}/device_authorization"),
        "jwks_uri": format!("{base}/jwks"),
        "scopes_supported": ["openid", "offline_access"],
    });
    if !script.grants.is_empty() {
        document["grant_types_supported"] = script.grants.into();
    }
    for (name, value) in script.announced.as_object().unwrap() {
        document[name] = value.clone();
    }
    document.to_string()
}

fn device(base: &str) -> String {
    serde_json::json!({
        "device_code": "device", "user_code": "BCDF-GHJK", "interval": 1, "expires_in": 60,
        "verification_uri": format!("{base}/device"),
        "verification_uri_complete": format!("{base}/device?user_code=BCDF-GHJK"),
    })
    .to_string()
}

fn authorize(url: &Url, script: &mut Script) -> String {
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert!(query["scope"].contains("offline_access"));
    script.nonce.clone_from(&query["nonce"]);
    script.challenge = query.get("code_challenge").cloned().unwrap_or_default();
    assert!(script.challenge.is_empty() || query["code_challenge_method"] == "S256");
    let mut back = Url::parse(&query["redirect_uri"]).unwrap();
    let (name, value) = script.denial.map_or(("code", "code"), |error| ("error", error));
    back.query_pairs_mut().append_pair(name, value).append_pair("state", &query["state"]);
    back.to_string()
}

fn token(base: &str, form: HashMap<String, String>, script: &mut Script) -> (u16, String) {
    let error = |code: &str| (400, format!(r#"{{"error":"{code}"}}"#));
    let grant = form["grant_type"].clone();
    let current = format!("r{}", script.refresh_token);
    let presented = form.get("refresh_token").cloned();
    let verifier = form.get("code_verifier").cloned();
    script.requests.push(form);
    if script.outages > 0 {
        script.outages -= 1;
        return (503, "<html>".to_owned());
    }
    let refresh_failure = script.refresh_failure.filter(|_| grant == "refresh_token");
    if let Some((status, code)) = script.failure.or(refresh_failure) {
        if script.repeats {
            let values: Vec<&str> =
                script.requests.last().unwrap().values().map(String::as_str).collect();
            let said = format!("was sent {}", values.join(" "));
            let answer = serde_json::json!({ "error": code, "error_description": said });
            return (status, answer.to_string());
        }
        return (status, format!(r#"{{"error":"{code}"}}"#));
    }
    if refuses_assertion(script, script.requests.last().unwrap()) {
        return (401, INVALID_CLIENT.to_owned());
    }
    match grant.as_str() {
        "password" if script.requests.last().unwrap()["password"] != "hunter2" => {
            return error("invalid_grant");
        }
        "authorization_code" if script.challenge.is_empty() => assert!(verifier.is_none()),
        "authorization_code" => {
            let verifier = verifier.unwrap();
            if !login_protocols::oauth2::pkce::matches_s256(&verifier, &script.challenge) {
                return error("invalid_grant");
            }
        }
        "refresh_token" if presented.as_deref() != Some(&current) => {
            script.reused = true;
            return error("invalid_grant");
        }
        "refresh_token" => script.nonce.clear(),
        "client_credentials" => {
            return (
                200,
                format!(
                    r#"{{"access_token":"machine","token_type":"Bearer","expires_in":{}}}"#,
                    script.life
                ),
            );
        }
        _ if script.pending > 0 => {
            script.pending -= 1;
            return error("authorization_pending");
        }
        _ => {}
    }
    script.refresh_token += 1;
    let mut tokens = serde_json::json!({
        "access_token": "access", "token_type": "Bearer", "expires_in": script.life,
        "refresh_token": format!("r{}", script.refresh_token),
        "id_token": id_token(base, script),
    });
    if script.without_refresh_token {
        tokens.as_object_mut().unwrap().remove("refresh_token");
    }
    (200, tokens.to_string())
}

fn id_token(base: &str, script: &Script) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = serde_json::json!({
        "iss": base, "aud": "kubectl-login", "sub": "1", "preferred_username": "alice",
        "iat": now, "exp": now + script.life, "nonce": script.nonce,
        "jti": script.refresh_token,
    });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"ES256","kid":"1"}"#);
    format!("{header}.{}.{}", part(&claims.to_string()), part(&"s".repeat(64)))
}

const INVALID_CLIENT: &str = r#"{"error":"invalid_client"}"#;

fn refuses_assertion(script: &Script, form: &HashMap<String, String>) -> bool {
    let Some(wanted) = &script.assertion_audience else { return false };
    let Some(claims) = claims_of_assertion(form) else { return true };
    let age = script.date.map_or(0, |(_, now)| claims["iat"].as_i64().unwrap() - now);
    claims["aud"] != wanted.as_str() || age.abs() > 30
}

fn claims_of_assertion(form: &HashMap<String, String>) -> Option<serde_json::Value> {
    let payload = form.get("client_assertion")?.split('.').nth(1)?;
    Some(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap())
}
