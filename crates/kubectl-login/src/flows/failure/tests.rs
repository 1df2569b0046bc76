//! The table of hints: what went wrong with which options, and what to look at.
//! Never the real machine.

use login_protocols::oauth2::token_endpoint::parse_token_response;

use super::*;
use crate::{
    options::{
        layers::{Layers, Settings},
        typed,
    },
    system::environment::NoEnvironment,
};

fn target(options: &str) -> Target {
    let line = format!("get-token --issuer-url https://id.example --client-id k {options}");
    let words: Vec<std::ffi::OsString> = line.split_whitespace().map(Into::into).collect();
    let typed = typed::strict(&words).expect("plain options");
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::CommandLine,
        environment: &NoEnvironment,
        cluster: None,
        configuration: None,
    })
    .unwrap();
    Target::check(&settings, &NoEnvironment).unwrap()
}

fn refused(target: &Target, code: &str) -> FlowError {
    let body = format!(r#"{{"error":"{code}"}}"#);
    let source = parse_token_response(400, body.as_bytes()).unwrap_err();
    FlowError::from_answer(&target.issuer, "the sign-in", source)
}

#[test]
fn a_refused_client_is_told_to_check_what_it_proved_itself_by() {
    for (options, code, expected) in [
        ("--client-secret s", "invalid_client", "check `--client-id` and the client secret"),
        (
            "--client-assertion-key k",
            "invalid_client",
            "check `--client-id` and `--client-assertion-key`",
        ),
        (
            "--client-certificate c --client-key k",
            "invalid_client",
            "check `--client-id` and `--client-certificate`",
        ),
        ("--username u --password p", "invalid_grant", "check `--username` and `--password`"),
        ("--username u", "invalid_grant", "sign in again with `kubectl-login login`"),
    ] {
        let target = target(options);
        let hint = refused(&target, code).hint(&target).unwrap();
        assert!(hint.starts_with(expected), "{options}: {hint}");
    }
}

#[test]
fn what_another_attempt_cannot_mend_is_not_called_unreachable() {
    let target = target("--client-certificate c --client-key k");
    let issuer = target.issuer.clone();
    let source = HttpError::TooLong("id.example".to_owned());
    let too_long = FlowError::TooLong { issuer: issuer.clone(), source };
    assert_eq!(too_long.fault(), Fault::Refused);
    assert!(too_long.hint(&target).unwrap().starts_with("check `--issuer-url`"));
    let source = TokenProblem::Missing("id_token");
    let missing = FlowError::Token { issuer, source }.hint(&target).unwrap();
    assert!(!missing.contains("--scope") && missing.contains("`--use-access-token`"), "{missing}");
    assert_eq!(target.origins.client_secret, None);
    assert_eq!(target.origins.client_certificate, Some(Origin::CommandLine));
}
