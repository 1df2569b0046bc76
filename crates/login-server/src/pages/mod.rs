//! The HTML pages: sign in, connect a device, approve it, and the result.
//! Never loads anything from elsewhere, never runs a script, never shows unescaped text.

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode};
use url::{Host, Url};

use crate::handlers::response::{Reply, html, text};

const STYLE: &str = include_str!("style.css");

/// `'sha256-…'`: the one style that a page may have (CSP Level 3 §8.4).
static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, STYLE.as_bytes()))));

/// The login form of the authorization endpoint.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// The issuer's host, for title and footer.
    pub host: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The client that asked.
    pub client: &'a str,
    /// The sealed request.
    pub ticket: &'a str,
    /// The content of the username field.
    pub username: &'a str,
    /// The error of the previous attempt.
    pub alert: Option<&'a str>,
}

/// The form for the code of a device.
#[derive(Debug, Template)]
#[template(path = "device_code.html")]
pub struct DeviceCodePage<'a> {
    /// The issuer's host, for title and footer.
    pub host: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The content of the code field.
    pub user_code: &'a str,
    /// The error of the previous attempt.
    pub alert: Option<&'a str>,
}

/// The form that shows which client asks, and approves or denies (RFC 8628 §5.4).
#[derive(Debug, Template)]
#[template(path = "device_confirm.html")]
pub struct DeviceConfirmPage<'a> {
    /// The issuer's host, for title and footer.
    pub host: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The client that asked.
    pub client: &'a str,
    /// The code, to compare with the one in the terminal.
    pub user_code: &'a str,
    /// The address of the device.
    pub source: &'a str,
    /// The time of the request.
    pub requested_at: &'a str,
    /// The content of the username field.
    pub username: &'a str,
    /// The error of the previous attempt.
    pub alert: Option<&'a str>,
}

/// The result; nothing is left to do on the page.
#[derive(Debug, Template)]
#[template(path = "outcome.html")]
pub struct OutcomePage<'a> {
    /// The issuer's host, for title and footer.
    pub host: &'a str,
    /// Chooses symbol and colour.
    pub is_good: bool,
    /// What happened, in a few words.
    pub title: &'a str,
    /// What that means.
    pub message: &'a str,
    /// What to do now.
    pub next: &'a str,
}

macro_rules! with_style {
    ($($page:ident),+) => {$(
        impl $page<'_> {
            const fn style(&self) -> &'static str {
                STYLE
            }
        }
    )+};
}
with_style!(SignInPage, DeviceCodePage, DeviceConfirmPage, OutcomePage);

/// A page whose forms are sent to this server, and may be redirected to `redirect_origin`: Chromium
/// applies `form-action` to the redirect that answers a form, too.
pub fn show(page: &impl Template, status: StatusCode, redirect_origin: Option<&str>) -> Reply {
    let Ok(body) = page.render() else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made\n");
    };
    let style = STYLE_HASH.as_str();
    let targets = redirect_origin.map(form_target).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src {style}; img-src data:; form-action 'self'{targets}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    // Fails only if the origin is not a valid header value; then the form may not redirect.
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ));
    html(status, policy, body)
}

fn form_target(origin: &str) -> String {
    match Url::parse(origin) {
        // CSP's host-source has no form for IPv6 literals, so the scheme must do.
        Ok(url) if matches!(url.host(), Some(Host::Ipv6(_))) => format!(" {}:", url.scheme()),
        Ok(url) => format!(" {}", url.origin().ascii_serialization()),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy_of(reply: &Reply) -> &str {
        reply.headers().get(http::header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap()
    }

    fn sign_in<'a>(username: &'a str, alert: Option<&'a str>) -> SignInPage<'a> {
        SignInPage {
            host: "id.example",
            action: "/authorize",
            client: "kubectl-login",
            ticket: "t",
            username,
            alert,
        }
    }

    #[test]
    fn what_people_type_is_escaped() {
        let page = sign_in("\"><script>alert(1)</script>", Some("<b>no</b>")).render().unwrap();
        assert!(!page.contains("<script"));
        assert!(!page.contains("<b>"));
    }

    #[test]
    fn the_style_in_the_page_is_the_one_the_policy_allows() {
        let page = sign_in("alice", None);
        let body = page.render().unwrap();
        let (_, rest) = body.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
        assert!(policy_of(&show(&page, StatusCode::OK, None)).contains(&hash));
    }

    #[test]
    fn the_form_may_go_to_the_loopback_redirect_and_nowhere_else() {
        let allowed = |origin| {
            let reply = show(&sign_in("", None), StatusCode::OK, origin);
            let policy = policy_of(&reply);
            let (_, rest) = policy.split_once("form-action ").unwrap();
            rest.split(';').next().unwrap().to_owned()
        };
        assert_eq!(allowed(None), "'self'");
        assert_eq!(allowed(Some("http://127.0.0.1:4242")), "'self' http://127.0.0.1:4242");
        assert_eq!(allowed(Some("http://[::1]:4242")), "'self' http:");
    }

    #[test]
    fn pages_are_neither_stored_nor_framed_nor_named_as_referrer() {
        let reply = show(&sign_in("", None), StatusCode::OK, None);
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(reply.headers().get(name).unwrap(), value);
        }
    }
}
