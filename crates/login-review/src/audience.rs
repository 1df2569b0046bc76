//! Compares the audiences of a TokenReview with kube-apiserver's own.
//! Never echoes a requested audience that is not one of `--api-audiences`.

use crate::verdict::Reason;

/// The audiences of one TokenReview.
#[derive(Clone, Copy, Debug)]
pub struct AudienceRequest<'a> {
    /// `spec.audiences`; empty when the caller named none.
    pub requested: &'a [String],
    /// kube-apiserver's `--api-audiences`, if configured.
    pub api_audiences: Option<&'a [String]>,
}

impl AudienceRequest<'_> {
    /// The value of `status.audiences`; empty means that the field is omitted.
    ///
    /// If it is omitted, kube-apiserver assumes its own audiences, and itself refuses the token if
    /// the request was for others. A client id in `aud` is never returned: it does not intersect
    /// with what kube-apiserver expects, and the user would silently be unauthenticated.
    pub fn grant(&self) -> Result<Vec<String>, Reason> {
        let Some(api_audiences) = self.api_audiences else {
            return Ok(Vec::new());
        };
        if self.requested.is_empty() {
            return Ok(Vec::new());
        }
        let mut granted: Vec<String> = Vec::new();
        for audience in self.requested {
            if api_audiences.contains(audience) && !granted.contains(audience) {
                granted.push(audience.clone());
            }
        }
        if granted.is_empty() { Err(Reason::WrongAudience) } else { Ok(granted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "https://kubernetes.default.svc";

    fn grant(requested: &[&str], api_audiences: Option<&[&str]>) -> Result<Vec<String>, Reason> {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let requested = owned(requested);
        let api_audiences = api_audiences.map(owned);
        AudienceRequest { requested: &requested, api_audiences: api_audiences.as_deref() }.grant()
    }

    // W13
    #[test]
    fn without_api_audiences_the_field_is_left_out() {
        assert_eq!(grant(&[API], None), Ok(vec![]));
        assert_eq!(grant(&["vault"], None), Ok(vec![]));
    }

    // W14
    #[test]
    fn a_third_party_audience_is_never_echoed() {
        assert_eq!(grant(&["vault"], Some(&[API])), Err(Reason::WrongAudience));
        assert_eq!(grant(&["vault"], Some(&[])), Err(Reason::WrongAudience));
    }

    // W15
    #[test]
    fn of_several_audiences_only_the_common_ones_are_granted_once() {
        let granted = grant(&["vault", "b", API, "b"], Some(&[API, "b", "c"]));
        assert_eq!(granted, Ok(vec!["b".to_owned(), API.to_owned()]));
    }

    // W16
    #[test]
    fn a_question_without_audiences_is_answered_without() {
        assert_eq!(grant(&[], Some(&[API])), Ok(vec![]));
        assert_eq!(grant(&[], None), Ok(vec![]));
    }
}
