//! The page that the user sees when the browser comes back: success, or the reason for failure.
//! Never loads anything, never runs a script, never shows unescaped text.

use std::error::Error as _;

use http::StatusCode;
use url::Url;

use super::FlowError;
use crate::{scrub, system::loopback::Page};

/// The page after a sign-in.
pub fn success(name: Option<&str>) -> Page {
    let who = name.map(|name| format!(" as <b>{}</b>", escaped(name))).unwrap_or_default();
    page(
        StatusCode::OK,
        "Signed in",
        "ok",
        &format!("You are signed in{who}."),
        "You can close this page and go back to your terminal.",
    )
}

/// The page after a sign-in that redirects the browser to another page.
pub fn onward(next: &Url) -> Page {
    // Shown by browsers that do not follow the redirect.
    let page = success(None);
    Page { status: StatusCode::SEE_OTHER, location: Some(next.clone()), ..page }
}

/// The page after a failed sign-in.
pub fn failure(error: &FlowError) -> Page {
    let reason =
        error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let reason = scrub::reported(&reason);
    page(
        StatusCode::BAD_REQUEST,
        "Not signed in",
        "bad",
        &format!("{}.", sentence(&reason)),
        "Go back to your terminal to try again.",
    )
}

/// The page for a request that is not the answer we wait for.
pub fn stray() -> Page {
    page(
        StatusCode::BAD_REQUEST,
        "Not this sign-in",
        "bad",
        "This page does not belong to the sign-in in progress.",
        "Use the page that kubectl-login opened, or the address in your terminal.",
    )
}

fn page(status: StatusCode, title: &str, kind: &str, text: &str, advice: &str) -> Page {
    let mark = if kind == "ok" { "M5 13l4 4L19 7" } else { "M6 6l12 12M18 6L6 18" };
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} – kubectl-login</title>
<style>
:root {{ --page: #f5f6f8; --card: #fff; --text: #1b1f24; --soft: #57606a; --line: #d8dee4; --ok: #1a7f37; --bad: #b42318; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #0f1216; --card: #171b21; --text: #e6e9ee; --soft: #9aa4b0; --line: #2b323b; --ok: #4ac26b; --bad: #ff7b72; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }}
main {{ width: 100%; max-width: 26rem; padding: 2.5rem 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; text-align: center; overflow-wrap: anywhere; }}
svg {{ width: 3rem; height: 3rem; fill: none; stroke: var(--{kind}); stroke-width: 2.5; stroke-linecap: round; stroke-linejoin: round; }}
h1 {{ margin: .75rem 0 .5rem; font-size: 1.375rem; line-height: 1.25; }}
p {{ margin: 0 0 .5rem; text-wrap: balance; }}
code {{ font: .9375em ui-monospace, monospace; }}
.soft {{ color: var(--soft); font-size: .9375rem; }}
</style>
</head>
<body>
<main>
<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{mark}"/></svg>
<h1>{title}</h1>
<p>{text}</p>
<p class="soft">{advice}</p>
</main>
</body>
</html>
"#
    );
    Page { status, html, location: None }
}

/// An error as a page shows it: capitalized, with literals marked up, which a terminal marks with
/// backticks.
fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let error = capital + letters.as_str();
    let parts = error.split('`').enumerate().map(|(index, part)| match index % 2 {
        1 => ["<code>", &escaped(part), "</code>"].concat(),
        _ => escaped(part),
    });
    parts.collect()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_escaped() {
        let page = success(Some("<script>alert('x')</script>"));
        assert!(page.html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
        assert!(!page.html.contains("<script"));
    }

    #[test]
    fn an_error_is_shown_as_a_sentence_with_its_literals_set_apart() {
        for (error, shown) in [
            ("the issuer said `a<b`, twice", "The issuer said <code>a&lt;b</code>, twice"),
            ("`x` and `y`", "<code>x</code> and <code>y</code>"),
            ("<b>", "&lt;b&gt;"),
            ("", ""),
        ] {
            assert_eq!(sentence(error), shown);
        }
    }

    #[test]
    fn pages_load_nothing() {
        for page in [success(None), stray(), failure(&FlowError::Cancelled)] {
            for word in ["http:", "https:", "src=", "href=", "url(", "@import"] {
                assert!(!page.html.contains(word), "{word}");
            }
        }
    }
}
