//! The issuer of the model: rotates refresh tokens, and knows which of them are spent.
//! Never tolerates reuse: a spent token that is presented again is recorded.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use login_common::UnixTime;
use url::Url;

use crate::http_server::{self, Response, response};

/// How it handles the requests of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Issues a new refresh token; the old one is spent.
    Rotate,
    /// Issues a new token; the old refresh token stays valid.
    Same,
    /// 503.
    Outage,
    /// The grant has ended; a sign-in creates another.
    Refuse,
    /// Processes the request, but the response is lost.
    Lose,
    /// Processes the request, but returns garbage.
    Nonsense,
}

/// The requests of a call.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) refreshes: usize,
    pub(super) sign_ins: usize,
    pub(super) gave_token: bool,
    pub(super) replayed: Option<String>,
}

struct State {
    manner: Manner,
    asked: Asked,
    count: usize,
    /// The valid refresh token.
    current: Option<String>,
    spent: HashSet<String>,
    /// Spent without the client's knowledge.
    excused: HashSet<String>,
    /// The tokens that this call has spent.
    fresh: Vec<String>,
    /// The expiry of each token, by the client's clock.
    ends: HashMap<String, i64>,
}

pub(super) struct Issuer {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
}

const LIFE: i64 = 600;

impl Issuer {
    pub(super) fn start(clock: Arc<AtomicI64>) -> Self {
        let state = Arc::new(Mutex::new(State {
            manner: Manner::Rotate,
            asked: Asked::default(),
            count: 0,
            current: None,
            spent: HashSet::new(),
            excused: HashSet::new(),
            fresh: Vec::new(),
            ends: HashMap::new(),
        }));
        let shared = Arc::clone(&state);
        let url =
            http_server::serve(move |url, request| respond(url, request.body(), &shared, &clock));
        Self { url, state }
    }

    /// Called before each call.
    pub(super) fn begin(&self, manner: Manner) {
        let mut state = self.state();
        (state.manner, state.asked) = (manner, Asked::default());
        state.fresh.clear();
    }

    /// Called after each call.
    pub(super) fn end(&self) -> Asked {
        std::mem::take(&mut self.state().asked)
    }

    /// The client ended before it could store anything.
    pub(super) fn excuse(&self) {
        let mut state = self.state();
        let fresh = std::mem::take(&mut state.fresh);
        state.excused.extend(fresh);
    }

    pub(super) fn is_good(&self, token: &str, now: UnixTime) -> bool {
        self.state().ends.get(token).is_some_and(|end| now.as_seconds() < *end)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn respond(url: &Url, body: &[u8], state: &Mutex<State>, clock: &AtomicI64) -> Option<Response> {
    let (base, form) = (url.origin().ascii_serialization(), http_server::form(body));
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    match url.path() {
        "/token" => token(&form, &mut state, clock.load(Ordering::SeqCst)),
        "/revoke" => {
            state.spend(form["token"].clone());
            Some(response(200, ""))
        }
        _ => Some(response(
            200,
            format!(
                r#"{{"issuer":"{base}","token_endpoint":"{base}/token","revocation_endpoint":"{base}/revoke"}}"#
            ),
        )),
    }
}

fn token(form: &HashMap<String, String>, state: &mut State, now: i64) -> Option<Response> {
    let refused = |code: &str| Some(response(400, format!(r#"{{"error":"{code}"}}"#)));
    let is_refresh = form["grant_type"] == "refresh_token";
    if is_refresh {
        state.asked.refreshes += 1;
        let presented = &form["refresh_token"];
        if state.spent.contains(presented) {
            // Reuse: the whole family ends (RFC 9700 §4.14.2).
            if !state.excused.contains(presented) {
                state.asked.replayed = Some(presented.clone());
            }
            state.current = None;
            return refused("invalid_grant");
        }
        if state.current.as_ref() != Some(presented) {
            return refused("invalid_grant");
        }
    } else {
        state.asked.sign_ins += 1;
    }
    match state.manner {
        Manner::Outage => return Some(response(503, "")),
        Manner::Refuse if is_refresh => {
            state.current = None;
            return refused("invalid_grant");
        }
        _ => {}
    }
    state.count += 1;
    let access_token = format!("a{}", state.count);
    state.ends.insert(access_token.clone(), now + LIFE);
    let mut tokens = serde_json::json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": LIFE,
    });
    if !is_refresh || state.manner != Manner::Same {
        let next = format!("r{}", state.count);
        if let Some(spent) = state.current.replace(next.clone()).filter(|_| is_refresh) {
            state.spend(spent);
        }
        tokens["refresh_token"] = next.into();
    }
    match state.manner {
        Manner::Lose => {
            state.excuse();
            None
        }
        Manner::Nonsense => {
            state.excuse();
            Some(response(200, "<html>"))
        }
        _ => {
            state.asked.gave_token = true;
            Some(response(200, tokens.to_string()))
        }
    }
}

impl State {
    fn spend(&mut self, token: String) {
        if self.current.as_ref() == Some(&token) {
            self.current = None;
        }
        self.fresh.push(token.clone());
        self.spent.insert(token);
    }

    fn excuse(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        self.excused.extend(fresh);
    }
}
