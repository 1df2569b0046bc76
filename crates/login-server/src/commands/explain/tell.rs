//! Prints an examination as text or as JSON.
//! Never prints the token or a part of its signature, and claims only on request.

use std::fmt::Write as _;

use login_common::Identity;
use login_review::{Verdict, verdict::ENDLESS};
use serde_json::{Map, Value, json};

use super::{
    advice,
    details::{self, Context},
    examine::{Check, End, Examination},
};
use crate::telemetry::decision::Outcome;

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

/// Lines of text, with colours.
pub(super) fn text(
    examined: &Examination<'_>,
    context: Context<'_>,
    claims: Option<&Map<String, Value>>,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, colour: &str, word: &str, detail: &str| {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{}", format!("{name:<16}{colour}{word:<12}{PLAIN}{detail}").trim_end());
    };
    for check in &examined.checks {
        let (colour, word) = word(*check);
        line(check.name, colour, word, &details::of(*check, examined, context));
    }
    let next = next(examined, context);
    match &examined.verdict {
        Verdict::Accepted { identity, audiences, expires_at } => {
            let life = match expires_at {
                &ENDLESS => "without an end".to_owned(),
                end => format!("for {} more", details::span(end.since(context.now))),
            };
            line("verdict", GREEN, "accepted", &life);
            user(&mut text, identity);
            if !audiences.is_empty() {
                let _ = writeln!(text, "  audiences     {}", audiences.join(", "));
            }
        }
        Verdict::Refused(reason) => line("verdict", RED, "refused", reason.as_str()),
        Verdict::CannotTell(outage) => line("verdict", YELLOW, "cannot tell", outage.as_str()),
    }
    if let Some(identity) = &examined.supposed_user {
        text.push_str("if it were not for that, the user would be\n");
        user(&mut text, identity);
    }
    if let Some(next) = next {
        let _ = writeln!(text, "next: {next}");
    }
    if let Some(claims) = claims {
        let shown = serde_json::to_string_pretty(claims).unwrap_or_default();
        let _ = writeln!(text, "claims, as the token's maker wrote them:\n{shown}");
    }
    text
}

fn word(check: Check) -> (&'static str, &'static str) {
    match (check.end, check.is_supposed) {
        (End::Passed, false) => (GREEN, "pass"),
        (End::Passed, true) => (GREEN, "would pass"),
        (End::Failed(_), false) => (RED, "fail"),
        (End::Failed(_), true) => (RED, "would fail"),
        (End::CannotTell, _) => (YELLOW, "cannot tell"),
        (End::NotReached, _) => (YELLOW, "not reached"),
    }
}

fn user(text: &mut String, identity: &Identity) {
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<14}{value}");
    };
    line("username", &format!("{:?}", identity.username));
    line("uid", &format!("{:?}", identity.uid));
    let groups: Vec<String> = identity.groups.iter().map(|group| format!("{group:?}")).collect();
    line("groups", &groups.join(", "));
    for (key, values) in &identity.extra {
        line("extra", &format!("{key}={values:?}"));
    }
}

fn next(examined: &Examination<'_>, context: Context<'_>) -> Option<&'static str> {
    match &examined.verdict {
        Verdict::Accepted { .. } => None,
        Verdict::Refused(reason) => Some(advice::of(*reason).next),
        Verdict::CannotTell(outage) if context.why_no_keys(*outage).is_some() => {
            Some(advice::MEND_KEYS)
        }
        Verdict::CannotTell(outage) => Some(advice::of_outage(*outage, context.network).next),
    }
}

/// One JSON object.
pub(super) fn json(
    examined: &Examination<'_>,
    context: Context<'_>,
    claims: Option<&Map<String, Value>>,
) -> Value {
    let outcome = Outcome::from(&examined.verdict);
    let checks = examined.checks.iter().map(|check| {
        let (result, reason) = match check.end {
            End::Passed => ("pass", None),
            End::Failed(reason) => ("fail", Some(reason.as_str())),
            End::CannotTell => ("cannotTell", None),
            End::NotReached => ("notReached", None),
        };
        let detail = details::of(*check, examined, context);
        object([
            ("name", Some(check.name.into())),
            ("result", Some(result.into())),
            ("reason", reason.map(Value::from)),
            ("supposed", check.is_supposed.then(|| true.into())),
            ("detail", (!detail.is_empty()).then(|| detail.into())),
        ])
    });
    let (identity, audiences, expires_at) = match &examined.verdict {
        Verdict::Accepted { identity, audiences, expires_at } => {
            let end = (*expires_at != ENDLESS).then(|| expires_at.to_rfc3339().into());
            (Some(as_json(identity)), Some(json!(audiences)), end)
        }
        Verdict::Refused(_) | Verdict::CannotTell(_) => (None, None, None),
    };
    object([
        ("outcome", Some(outcome.as_str().into())),
        ("reason", outcome.reason().map(Value::from)),
        ("checks", Some(checks.collect())),
        ("user", identity),
        ("audiences", audiences),
        ("expiresAt", expires_at),
        ("supposedUser", examined.supposed_user.as_ref().map(as_json)),
        ("next", next(examined, context).map(Value::from)),
        ("claims", claims.cloned().map(Value::Object)),
    ])
}

fn object<const KEYS: usize>(members: [(&str, Option<Value>); KEYS]) -> Value {
    let known = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(known.collect())
}

fn as_json(identity: &Identity) -> Value {
    json!({"username": identity.username, "uid": identity.uid, "groups": identity.groups,
           "extra": identity.extra})
}
