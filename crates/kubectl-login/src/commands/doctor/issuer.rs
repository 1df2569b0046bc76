//! Checks whether the issuer offers what the options need, and whether both clocks agree.
//! Never calls the issuer: its answers are passed in.

use std::time::Duration;

use login_common::UnixTime;
use login_protocols::oidc::ProviderMetadata;

use super::finding::Finding;
use crate::{
    options::{flow::Needs, target::Target},
    report::Fault,
};

/// With a larger skew, short-lived tokens seem to have expired.
const SKEW_WORTH_A_WORD: Duration = Duration::from_mins(1);

/// With a larger skew, most clusters refuse tokens as not yet valid.
const SKEW_THAT_BREAKS: Duration = Duration::from_mins(5);

/// Whether the flow can work.
pub(super) fn endpoints(metadata: &ProviderMetadata, target: &Target) -> Finding {
    const CHECK: &str = "flow";
    let flow = target.flow;
    let lacking = |what: &str| {
        Finding::problem(
            CHECK,
            Fault::Usage,
            format!("`--flow {}` needs {what}, which the issuer does not offer", flow.as_str()),
            "choose another `--flow`, or have it turned on at the issuer",
        )
    };
    let browser = metadata.authorization_endpoint.is_offered();
    let device = metadata.device_authorization_endpoint.is_offered();
    if !metadata.token_endpoint.is_offered() && flow.needs() != Needs::NoEndpoint {
        return lacking("a token endpoint");
    }
    let by_person = !target.is_for_job();
    match (flow.needs(), &metadata.grant_types) {
        (Needs::Authorization, _) if !browser => return lacking("an authorization endpoint"),
        (Needs::DeviceAuthorization, _) if !device => {
            return lacking("a device authorization endpoint");
        }
        (Needs::Nothing, _) if by_person && !browser && !device => {
            return lacking("an authorization endpoint or a device authorization endpoint");
        }
        // An issuer that lists no grants may still offer it.
        (Needs::Grant(grant), Some(offered)) if !offered.iter().any(|one| one == grant) => {
            return lacking(&format!("the grant `{grant}`"));
        }
        _ => {}
    }
    let methods = &metadata.code_challenge_methods;
    if by_person && browser && !methods.is_empty() && !methods.iter().any(|one| one == "S256") {
        return Finding::warning(
            CHECK,
            "the issuer does not announce PKCE with S256",
            "where it refuses the sign-in, try `--pkce-method no`",
        );
    }
    let knows_offline = |scopes: &Vec<String>| scopes.iter().any(|one| one == "offline_access");
    let refreshes = metadata
        .grant_types
        .as_ref()
        .is_none_or(|grants| grants.iter().any(|grant| grant == "refresh_token"));
    if by_person && !refreshes {
        return Finding::warning(
            CHECK,
            "the issuer does not announce refresh tokens: each token asks for a sign-in",
            "have refresh tokens turned on for this client",
        );
    }
    let offline = metadata.scopes.as_ref().is_some_and(knows_offline);
    let renewal = if by_person && offline { ", with `offline_access`" } else { "" };
    Finding::ok(CHECK, format!("`{}` is offered{renewal}", flow.as_str()))
}

/// Whether `logout` can end sessions there.
pub(super) fn revocation(metadata: &ProviderMetadata) -> Finding {
    const CHECK: &str = "revocation";
    if metadata.revocation_endpoint.is_offered() {
        return Finding::ok(CHECK, "`logout` ends sessions at the issuer, too");
    }
    Finding::warning(
        CHECK,
        "the issuer names no revocation endpoint: `logout` only forgets sessions here",
        "end them on the issuer's own pages",
    )
}

/// Whether this host's clock and the issuer's agree.
pub(super) fn clock(now: UnixTime, issuer_date: Option<UnixTime>) -> Finding {
    const CHECK: &str = "clock";
    let Some(date) = issuer_date else {
        return Finding::skipped(CHECK, "the issuer does not say what time it is");
    };
    let (skew, way) =
        if date > now { (date.since(now), "behind") } else { (now.since(date), "ahead of") };
    let message = format!("this clock is {} s {way} the issuer's", skew.as_secs());
    let hint = "set the clock, for example with NTP (`timedatectl set-ntp true`)";
    if skew > SKEW_THAT_BREAKS {
        Finding::problem(CHECK, Fault::Refused, message, hint)
    } else if skew > SKEW_WORTH_A_WORD {
        Finding::warning(CHECK, message, hint)
    } else {
        Finding::ok(CHECK, "this clock and the issuer's agree")
    }
}

#[cfg(test)]
mod tests {
    use login_common::names::IssuerUrl;

    use super::*;
    use crate::{
        commands::doctor::finding::Outcome,
        options::{
            layers::{Layers, Settings},
            origin::Origin,
            table::Name,
            typed::Typed,
        },
        system::environment::NoEnvironment,
    };

    fn target(flow: &str) -> Target {
        let mut typed = Typed::default();
        for (name, value) in [
            (Name::IssuerUrl, "https://id.example"),
            (Name::ClientId, "k"),
            (Name::Flow, flow),
            (Name::Identity, "gitlab"),
            (Name::IdentityVariable, "V"),
        ] {
            if name != Name::Identity && name != Name::IdentityVariable
                || ["token-exchange", "jwt-bearer", "identity"].contains(&flow)
            {
                typed.push(name, value.to_owned());
            }
        }
        let layers = Layers {
            typed: &typed,
            typed_origin: &Origin::CommandLine,
            environment: &NoEnvironment,
            cluster: None,
            configuration: None,
        };
        Target::check(&Settings::resolve(&layers).unwrap(), &NoEnvironment).unwrap()
    }

    fn metadata(members: &str) -> ProviderMetadata {
        let json = format!(r#"{{"issuer":"https://id.example"{members}}}"#);
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        ProviderMetadata::parse(json.as_bytes(), &issuer).unwrap()
    }

    #[test]
    fn a_flow_that_the_issuer_does_not_offer_is_a_problem() {
        let token = r#","token_endpoint":"https://id.example/t""#;
        let authorize = r#","authorization_endpoint":"https://id.example/a""#;
        let plain = r#","code_challenge_methods_supported":["plain"]"#;
        let codes = r#","grant_types_supported":["authorization_code"]"#;
        let offline = r#","scopes_supported":["offline_access"]"#;
        for (flow, members, outcome, words) in [
            ("auto", String::new(), Outcome::Problem, "a token endpoint"),
            ("auto", token.to_owned(), Outcome::Problem, "or a device"),
            ("auto", format!("{token}{authorize}"), Outcome::Ok, "`auto` is offered"),
            ("browser", format!("{token}{authorize}{offline}"), Outcome::Ok, "offline_access"),
            ("device", format!("{token}{authorize}"), Outcome::Problem, "a device"),
            ("browser", format!("{token}{authorize}{plain}"), Outcome::Warning, "PKCE"),
            ("browser", format!("{token}{authorize}{codes}"), Outcome::Warning, "refresh"),
            ("client-credentials", token.to_owned(), Outcome::Ok, "is offered"),
            ("client-credentials", format!("{token}{codes}"), Outcome::Problem, "the grant"),
            ("token-exchange", format!("{token}{codes}"), Outcome::Problem, "token-exchange"),
        ] {
            let finding = endpoints(&metadata(&members), &target(flow));
            assert_eq!(finding.outcome, outcome, "{flow} {finding:?}");
            assert!(finding.message.contains(words), "{finding:?}");
        }
        assert_eq!(revocation(&metadata("")).outcome, Outcome::Warning);
    }

    #[test]
    fn clocks_may_be_a_minute_apart() {
        let at = UnixTime::from_seconds;
        for (issuer, outcome, words) in [
            (None, Outcome::Skipped, "does not say"),
            (Some(at(1000)), Outcome::Ok, "agree"),
            (Some(at(1060)), Outcome::Ok, "agree"),
            (Some(at(1061)), Outcome::Warning, "61 s behind"),
            (Some(at(880)), Outcome::Warning, "120 s ahead of"),
            (Some(at(400)), Outcome::Problem, "600 s ahead of"),
        ] {
            let finding = clock(at(1000), issuer);
            assert_eq!(finding.outcome, outcome, "{finding:?}");
            assert!(finding.message.contains(words), "{finding:?}");
        }
    }
}
