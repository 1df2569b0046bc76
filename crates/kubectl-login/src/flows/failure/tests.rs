//! The table of hints: what went wrong with which options, and what to check.
//! Never inspects the real host.

use std::error::Error as _;

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
fn an_answer_to_a_renewal_is_sorted_by_its_oauth_error() {
    let target = target("");
    for (status, body, fault, is_gone, hint) in [
        (400, r#"{"error":"invalid_grant"}"#, Fault::Refused, true, "sign in again"),
        // Dex.
        (400, r#"{"error":"invalid_request"}"#, Fault::Refused, true, "sign in again"),
        (500, r#"{"error":"invalid_request"}"#, Fault::Refused, true, "sign in again"),
        // Hydra.
        (401, r#"{"error":"token_inactive"}"#, Fault::Refused, true, "sign in again"),
        (400, r#"{"error":"expired_token"}"#, Fault::Refused, true, "sign in again"),
        (403, r#"{"error":"access_denied"}"#, Fault::Refused, true, "sign in again"),
        (401, r#"{"error":"invalid_client"}"#, Fault::Refused, false, "check `--client-id`"),
        (400, r#"{"error":"invalid_scope"}"#, Fault::Refused, false, "check `--scope`"),
        (
            400,
            r#"{"error":"unauthorized_client"}"#,
            Fault::Refused,
            false,
            "the issuer does not let",
        ),
        (
            400,
            r#"{"error":"unsupported_grant_type"}"#,
            Fault::Refused,
            false,
            "the issuer does not let this client use the renewal",
        ),
        (400, r#"{"error":"server_error"}"#, Fault::Unreachable, false, "nothing was lost"),
        (400, r#"{"error":"slow_down"}"#, Fault::Unreachable, false, "nothing was lost"),
        (429, "", Fault::Unreachable, false, "nothing was lost"),
        (502, "<html>", Fault::Unreachable, false, "nothing was lost"),
        (403, "<html>", Fault::Refused, false, "a proxy or gateway"),
        (404, r#"{"error":"Not Found"}"#, Fault::Refused, false, "a proxy or gateway"),
    ] {
        let source = parse_token_response(status, body.as_bytes()).unwrap_err();
        let error = FlowError::from_answer(&target.issuer, RENEWAL, source);
        assert_eq!(error.fault(), fault, "{status} {body}");
        assert_eq!(error.asks_for_sign_in(), is_gone, "{status} {body}");
        let found = error.hint(&target).unwrap();
        assert!(found.starts_with(hint), "{status} {body}: {found}");
    }
}

#[test]
fn a_job_is_never_told_to_sign_in_again() {
    let target = target("--flow client-credentials --client-secret s");
    for code in ["invalid_grant", "invalid_request", "anything_else", "login_required"] {
        assert_eq!(refused(&target, code).hint(&target), None, "{code}");
    }
    assert!(refused(&target, "unauthorized_client").hint(&target).is_some());
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

#[test]
fn a_way_is_passed_over_where_the_client_may_not_use_it() {
    let target = target("");
    let answered = |status, body: &str| {
        let source = parse_token_response(status, body.as_bytes()).unwrap_err();
        FlowError::from_answer(&target.issuer, "the device flow", source).passes_over()
    };
    for (status, body, expected) in [
        (400, r#"{"error":"unauthorized_client"}"#, Some(PassedOver::ForGood)),
        (403, r#"{"error":"unauthorized_client"}"#, Some(PassedOver::ForGood)),
        (400, r#"{"error":"unsupported_grant_type"}"#, Some(PassedOver::ForGood)),
        (404, "", Some(PassedOver::ForGood)),
        // Would be the same with every flow.
        (401, r#"{"error":"invalid_client"}"#, None),
        (400, r#"{"error":"invalid_scope"}"#, None),
        (400, r#"{"error":"access_denied"}"#, None),
        (503, "", None),
        (403, "<html>", None),
    ] {
        assert_eq!(answered(status, body), expected, "{status} {body}");
    }
    let source = io::ErrorKind::AddrInUse.into();
    let taken = FlowError::Listen { addresses: "`127.0.0.1:8000`".to_owned(), source };
    assert_eq!(taken.passes_over(), Some(PassedOver::Now));
    assert_eq!(FlowError::Cancelled.passes_over(), None);
}

#[test]
fn the_wait_that_is_named_is_the_one_that_was_made() {
    let issuer = IssuerUrl::parse("https://id.example").unwrap();
    let error = FlowError::late(&issuer, Duration::from_secs(30));
    let cause = error.source().unwrap().to_string();
    assert_eq!(cause, "no answer from `https://id.example` within 30 seconds");
    assert_eq!(error.fault(), Fault::Unreachable);
}

#[test]
fn what_counts_once_is_known_to_have_counted_or_not() {
    let issuer = IssuerUrl::parse("https://id.example").unwrap();
    let answered = |status, body: &[u8]| {
        let source = parse_token_response(status, body).unwrap_err();
        FlowError::from_answer(&issuer, RENEWAL, source)
    };
    let unreachable = |source| FlowError::Unreachable { issuer: issuer.clone(), source };
    let (host, reason) = (String::new, String::new);
    let broken = |unsent| HttpError::Connection { host: host(), reason: reason(), unsent };
    for (error, is_unused) in [
        (answered(404, b"<html>"), true),
        (answered(302, b""), true),
        (unreachable(broken(true)), true),
        (unreachable(broken(false)), false),
        (FlowError::late(&issuer, Duration::ZERO), false),
        (unreachable(HttpError::TooLong(host())), false),
        (answered(500, b"<html>"), false),
        (answered(503, b""), false),
        (answered(200, b"<html>"), false),
        (answered(400, br#"{"error":"invalid_grant"}"#), false),
    ] {
        assert_eq!(error.has_used_up_nothing(), is_unused, "{error:?}");
    }
}

#[test]
fn an_answer_that_no_issuer_gives_has_a_hint_whatever_its_status() {
    let target = target("");
    for (status, body) in [(200, "<html>"), (302, ""), (404, "<html>")] {
        let source = parse_token_response(status, body.as_bytes()).unwrap_err();
        let hint = FlowError::from_answer(&target.issuer, RENEWAL, source).hint(&target).unwrap();
        assert!(hint.starts_with("a proxy or gateway may have answered"), "{status}: {hint}");
    }
    assert!(FlowError::Cancelled.hint(&target).is_some());
    let job = self::target("--flow client-credentials --client-secret s");
    assert_eq!(FlowError::Cancelled.hint(&job), None);
}
