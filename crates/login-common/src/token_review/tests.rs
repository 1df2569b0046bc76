//! Pins the wire shapes, as kube-apiserver writes and reads them.

use super::*;

fn question(metadata: &str, version: &str) -> String {
    format!(
        r#"{{"kind":"TokenReview","apiVersion":"authentication.k8s.io/{version}","metadata":{metadata},"spec":{{"token":"T","audiences":["https://kubernetes.default.svc"]}},"status":{{"user":{{}}}}}}"#
    ) + "\n"
}

#[test]
fn questions_of_old_and_new_apiservers_are_read_in_both_versions() {
    for metadata in ["{}", r#"{"creationTimestamp":null}"#] {
        for (text, version) in
            [("v1", ReviewApiVersion::V1), ("v1beta1", ReviewApiVersion::V1Beta1)]
        {
            let request = ReviewRequest::parse(question(metadata, text).as_bytes()).unwrap();
            assert_eq!(request.api_version, version);
            assert_eq!(request.token.expose(), "T");
            assert_eq!(request.audiences, ["https://kubernetes.default.svc"]);
        }
    }
}

#[test]
fn a_missing_token_or_audience_is_empty_and_no_error() {
    for spec in ["", r#","spec":null"#, r#","spec":{}"#, r#","spec":{"token":"","audiences":null}"#]
    {
        let body =
            format!(r#"{{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1"{spec}}}"#);
        let request = ReviewRequest::parse(body.as_bytes()).unwrap();
        assert!(request.token.is_empty() && request.audiences.is_empty(), "{spec}");
    }
}

#[test]
fn what_is_not_a_question_is_refused_with_its_reason() {
    let refused = |body: &str| ReviewRequest::parse(body.as_bytes()).unwrap_err().to_string();
    for body in ["", "x", "[]", "{} x", r#"{"kind":"TokenReview","kind":"TokenReview"}"#] {
        let shown = refused(body);
        assert!(shown.contains("not a TokenReview") || shown.contains("kind"), "{body}: {shown}");
    }
    let twice = r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"token":"a","token":"b"}}"#;
    assert!(refused(twice).contains("not a TokenReview"));
    assert!(refused(r#"{"kind":"Pod","apiVersion":"v1"}"#).contains("not of kind `TokenReview`"));
    let unknown = r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v2"}"#;
    assert!(refused(unknown).contains("unknown apiVersion"));
    assert!(refused(r#"{"kind":"TokenReview"}"#).contains("unknown apiVersion"));
}

#[test]
fn nothing_that_a_caller_wrote_is_in_the_reason() {
    let version = "authentication.k8s.io/v1";
    for body in [
        r#"{"kind":"hunter2","apiVersion":"hunter2"}"#.to_owned(),
        r#"{"kind":"TokenReview","apiVersion":"hunter2"}"#.to_owned(),
        r#"{"kind":["hunter2"],"apiVersion":"hunter2"}"#.to_owned(),
        format!(r#"{{"kind":"TokenReview","apiVersion":"{version}","spec":"hunter2"}}"#),
        format!(
            r#"{{"kind":"TokenReview","apiVersion":"{version}","spec":{{"token":["hunter2"]}}}}"#
        ),
        format!(
            r#"{{"kind":"TokenReview","apiVersion":"{version}","spec":{{"hunter2":1,"hunter2":1}}}}"#
        ),
        r#"{"hunter2"}"#.to_owned(),
        "hunter2".to_owned(),
    ] {
        let fault = ReviewRequest::parse(body.as_bytes()).unwrap_err();
        let mut told = format!("{fault} {fault:?}");
        let mut cause = std::error::Error::source(&fault);
        while let Some(inner) = cause {
            told.push_str(&inner.to_string());
            cause = inner.source();
        }
        assert!(!told.contains("hunter2"), "{body}: {told}");
    }
}

#[test]
fn a_member_of_another_type_is_refused_by_its_name() {
    for (name, members) in [
        ("kind", r#""kind":1"#),
        ("apiVersion", r#""kind":"TokenReview","apiVersion":[]"#),
        ("spec", r#""kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":["T"]"#),
        (
            "token",
            r#""kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"token":7}"#,
        ),
        (
            "audiences",
            r#""kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"audiences":"a"}"#,
        ),
        (
            "audiences",
            r#""kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"audiences":[1]}"#,
        ),
    ] {
        let error = ReviewRequest::parse(format!("{{{members}}}").as_bytes()).unwrap_err();
        assert!(
            matches!(error, ReviewRequestError::WrongType(shown) if shown == name),
            "{members}"
        );
    }
}

#[test]
fn a_key_twice_is_refused_wherever_it_is() {
    for rest in [r#""metadata":{"x":[{"a":1,"a":2}]}"#, r#""status":{},"status":{}"#] {
        let body = format!(
            r#"{{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{{}},{rest}}}"#
        );
        let error = ReviewRequest::parse(body.as_bytes()).unwrap_err();
        assert!(matches!(error, ReviewRequestError::Malformed(_)), "{rest}");
    }
}

#[test]
fn the_token_is_in_no_error() {
    for spec in [r#"{"token":"hunter2","token":"hunter2"}"#, r#""hunter2""#, r#"["hunter2"]"#] {
        let body = format!(
            r#"{{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{spec}}}"#
        );
        let error = ReviewRequest::parse(body.as_bytes()).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{spec}");
    }
}

#[test]
fn an_accepted_token_is_answered_with_user_and_audiences() {
    let identity = Identity {
        username: "oidc:jane".into(),
        uid: "42".into(),
        groups: vec!["oidc:dev".into()],
        extra: [("example.org/x".to_owned(), vec!["1".to_owned()])].into(),
    };
    assert_eq!(
        String::from_utf8(render_authenticated(ReviewApiVersion::V1, &identity, &["a".into()]))
            .unwrap(),
        r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":true,"user":{"username":"oidc:jane","uid":"42","groups":["oidc:dev"],"extra":{"example.org/x":["1"]}},"audiences":["a"]}}"#
    );
    let bare = Identity { username: "jane".into(), ..Identity::default() };
    assert_eq!(
        String::from_utf8(render_authenticated(ReviewApiVersion::V1Beta1, &bare, &[])).unwrap(),
        r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","status":{"authenticated":true,"user":{"username":"jane"}}}"#
    );
}

#[test]
fn a_refused_token_is_answered_without_user_and_without_error() {
    assert_eq!(
        String::from_utf8(render_unauthenticated(ReviewApiVersion::V1Beta1)).unwrap(),
        r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","status":{"authenticated":false}}"#
    );
}
