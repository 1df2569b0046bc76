//! The contract of kube-apiserver's webhook, as literal bytes.

use std::collections::BTreeMap;

use login_common::{Identity, UnixTime, token_review::ReviewRequest};

use super::*;
use crate::verdict::Reason;

fn shown(answer: &Answer) -> (u16, &str) {
    (answer.status, std::str::from_utf8(&answer.body).unwrap())
}

fn accepted(audiences: &[&str]) -> Verdict {
    Verdict::Accepted {
        identity: Identity {
            username: "oidc:jane".to_owned(),
            uid: "https://id.example.com#42".to_owned(),
            groups: vec!["oidc:dev".to_owned()],
            extra: BTreeMap::from([(
                "authentication.kubernetes.io/credential-id".to_owned(),
                vec!["JTI=7f".to_owned()],
            )]),
        },
        audiences: audiences.iter().map(ToString::to_string).collect(),
        expires_at: UnixTime::from_seconds(1_769_860_800),
    }
}

// W03, W13, W34: no `error` beside authenticated, audiences only when granted.
#[test]
fn an_accepted_token_is_answered_with_the_user_in_the_version_asked() {
    assert_eq!(
        shown(&answer(ReviewApiVersion::V1, &accepted(&[]))),
        (
            200,
            r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":true,"user":{"username":"oidc:jane","uid":"https://id.example.com#42","groups":["oidc:dev"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=7f"]}}}}"#
        )
    );
    assert_eq!(
        shown(&answer(ReviewApiVersion::V1Beta1, &accepted(&["https://kubernetes.default.svc"]))),
        (
            200,
            r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","status":{"authenticated":true,"user":{"username":"oidc:jane","uid":"https://id.example.com#42","groups":["oidc:dev"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=7f"]}},"audiences":["https://kubernetes.default.svc"]}}"#
        )
    );
}

// W04, W32
#[test]
fn a_refused_token_is_answered_with_200_and_no_reason() {
    for (version, text) in [(ReviewApiVersion::V1, "v1"), (ReviewApiVersion::V1Beta1, "v1beta1")] {
        let body = format!(
            r#"{{"kind":"TokenReview","apiVersion":"authentication.k8s.io/{text}","status":{{"authenticated":false}}}}"#
        );
        for reason in Reason::ALL {
            let answer = answer(version, &Verdict::Refused(*reason));
            assert_eq!(shown(&answer), (200, body.as_str()), "{reason}");
        }
    }
}

#[test]
fn who_cannot_tell_never_answers_200() {
    let unavailable = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the token cannot be checked now","reason":"ServiceUnavailable","code":503}"#;
    let internal = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the token could not be checked","reason":"InternalError","code":500}"#;
    for version in ReviewApiVersion::ALL {
        for (outage, expected) in [
            (Outage::KeysUnavailable, (503, unavailable)),
            (Outage::KeyUnconfirmed, (503, unavailable)),
            (Outage::StoreUnavailable, (503, unavailable)),
            (Outage::DeadlineExceeded, (503, unavailable)),
            (Outage::Internal, (500, internal)),
        ] {
            let answer = answer(version, &Verdict::CannotTell(outage));
            assert_eq!(shown(&answer), expected, "{outage}");
        }
    }
}

#[test]
fn faults_of_the_caller_have_the_status_and_reason_kubernetes_knows() {
    let status = |code: u16, reason: &str, message: &str| {
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{message}","reason":"{reason}","code":{code}}}"#
        )
    };
    for (fault, code, reason, message) in [
        (RequestFault::Malformed, 400, "BadRequest", "the body is not a TokenReview"),
        (RequestFault::WrongKind, 400, "BadRequest", "kind must be TokenReview"),
        (
            RequestFault::UnknownVersion,
            400,
            "BadRequest",
            "apiVersion must be authentication.k8s.io/v1 or authentication.k8s.io/v1beta1",
        ),
        (
            RequestFault::CallerNotAllowed,
            401,
            "Unauthorized",
            "the caller may not ask for token reviews",
        ),
        (RequestFault::NotFound, 404, "NotFound", "there is nothing at this path"),
        (
            RequestFault::MethodNotAllowed,
            405,
            "MethodNotAllowed",
            "token reviews are asked for with POST",
        ),
        (
            RequestFault::TooLarge,
            413,
            "RequestEntityTooLarge",
            "the body is longer than a TokenReview may be",
        ),
        (
            RequestFault::UnsupportedMediaType,
            415,
            "UnsupportedMediaType",
            "the media type must be application/json",
        ),
        (
            RequestFault::Overloaded,
            429,
            "TooManyRequests",
            "more token reviews than can be answered in time",
        ),
    ] {
        let expected = status(code, reason, message);
        assert_eq!(shown(&answer_fault(&fault)), (code, expected.as_str()));
    }
}

// W32: serde would quote a token in the place of an object.
#[test]
fn what_the_caller_sent_is_not_repeated() {
    let tail = r#","apiVersion":"authentication.k8s.io/v1","spec":"SECRET"}"#;
    for (body, fault) in [
        (format!(r#"{{"kind":"TokenReview"{tail}"#), RequestFault::Malformed),
        (r#"{"kind":"SECRET"}"#.to_owned(), RequestFault::WrongKind),
        (
            r#"{"kind":"TokenReview","apiVersion":"SECRET"}"#.to_owned(),
            RequestFault::UnknownVersion,
        ),
    ] {
        let error = ReviewRequest::parse(body.as_bytes()).unwrap_err();
        let found = RequestFault::from(&error);
        assert_eq!(found, fault);
        assert!(!shown(&answer_fault(&found)).1.contains("SECRET"));
    }
}
