//! The body of a request to `/authenticate`.
//! Never accepts that an answer is in another version than the question.

use login_common::token_review::{ReviewRequest, render_unauthenticated};
use serde_json::Value;

/// One input.
pub fn run(data: &[u8]) {
    let Ok(request) = ReviewRequest::parse(data) else { return };
    let asked: Value = serde_json::from_slice(data).unwrap_or_default();
    let answered: Value =
        serde_json::from_slice(&render_unauthenticated(request.api_version)).unwrap_or_default();
    assert_eq!(asked.get("apiVersion"), answered.get("apiVersion"));
    assert_eq!(answered.get("kind"), Some(&Value::from("TokenReview")));
}
