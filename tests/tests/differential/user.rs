//! A program's answer for a token, as one line of a table.
//! Never compares by parts: two answers are the same when their lines are.

use std::fmt::{self, Write as _};

use anyhow::{Result, bail, ensure};
use login_tests::curl::Reply;
use serde_json::Value;

/// The entry of a table where login-server has no verdict (503).
pub(crate) const OUTAGE: &str = "(cannot tell)";

const DECISION_ID_KEY: &str = "kubectl-login.internal/decision-id";

/// A user: `NAME uid="…" groups=["…"] extra={"…":["…"]}`, without empty parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User(String);

impl User {
    /// The user of a `status.user` or `status.userInfo`.
    fn read(user: &Value, uid: &str, groups: &[&str]) -> Self {
        let mut line = user["username"].as_str().unwrap_or_default().to_owned();
        if !uid.is_empty() {
            let _ = write!(line, " uid={}", Value::from(uid));
        }
        if !groups.is_empty() {
            let _ = write!(line, " groups={}", Value::from(groups.to_vec()));
        }
        if user["extra"].as_object().is_some_and(|extra| !extra.is_empty()) {
            // Keys are sorted in both answers: `serde_json` orders a map by key.
            let _ = write!(line, " extra={}", user["extra"]);
        }
        Self(line)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The user of kube-apiserver's SelfSubjectReview; a refusal is `None`.
///
/// `system:authenticated` is left out: kube-apiserver adds it to every answer.
pub(crate) fn seen_by_kube_apiserver(reply: &Reply) -> Result<Option<User>> {
    match reply.status {
        201 => {
            let review = reply.json()?;
            let user = &review["status"]["userInfo"];
            let mut groups = texts(&user["groups"]);
            if groups.last() == Some(&"system:authenticated") {
                groups.pop();
            }
            let uid = user["uid"].as_str().unwrap_or_default();
            Ok(Some(User::read(user, uid, &groups)))
        }
        401 => Ok(None),
        _ => bail!("neither a user nor a refusal: {reply:?}"),
    }
}

/// The user of login-server's TokenReview; a refusal is `None`.
///
/// Removes two differences that hold for every token. Where the configuration maps no uid,
/// ours is issuer and subject, which are never reassigned; theirs is empty. And our `extra` has
/// the id of the decision, so that audit logs can be joined.
pub(crate) fn seen_by_login_server(
    reply: &Reply,
    issuer: &str,
    maps_uid: bool,
) -> Result<Option<User>> {
    match reply.status {
        200 => {}
        503 => return Ok(Some(User(OUTAGE.to_owned()))),
        _ => bail!("neither a user nor a refusal: {reply:?}"),
    }
    let mut review = reply.json()?;
    let status = &mut review["status"];
    if status["authenticated"] != true {
        return Ok(None);
    }
    let user = &mut status["user"];
    if let Some(extra) = user["extra"].as_object_mut() {
        ensure!(extra.remove(DECISION_ID_KEY).is_some(), "no decision id: {extra:?}");
    }
    let uid = user["uid"].as_str().unwrap_or_default().to_owned();
    let uid = if maps_uid {
        uid.as_str()
    } else {
        // Without `sub`, the uid is empty in both.
        ensure!(uid.is_empty() || uid.starts_with(&format!("{issuer}#")), "uid `{uid}`");
        ""
    };
    Ok(Some(User::read(user, uid, &texts(&user["groups"]))))
}
