//! A URL's text to its parts and back (RFC 3986 as Go's `net/url` reads it).
//! Never a repair: a text that does not fit is refused.

use std::net::Ipv6Addr;

use super::escape::{Part, escape, is_valid, unescape};
use super::{Url, User};

/// More query parameters than these are none at all, as in Go.
const PARAMETERS: usize = 10_000;

/// As in the line of a request: an absolute URL or an absolute path, without a fragment.
pub(super) fn request_uri(text: &str) -> Option<Url> {
    parse(text, Place::RequestLine)
}

/// With a fragment, perhaps.
pub(super) fn reference(text: &str) -> Option<Url> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut url = parse(text, Place::Reference)?;
    url.fragment = unescape(fragment, Part::Fragment)?;
    if escape(&url.fragment, Part::Fragment) != fragment {
        fragment.clone_into(&mut url.raw_fragment);
    }
    Some(url)
}

/// Where a URL stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    RequestLine,
    Reference,
}

fn parse(text: &str, place: Place) -> Option<Url> {
    let in_request = place == Place::RequestLine;
    if text.bytes().any(|byte| byte.is_ascii_control()) || (text.is_empty() && in_request) {
        return None;
    }
    if text == "*" {
        return Some(Url { path: text.to_owned(), ..Url::default() });
    }
    let (scheme, rest) = scheme(text)?;
    let mut url = Url { scheme: scheme.to_ascii_lowercase(), ..Url::default() };
    let mut rest = match rest.strip_suffix('?') {
        Some(path) if !path.contains('?') => {
            url.force_query = true;
            path
        }
        _ => {
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            query.clone_into(&mut url.raw_query);
            path
        }
    };
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            rest.clone_into(&mut url.opaque);
            return Some(url);
        }
        let first_segment = rest.split('/').next().unwrap_or_default();
        if in_request || first_segment.contains(':') {
            return None;
        }
    }
    let may_name_host = !url.scheme.is_empty() || (!in_request && !rest.starts_with("///"));
    if let Some(after) = rest.strip_prefix("//").filter(|_| may_name_host) {
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        read_authority(&mut url, authority)?;
        rest = path;
    } else if !url.scheme.is_empty() && rest.starts_with('/') {
        url.omit_host = true;
    }
    url.path = unescape(rest, Part::Path)?;
    if escape(&url.path, Part::Path) != rest {
        rest.clone_into(&mut url.raw_path);
    }
    Some(url)
}

/// The scheme, which may be missing, and what follows it.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (index, character) in text.char_indices() {
        match character {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if index > 0 => {}
            ':' if index == 0 => return None,
            ':' => return text.split_once(':'),
            _ => break,
        }
    }
    Some(("", text))
}

fn read_authority(url: &mut Url, authority: &str) -> Option<()> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    url.host = read_host(&url.scheme, host)?;
    let Some(user) = user else { return Some(()) };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(allowed) {
        return None;
    }
    let (name, password) = match user.split_once(':') {
        Some((name, password)) => (name, Some(unescape(password, Part::UserInfo)?)),
        None => (user, None),
    };
    url.user = Some(User { name: unescape(name, Part::UserInfo)?, password });
    Some(())
}

fn read_host(scheme: &str, host: &str) -> Option<String> {
    match host.rfind('[') {
        Some(0) => return read_literal(host),
        Some(_) => return None,
        None => {}
    }
    // Only what is not HTTP may have colons in its host.
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    if let Some((_, port)) = colon.and_then(|colon| host.split_at_checked(colon))
        && !is_optional_port(port)
    {
        return None;
    }
    unescape(host, Part::Host)
}

/// `[IPv6 address]:port`
fn read_literal(host: &str) -> Option<String> {
    let (literal, port) = host.strip_prefix('[')?.rsplit_once(']')?;
    if !is_optional_port(port) {
        return None;
    }
    let name = match literal.split_once("%25") {
        Some((address, zone)) => {
            format!("{}%{}", unescape(address, Part::Host)?, unescape(zone, Part::Zone)?)
        }
        None => unescape(literal, Part::Host)?,
    };
    let (address, zone) = match name.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (name.as_str(), None),
    };
    if address.parse::<Ipv6Addr>().is_err() || zone == Some("") {
        return None;
    }
    Some(format!("[{name}]{}", unescape(port, Part::Host)?))
}

fn is_optional_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Names and values; what cannot be read is left out.
pub(super) fn query(raw: &str) -> Vec<(String, String)> {
    if raw.split('&').count() > PARAMETERS {
        return Vec::new();
    }
    raw.split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(name, Part::Query)?, unescape(value, Part::Query)?))
        })
        .collect()
}

impl Url {
    pub(super) fn host_and_port(&self) -> (&str, &str) {
        let (host, port) = match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (self.host.as_str(), ""),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        (bare.unwrap_or(host), port)
    }

    /// The path as it was written where that is a way to write it.
    pub(super) fn escaped_path(&self) -> String {
        if !self.raw_path.is_empty()
            && is_valid(&self.raw_path, Part::Path)
            && unescape(&self.raw_path, Part::Path).as_ref() == Some(&self.path)
        {
            return self.raw_path.clone();
        }
        if self.path == "*" { self.path.clone() } else { escape(&self.path, Part::Path) }
    }

    fn escaped_fragment(&self) -> String {
        if !self.raw_fragment.is_empty()
            && is_valid(&self.raw_fragment, Part::Fragment)
            && unescape(&self.raw_fragment, Part::Fragment).as_ref() == Some(&self.fragment)
        {
            return self.raw_fragment.clone();
        }
        escape(&self.fragment, Part::Fragment)
    }

    /// The whole URL again; two URLs are equal if these are.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if self.opaque.is_empty() {
            self.push_hierarchy(&mut text);
        } else {
            text.push_str(&self.opaque);
        }
        if self.force_query || !self.raw_query.is_empty() {
            text.push('?');
            text.push_str(&self.raw_query);
        }
        if !self.fragment.is_empty() {
            text.push('#');
            text.push_str(&self.escaped_fragment());
        }
        text
    }

    fn push_hierarchy(&self, text: &mut String) {
        let names_host = !self.host.is_empty() || self.user.is_some();
        let has_authority = names_host || (!self.scheme.is_empty() && !self.omit_host);
        if has_authority && (names_host || !self.path.is_empty()) {
            text.push_str("//");
        }
        if let Some(user) = &self.user {
            text.push_str(&escape(&user.name, Part::UserInfo));
            if let Some(password) = &user.password {
                text.push(':');
                text.push_str(&escape(password, Part::UserInfo));
            }
            text.push('@');
        }
        text.push_str(&escape(&self.host, Part::Host));
        let path = self.escaped_path();
        if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
            text.push('/');
        }
        if text.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
            text.push_str("./");
        }
        text.push_str(&path);
    }
}
