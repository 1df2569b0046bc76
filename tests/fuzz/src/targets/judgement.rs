//! A token that its issuer signed over claims of any kind, through the whole review.
//! Never accepts a reserved or unusable name, a revoked, expired or foreign token, a refusal
//! because of an outage, or the signature of another party.

use login_common::Identity;
use login_review::{
    Verdict,
    guard::{is_reserved_group, is_reserved_user},
};
use serde_json::Value;

use super::signed_claims::{NOW, WORLD, claims, judge};

/// One input.
pub fn run(data: &[u8]) {
    let claims = claims(data);
    let Ok(token) = WORLD.key.sign("JWT", &claims) else { return };
    let verdict = judge(&token, None);
    assert_eq!(verdict, judge(&token, None), "two verdicts on one token");
    if let Some(Verdict::CannotTell(outage)) = &verdict {
        panic!("{outage} although everything is at hand");
    }
    if let Some(Verdict::Accepted { identity, expires_at, .. }) = &verdict {
        check_claims(&claims);
        check_identity(identity);
        assert!(expires_at.as_seconds() > NOW, "accepted until {expires_at:?}");
    }
    if let Ok(forged) = WORLD.stranger.sign("JWT", &claims) {
        assert!(!matches!(judge(&forged, None), Some(Verdict::Accepted { .. })), "forged");
    }
    if let Some((signed, signature)) = token.rsplit_once('.') {
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let rest = signature.get(1..).unwrap_or_default();
        let spoiled = judge(&format!("{signed}.{first}{rest}"), None);
        assert!(!matches!(spoiled, Some(Verdict::Accepted { .. })), "another signature verifies");
    }
}

fn check_claims(claims: &Value) {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    assert!(text("iss").ends_with(".example") && text("iss") != "https://foreign.example");
    assert!(text("jti") != "revoked-token" && text("sid") != "revoked-session", "{claims}");
    assert!(text("iss") != "https://plain.example" || text("sub") != "revoked-subject", "{claims}");
    // A number, or a string that holds one, as Go's parsers accept it.
    let ends = match claims.get("exp") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_f64(),
        None => None,
    };
    let ends = ends.unwrap_or(f64::MIN);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let now = NOW as f64;
    // The leeway for clocks that differ.
    assert!(ends > now - 600.0, "{claims}");
}

fn check_identity(identity: &Identity) {
    let visible = |text: &str| !text.trim().is_empty() && !text.contains(char::is_control);
    let canonical = |text: &str| text.trim().to_lowercase().replace('\u{200b}', "");
    let name = &identity.username;
    assert!(visible(name) && name.trim() == name, "{identity:?}");
    assert!(!is_reserved_user(name) && !is_reserved_user(&canonical(name)), "{identity:?}");
    for group in &identity.groups {
        assert!(visible(group) && group.trim() == group, "{identity:?}");
        assert!(!is_reserved_group(group) && !is_reserved_group(&canonical(group)), "{identity:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_choice_of_each_claim_is_accepted_by_each_issuer() {
        for (issuer, groups) in [(0, 0), (1, 1), (2, 0)] {
            let mut bytes = [0; 16];
            (bytes[0], bytes[9]) = (issuer, groups);
            // No distributed groups.
            (bytes[14], bytes[15]) = (255, 255);
            let token = WORLD.key.sign("JWT", &claims(&bytes)).unwrap();
            let verdict = judge(&token, None);
            assert!(matches!(verdict, Some(Verdict::Accepted { .. })), "{issuer}: {verdict:?}");
        }
    }
}
