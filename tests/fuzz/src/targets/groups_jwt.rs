//! The JWT that holds a user's groups elsewhere (OpenID Connect Core §5.6.2), of any kind.
//! Never accepts unsigned groups, or "no groups" in place of those that were requested.

use login_review::Verdict;
use serde_json::json;

use super::signed_claims::{NOW, WORLD, claims, judge};

/// One input: the answer of the groups endpoint, as it is and as claims that the issuer signed.
pub fn run(data: &[u8]) {
    let user = json!({
        "iss": "https://plain.example", "aud": "kubernetes", "exp": NOW + 300, "sub": "alice",
        "_claim_names": { "groups": "src" },
        "_claim_sources": { "src": { "endpoint": "https://plain.example/g" } },
    });
    let Ok(token) = WORLD.key.sign("JWT", &user) else { return };
    if let Ok(answer) = std::str::from_utf8(data) {
        refused_or_asked(judge(&token, Some(answer)), "unsigned groups");
    }
    let claims = claims(data);
    if let Ok(answer) = WORLD.stranger.sign("JWT", &claims) {
        refused_or_asked(judge(&token, Some(&answer)), "groups that another one signed");
    }
    if let Ok(answer) = WORLD.key.sign("JWT", &claims)
        && let Some(Verdict::Accepted { identity, .. }) = judge(&token, Some(&answer))
    {
        assert!(claims.get("groups").is_some_and(|groups| !groups.is_null()), "{claims}");
        assert!(!identity.groups.iter().any(|group| group.starts_with("system:")), "{claims}");
    }
}

fn refused_or_asked(verdict: Option<Verdict>, what: &str) {
    assert!(!matches!(verdict, Some(Verdict::Accepted { .. })), "{what} count");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_the_issuer_signed_are_those_of_the_user() {
        let user = json!({
            "iss": "https://plain.example", "aud": "kubernetes", "exp": NOW + 300, "sub": "alice",
            "_claim_names": { "groups": "src" },
            "_claim_sources": { "src": { "endpoint": "https://plain.example/g" } },
        });
        let [token, groups] = [&user, &claims(&[0; 16])].map(|c| WORLD.key.sign("JWT", c).unwrap());
        let verdict = judge(&token, Some(&groups));
        let Some(Verdict::Accepted { identity, .. }) = verdict else { panic!("{verdict:?}") };
        assert_eq!(identity.groups, ["dev"]);
    }
}
