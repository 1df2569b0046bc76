//! The user's browser in the demo: follows redirects and fills in the sign-in form with curl.
//! Never knows the pages: it reads forms as a browser does. kubectl-login starts it by
//! `--browser-command` with the page's URL as last argument.

use crate::{
    Outcome, children,
    dev_server::{DevServer, curl},
};
use anyhow::{Context as _, Result, bail};
use std::{env, fmt::Write as _, fs, path::Path};

/// The hidden command of xtask that runs this browser.
pub(crate) const BROWSER: &str = "demo-browser";

/// Pages and redirects between the first page and the end.
const LONGEST_WAY: usize = 8;

/// The value for `--browser-command`; it is split at whitespace, so it names a link without any.
pub(crate) fn command(server: &DevServer, scratch: &Path) -> Result<String> {
    let link = scratch.join("browser");
    if !link.exists() {
        #[cfg(unix)]
        std::os::unix::fs::symlink(env::current_exe()?, &link)?;
        #[cfg(not(unix))]
        fs::copy(env::current_exe()?, &link)?;
    }
    Ok([
        &link.display().to_string(),
        BROWSER,
        server.fact("/certificateAuthorityFile")?,
        server.fact("/user/name")?,
        server.fact("/user/passwordFile")?,
    ]
    .join(" "))
}

/// `demo-browser CA-FILE USER PASSWORD-FILE URL`
pub(crate) fn run(arguments: &[String]) -> Result<Outcome> {
    let [certificate_authority, user, password_file, start] = arguments else {
        return Ok(Outcome::Usage(format!("`{BROWSER}` is for the demo only")));
    };
    let password = fs::read_to_string(password_file)?;
    let password = password.trim_end();
    let folder = tempfile::tempdir()?;
    let mut url = start.clone();
    let mut form: Option<String> = None;
    for _ in 0..LONGEST_WAY {
        let page = fetch(certificate_authority, folder.path(), &url, form.as_deref())?;
        if !page.redirect.is_empty() {
            (url, form) = (page.redirect, None);
        } else if is_callback(&url) && page.status == "200" {
            return Ok(Outcome::Done);
        } else if let Some((action, body)) = fill_in(&page.body, user, password) {
            (url, form) = (resolve(&url, &action), Some(body));
        } else {
            bail!("status {} and no form at {}", page.status, without_query(&url));
        }
    }
    bail!("more than {LONGEST_WAY} pages and no end at {}", without_query(&url))
}

struct Page {
    status: String,
    redirect: String,
    body: String,
}

fn fetch(ca: &str, folder: &Path, url: &str, form: Option<&str>) -> Result<Page> {
    let (cookies, body, posted) =
        (folder.join("cookies"), folder.join("body"), folder.join("posted"));
    let mut command = curl(ca);
    command.arg("--cookie").arg(&cookies).arg("--cookie-jar").arg(&cookies);
    command.arg("--output").arg(&body).args(["--write-out", "%{http_code} %{redirect_url}"]);
    if let Some(form) = form {
        // curl reads the form from a file: the password must not be in an argument list.
        super::write_private(&posted, form)?;
        command.arg("--data").arg(format!("@{}", posted.display()));
        command.arg("--header").arg(format!("origin: {}", origin(url)));
    }
    // For a page without body, curl writes no file; the page before must not be read again.
    fs::write(&body, "")?;
    let said = children::text(command.arg("--url").arg(url))?;
    let (status, redirect) = said.split_once(' ').unwrap_or((&said, ""));
    Ok(Page {
        status: status.to_owned(),
        redirect: redirect.to_owned(),
        body: fs::read_to_string(&body).context("the page is not text")?,
    })
}

/// A plugin's listener: plain HTTP on loopback (RFC 8252 §7.3).
fn is_callback(url: &str) -> bool {
    ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"]
        .iter()
        .any(|start| url.starts_with(start))
}

/// The first form's action and its body, filled in as the user would.
fn fill_in(page: &str, user: &str, password: &str) -> Option<(String, String)> {
    let form = page.split_once("<form")?.1;
    let form = form.split_once("</form").map_or(form, |(form, _)| form);
    let (opening, rest) = form.split_once('>')?;
    let mut body = String::new();
    for field in rest.split("<input").skip(1) {
        let tag = field.split('>').next().unwrap_or(field);
        let Some(name) = attribute(tag, "name") else { continue };
        let value = match attribute(tag, "type").as_deref() {
            Some("password") => password.to_owned(),
            Some("text" | "email") | None => user.to_owned(),
            Some("checkbox" | "submit" | "radio") => continue,
            _ => attribute(tag, "value").unwrap_or_default(),
        };
        push_field(&mut body, &name, &value);
    }
    // A browser sends the button that was pressed: the first one.
    if let Some(button) = rest.split("<button").nth(1) {
        let tag = button.split('>').next().unwrap_or(button);
        if let (Some(name), Some(value)) = (attribute(tag, "name"), attribute(tag, "value")) {
            push_field(&mut body, &name, &value);
        }
    }
    Some((attribute(opening, "action").unwrap_or_default(), body))
}

/// The value of an attribute in a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescape(after.split_once('"')?.0))
}

fn unescape(text: &str) -> String {
    const NAMED: [(&str, &str); 10] = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x22;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        // Last, or `&amp;lt;` would become `<`.
        ("&amp;", "&"),
    ];
    NAMED.iter().fold(text.replace("&#38;", "&amp;"), |text, (from, to)| text.replace(from, to))
}

/// `application/x-www-form-urlencoded`
fn push_field(body: &mut String, name: &str, value: &str) {
    if !body.is_empty() {
        body.push('&');
    }
    push_encoded(body, name);
    body.push('=');
    push_encoded(body, value);
}

fn push_encoded(body: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            body.push(char::from(byte));
        } else {
            let _ = write!(body, "%{byte:02X}");
        }
    }
}

fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    url.get(..end).unwrap_or(url)
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

fn resolve(page: &str, action: &str) -> String {
    if action.contains("://") {
        action.to_owned()
    } else if action.starts_with('/') {
        format!("{}{action}", origin(page))
    } else {
        page.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_in_as_a_person_would() {
        let page = r#"<form method="post" action="/authorize"><input type="hidden" name="request" value="a&amp;b &#34;c">
            <label>Name <input type="text" name="username" autofocus></label>
            <input type="password" name="password"><button type="submit">Sign in</button></form>"#;
        let (action, body) = fill_in(page, "alice", "p w&d").unwrap();
        assert_eq!(action, "/authorize");
        assert_eq!(body, "request=a%26b%20%22c&username=alice&password=p%20w%26d");
    }

    #[test]
    fn a_page_without_form_is_nothing_to_fill_in() {
        assert!(fill_in("<p>Signed in.</p>", "alice", "secret").is_none());
    }

    #[test]
    fn actions_are_relative_to_their_page() {
        let page = "https://127.0.0.1:8443/authorize?a=b";
        assert_eq!(resolve(page, "/login"), "https://127.0.0.1:8443/login");
        assert_eq!(resolve(page, ""), page);
        assert_eq!(resolve(page, "https://id.example/x"), "https://id.example/x");
    }
}
