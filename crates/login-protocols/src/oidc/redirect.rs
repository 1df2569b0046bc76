//! Decides which redirects to follow when a public document is fetched, as Go's HTTP client does
//! for kube-apiserver (RFC 9110 §15.4).
//! Never changes the scheme, so never leaves https for a connection that can be read or modified;
//! never follows redirects without a limit.

use login_common::names::is_confidential;
use thiserror::Error;
use url::Url;

/// Maximum number of redirects for one document.
pub const MAX_REDIRECTS: usize = 10;

/// Why a redirect is not followed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RedirectFault {
    /// `Location` is missing or not a URL.
    #[error("`{from}` redirects without saying where to")]
    NoTarget {
        /// The URL that redirects.
        from: Box<Url>,
    },
    /// Another scheme, plain http to another host than this one, or credentials in the URL.
    #[error(
        "`{from}` redirects to `{to}`, which is not followed: it is not a plain URL of the same \
         scheme"
    )]
    Forbidden {
        /// The URL that redirects.
        from: Box<Url>,
        /// The target, without credentials.
        to: Box<Url>,
    },
    /// More than [`MAX_REDIRECTS`].
    #[error("`{from}` is the last of {MAX_REDIRECTS} redirects that are followed")]
    TooMany {
        /// The URL that redirects.
        from: Box<Url>,
    },
}

/// The target of a response of `from` with `status` and `location`, after `followed` redirects;
/// `None` when it is no redirect.
pub fn redirect_target(
    from: &Url,
    status: u16,
    location: Option<&str>,
    followed: usize,
) -> Result<Option<Url>, RedirectFault> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let from_here = || Box::new(from.clone());
    let target = location.and_then(|location| from.join(location).ok());
    let mut to = target.ok_or_else(|| RedirectFault::NoTarget { from: from_here() })?;
    to.set_fragment(None);
    let has_credentials = !to.username().is_empty() || to.password().is_some();
    if to.scheme() != from.scheme() || !is_confidential(&to) || has_credentials {
        // These fail only for a URL that cannot have credentials.
        let _ = (to.set_username(""), to.set_password(None));
        return Err(RedirectFault::Forbidden { from: from_here(), to: Box::new(to) });
    }
    if followed >= MAX_REDIRECTS {
        return Err(RedirectFault::TooMany { from: from_here() });
    }
    Ok(Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(
        from: &str,
        status: u16,
        location: Option<&str>,
    ) -> Result<Option<Url>, RedirectFault> {
        redirect_target(&Url::parse(from).unwrap(), status, location, 0)
    }

    #[test]
    fn a_redirect_of_the_same_scheme_is_followed() {
        const FROM: &str = "https://id.example/a/.well-known/openid-configuration";
        for (location, expected) in [
            ("https://id.example/b", "https://id.example/b"),
            ("https://www.id.example:8443/b?x=1#y", "https://www.id.example:8443/b?x=1"),
            ("/b", "https://id.example/b"),
            ("//other.example/b", "https://other.example/b"),
            ("openid", "https://id.example/a/.well-known/openid"),
        ] {
            for status in [301, 302, 303, 307, 308] {
                let to = target(FROM, status, Some(location)).unwrap().unwrap();
                assert_eq!(to.as_str(), expected);
            }
        }
        let local = target("http://127.0.0.1:1/a", 302, Some("http://localhost:2/b"));
        assert_eq!(local.unwrap().unwrap().as_str(), "http://localhost:2/b");
    }

    #[test]
    fn an_answer_that_is_no_redirect_sends_nobody_anywhere() {
        for status in [200, 201, 300, 304, 305, 306, 404, 500] {
            assert_eq!(target("https://id.example/", status, Some("https://x.example/")), Ok(None));
        }
    }

    #[test]
    fn a_redirect_to_what_could_be_read_or_changed_on_the_way_is_refused() {
        const FROM: &str = "https://id.example/a";
        for location in [
            "http://id.example/b",
            "http://127.0.0.1/b",
            "ftp://id.example/b",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:application/json,{}",
            "https://user:secret@id.example/b",
        ] {
            let fault = target(FROM, 302, Some(location)).unwrap_err();
            assert!(matches!(fault, RedirectFault::Forbidden { .. }), "{location}");
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
        for to in ["https://127.0.0.1:1/", "http://id.example/"] {
            let fault = target("http://127.0.0.1:1/a", 302, Some(to)).unwrap_err();
            assert!(matches!(fault, RedirectFault::Forbidden { .. }), "{to}");
        }
        for location in [None, Some("https://")] {
            let fault = target(FROM, 301, location).unwrap_err();
            assert!(matches!(fault, RedirectFault::NoTarget { .. }), "{location:?}");
        }
    }

    #[test]
    fn there_is_an_end_to_redirects() {
        let from = Url::parse("https://id.example/a").unwrap();
        let followed = |followed| redirect_target(&from, 302, Some("/a"), followed);
        assert!(followed(MAX_REDIRECTS - 1).unwrap().is_some());
        assert_eq!(
            followed(MAX_REDIRECTS),
            Err(RedirectFault::TooMany { from: Box::new(from.clone()) })
        );
    }
}
