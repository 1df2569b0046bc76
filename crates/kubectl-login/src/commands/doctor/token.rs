//! Checks whether the cached token fits what the cluster trusts.
//! Never verifies a signature, and never evaluates CEL expressions: they are only counted.

use login_common::{Secret, UnixTime};
use login_protocols::{jose::CompactJws, oidc::Claims};
use serde::Deserialize;
use serde_json::Value;

use super::finding::Finding;
use crate::{options::target::Target, report::Fault};

/// The parts of an `AuthenticationConfiguration` that are checked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AuthenticationConfiguration {
    kind: String,
    jwt: Vec<Authenticator>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Authenticator {
    issuer: Issuer,
    claim_validation_rules: Vec<Rule>,
    claim_mappings: Mappings,
    user_validation_rules: Vec<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Issuer {
    url: String,
    audiences: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    claim: String,
    required_value: String,
    expression: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mappings {
    username: Mapping,
    groups: Mapping,
    uid: Mapping,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mapping {
    claim: String,
    expression: String,
}

const CHECK: &str = "token";
const TRUST: &str = "trust";

/// Whether the claims fit the options.
pub(super) fn claims(claims: &Claims, target: &Target, now: UnixTime) -> Finding {
    let problem =
        |message: String, hint: &str| Finding::problem(CHECK, Fault::Refused, message, hint);
    let issuer = claims.issuer().unwrap_or_default();
    if issuer != target.issuer.as_str() {
        return problem(
            format!("`iss` is `{issuer}`, not the issuer `{}`", target.issuer),
            "the cluster must trust the issuer in the token; check `--issuer-url`",
        );
    }
    if claims.expires_at().is_some_and(|end| end <= now) {
        return Finding::ok(CHECK, "the kept token has expired; the next call renews it");
    }
    let audiences = claims.audiences();
    let client = target.client_id.as_str();
    if !target.use_access_token && !audiences.contains(&client) {
        return problem(
            format!("`aud` is `{}`, without the client `{client}`", audiences.join("`, `")),
            "check `--client-id`",
        );
    }
    let subject = claims.subject().unwrap_or_default();
    Finding::ok(CHECK, format!("for `{}`, subject `{subject}`", audiences.join("`, `")))
}

/// Whether kube-apiserver with this configuration would accept the token.
pub(super) fn trust(configuration: &AuthenticationConfiguration, claims: &Claims) -> Finding {
    let problem =
        |message: String, hint: &str| Finding::problem(TRUST, Fault::Usage, message, hint);
    if configuration.kind != "AuthenticationConfiguration" {
        let message = format!("it is a `{}`, no AuthenticationConfiguration", configuration.kind);
        return problem(message, "name kube-apiserver's file with `--authentication-config`");
    }
    let issuer = claims.issuer().unwrap_or_default();
    let Some(trusted) = configuration.jwt.iter().find(|jwt| jwt.issuer.url == issuer) else {
        let near = configuration
            .jwt
            .iter()
            .find(|jwt| jwt.issuer.url.trim_end_matches('/') == issuer.trim_end_matches('/'));
        if let Some(near) = near {
            return problem(
                format!("it trusts `{}`, the token is of `{issuer}`", near.issuer.url),
                "they must be equal to the last slash: correct `issuer.url`",
            );
        }
        let known: Vec<&str> =
            configuration.jwt.iter().map(|jwt| jwt.issuer.url.as_str()).collect();
        return problem(
            format!("it trusts `{}`, the token is of `{issuer}`", known.join("`, `")),
            "add the issuer to `jwt`, or sign in at one that is there",
        );
    };
    let audiences = claims.audiences();
    if !audiences.iter().any(|audience| trusted.issuer.audiences.iter().any(|a| a == audience)) {
        return problem(
            format!(
                "it takes tokens for `{}`, this one is for `{}`",
                trusted.issuer.audiences.join("`, `"),
                audiences.join("`, `")
            ),
            "add the client id to `issuer.audiences`, or use a client id that is there",
        );
    }
    for (what, mapping) in
        [("username", &trusted.claim_mappings.username), ("uid", &trusted.claim_mappings.uid)]
    {
        if !mapping.claim.is_empty() && claims.value(&mapping.claim).is_none() {
            return problem(
                format!("it takes the {what} from `{}`, which the token lacks", mapping.claim),
                "ask for it with `--scope`, let the issuer add it, or map another claim",
            );
        }
    }
    // kube-apiserver's `oidc.go`: an address is accepted only if `email_verified` is true or
    // absent.
    let by_email = trusted.claim_mappings.username.claim == "email";
    if by_email && claims.value("email_verified").is_some_and(|v| v != &Value::Bool(true)) {
        return problem(
            "it takes the username from `email`, and `email_verified` is not true".to_owned(),
            "have the address verified at the issuer",
        );
    }
    for rule in trusted.claim_validation_rules.iter().filter(|rule| !rule.claim.is_empty()) {
        let found = claims.text(&rule.claim);
        if found != Some(rule.required_value.as_str()) {
            return problem(
                format!(
                    "it requires `{}` to be `{}`, and it is {}",
                    rule.claim,
                    rule.required_value,
                    found.map_or("not there".to_owned(), |found| format!("`{found}`"))
                ),
                "let the issuer put it into the token",
            );
        }
    }
    let groups = &trusted.claim_mappings.groups.claim;
    if !groups.is_empty() && claims.value(groups).is_none() {
        return Finding::warning(
            TRUST,
            format!("it takes the groups from `{groups}`, which the token lacks: there are none"),
            "ask for it with `--scope`, or let the issuer add it",
        );
    }
    let expressions = trusted.expressions();
    if expressions > 0 {
        let what = if expressions == 1 { "CEL expression was" } else { "CEL expressions were" };
        return Finding::warning(
            TRUST,
            format!("issuer, audience and claims fit; {expressions} {what} not evaluated"),
            "`kubectl-login whoami` asks the cluster itself",
        );
    }
    Finding::ok(TRUST, "issuer, audience and claims fit the AuthenticationConfiguration")
}

/// 401 from kube-apiserver: it gives no reason, so this names every possible one, with the facts
/// that an operator needs to distinguish them.
pub(super) fn refused_by_cluster(server: &str, token: &Secret) -> Finding {
    let parsed = CompactJws::parse(token.expose()).ok();
    let claims = parsed.as_ref().map(CompactJws::unverified_claims);
    let text = |name: &str| claims.and_then(|claims| claims.text(name)).unwrap_or("none");
    let what = match claims {
        Some(claims) => format!(
            "a token with `iss` `{}`, `aud` `{}`, `jti` `{}`",
            text("iss"),
            claims.audiences().join("`, `"),
            text("jti")
        ),
        None => "an opaque token".to_owned(),
    };
    let hint = "either kube-apiserver does not ask for this issuer (its \
                `--authentication-token-webhook-config-file` with \
                `--authentication-token-webhook-version=v1`, or `--authentication-config`, must \
                name it), or what it asks refuses the token (another audience, a session that was \
                revoked) or cannot be reached: an operator finds the `jti` in the audit log of \
                login-server, and `login-server explain` names the reason; \
                `--authentication-config FILE` here compares the token with kube-apiserver's own \
                file";
    let message = format!("the cluster at `{server}` answered 401 to {what}");
    Finding::problem("whoami", Fault::Refused, message, hint)
}

impl Authenticator {
    fn expressions(&self) -> usize {
        let Mappings { username, groups, uid } = &self.claim_mappings;
        let rules = self.claim_validation_rules.iter().chain(&self.user_validation_rules);
        let of_rules = rules.filter(|rule| !rule.expression.is_empty()).count();
        of_rules + [username, groups, uid].iter().filter(|one| !one.expression.is_empty()).count()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use crate::commands::doctor::finding::Outcome;

    const FITTING: &str = r#"{"iss":"https://id.example","aud":["kube"],"sub":"1",
        "preferred_username":"alice","groups":["a"],"hd":"example.org","exp":1000}"#;

    fn of(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap()
    }

    fn trusting(change: impl Fn(&str) -> String) -> AuthenticationConfiguration {
        let text = "kind: AuthenticationConfiguration\njwt:\n- issuer: {url: https://id.example, audiences: [kube]}\n  \
                    claimValidationRules: [{claim: hd, requiredValue: example.org}]\n  \
                    claimMappings: {username: {claim: preferred_username, prefix: ''}, groups: {claim: groups}}\n";
        serde_saphyr::from_str(&change(text)).unwrap()
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let same = |text: &str| text.to_owned();
        let checked = |configuration: &AuthenticationConfiguration, json: &str| {
            let finding = trust(configuration, &of(json));
            (finding.outcome, finding.message)
        };
        let (outcome, message) = checked(&trusting(same), FITTING);
        assert_eq!(outcome, Outcome::Ok, "{message}");
        let rename = |from: &'static str, to: &'static str| {
            trusting(move |text: &str| text.replace(from, to))
        };
        for (configuration, json, outcome, words) in [
            (
                rename("https://id.example", "https://id.example/"),
                FITTING.to_owned(),
                Outcome::Problem,
                "it trusts `https://id.example/`, the token is of `https://id.example`",
            ),
            (
                rename("https://id.example", "https://other"),
                FITTING.to_owned(),
                Outcome::Problem,
                "it trusts `https://other`",
            ),
            (rename("[kube]", "[a, b]"), FITTING.to_owned(), Outcome::Problem, "for `a`, `b`"),
            (
                rename("preferred_username", "upn"),
                FITTING.to_owned(),
                Outcome::Problem,
                "username from `upn`",
            ),
            (
                trusting(same),
                FITTING.replace("example.org", "evil.example"),
                Outcome::Problem,
                "it is `evil.example`",
            ),
            (trusting(same), FITTING.replace("\"hd\"", "\"x\""), Outcome::Problem, "not there"),
            (
                trusting(same),
                FITTING.replace("\"groups\"", "\"g\""),
                Outcome::Warning,
                "groups from `groups`",
            ),
            (
                rename("{claim: groups}", "{expression: claims.g}"),
                FITTING.to_owned(),
                Outcome::Warning,
                "1 CEL expression was not evaluated",
            ),
            (
                rename("claim: preferred_username", "claim: email"),
                FITTING.replace("\"preferred_username\"", "\"email_verified\":false,\"email\""),
                Outcome::Problem,
                "`email_verified` is not true",
            ),
            (
                rename("AuthenticationConfiguration", "Config"),
                FITTING.to_owned(),
                Outcome::Problem,
                "a `Config`",
            ),
        ] {
            let found = checked(&configuration, &json);
            assert_eq!(found.0, outcome, "{found:?}");
            assert!(found.1.contains(words), "{found:?}");
        }
    }

    #[test]
    fn a_refusal_of_the_cluster_names_what_an_operator_looks_for() {
        let payload = r#"{"iss":"https://id.example","aud":["kube","x"],"jti":"j-1","exp":1}"#;
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.{}", encode(r#"{"alg":"ES256"}"#), encode(payload), "AA");
        for (token, expected) in [
            (token.as_str(), "`iss` `https://id.example`, `aud` `kube`, `x`, `jti` `j-1`"),
            ("opaque", "an opaque token"),
        ] {
            let finding = refused_by_cluster("https://c", &Secret::new(token));
            assert!(finding.message.contains(expected), "{finding:?}");
            assert!(finding.hint.unwrap().contains("--authentication-token-webhook-config-file"));
        }
    }
}
