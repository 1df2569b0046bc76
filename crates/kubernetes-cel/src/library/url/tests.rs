//! URLs as Go reads them.

use super::parse::{query, reference, request_uri};

fn parts(text: &str) -> Option<[String; 5]> {
    request_uri(text)?;
    let url = reference(text)?;
    let (name, port) = url.host_and_port();
    Some([
        url.scheme.clone(),
        url.host.clone(),
        name.to_owned(),
        port.to_owned(),
        url.escaped_path(),
    ])
}

#[test]
fn the_parts_are_those_of_rfc_3986() {
    let table = [
        ("https://example.com/path", ["https", "example.com", "example.com", "", "/path"]),
        (
            "HTTP://User:pw@EXAMPLE.com:80/a%20b",
            ["http", "EXAMPLE.com:80", "EXAMPLE.com", "80", "/a%20b"],
        ),
        ("http://[::1]:80/", ["http", "[::1]:80", "::1", "80", "/"]),
        ("http://[fe80::1%25en0]/", ["http", "[fe80::1%en0]", "fe80::1%en0", "", "/"]),
        ("/only/path", ["", "", "", "", "/only/path"]),
        ("http://h:/x", ["http", "h:", "h", "", "/x"]),
        ("mailto:a@b", ["mailto", "", "", "", ""]),
        ("http://a/b c", ["http", "a", "a", "", "/b%20c"]),
    ];
    for (text, expected) in table {
        assert_eq!(parts(text), Some(expected.map(str::to_owned)), "{text}");
    }
}

#[test]
fn what_is_no_url_is_refused() {
    for text in [
        "",
        "relative",
        "1http://a",
        "://a",
        "http://[::1",
        "http://[::1]x/",
        "http://a b/",
        "http://a/%zz",
        "http://h:port/",
        "http://%41/",
        "http://a\tb",
        "http://a/\u{7f}",
        "?x=1",
        "http://[1.2.3.4]/",
        "http://[x]/",
        "http://a[b]/",
        "http://u\u{e9}@h/",
        "http://a:1:2/",
    ] {
        assert_eq!(parts(text), None, "{text:?}");
    }
}

#[test]
fn what_is_written_comes_back() {
    for text in [
        "https://example.com/path?x=1#f",
        "mailto:a@b",
        "http://u:p@h:1/%2F",
        "http://a?",
        "/a//b",
        "http:/a",
        "http://a/(b)!*",
    ] {
        assert_eq!(reference(text).map(|url| url.text()).as_deref(), Some(text));
    }
    assert_eq!(
        reference("HTTP://a/\u{e9}").map(|url| url.text()).as_deref(),
        Some("http://a/%C3%A9")
    );
}

#[test]
fn query_parameters_that_cannot_be_read_are_left_out() {
    let pairs = query("x=1&x=2&y&a=%zz&b=1;c=2&=3&d=%20+e&&");
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(pairs, [("x", "1"), ("x", "2"), ("y", ""), ("", "3"), ("d", "  e")]);
}
