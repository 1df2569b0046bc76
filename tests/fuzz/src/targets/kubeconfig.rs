//! A kubeconfig: read, changed, read again.
//! Never accepts a change that sets anything else than intended, or loses a comment.

use kubeconfig::edit::{Edit, apply};
use kubectl_login::user_entries::foreign;
use located_yaml::typed;
use serde_json::{Value, json};

const USER: &str = "login.example.com";

/// One input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let after = json!({ "exec": { "command": "kubectl-login", "args": ["get-token", "--x=: #"] } });
    let edit = Edit::User { name: USER.to_owned(), before: None, after: after.clone() };
    let Ok(changed) = apply(text, std::slice::from_ref(&edit)) else { return };
    let Ok(new) = typed::read::<Value>(&changed) else {
        panic!("cannot be read again:\n{changed}")
    };
    let old = typed::read::<Value>(text).unwrap_or_default();
    let named = |document: &Value| {
        let users = document.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
        users
            .into_iter()
            .partition::<Vec<_>, _>(|user| user.get("name").and_then(Value::as_str) == Some(USER))
    };
    let ((ours, others), (_, before)) = (named(&new), named(&old));
    assert_eq!(ours.first().and_then(|user| user.get("user")), Some(&after), "{changed}");
    assert_eq!(others, before, "another user has changed:\n{changed}");
    for user in before {
        let _ = foreign::judge(user.get("user"));
    }
    if let (Some(old), Some(new)) = (old.as_object(), new.as_object()) {
        for (key, value) in old.iter().filter(|(key, _)| *key != "users") {
            assert_eq!(new.get(key), Some(value), "{key} has changed:\n{changed}");
        }
    }
    let texts = texts(&old);
    for line in text.lines().filter(|line| line.trim_start().starts_with('#')) {
        // Such a line may also be part of a string, which may be written otherwise; that was
        // compared above.
        let begin = line.trim().split(['"', '\'']).next().unwrap_or_default();
        let is_text = texts.iter().any(|text| text.contains(begin));
        assert!(is_text || changed.contains(line.trim()), "lost {line:?}:\n{changed}");
    }
    // A second edit changes nothing.
    let again = Edit::User { name: USER.to_owned(), before: Some(after.clone()), after };
    assert!(apply(&changed, &[again]).is_ok_and(|twice| twice == changed), "{changed}");
}

/// Every string of a document, keys included.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| [vec![key.as_str()], texts(value)].concat())
            .collect(),
        _ => Vec::new(),
    }
}
