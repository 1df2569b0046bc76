//! Reads the time headers of a response: how long it may be used, and the issuer's clock.
//! Never applies bounds: `intervals.rs` clamps the lifetime, so that an issuer can ask neither for a
//! storm of requests nor for a year.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, header};
use login_common::UnixTime;

/// How long the response is fresh (RFC 9111 §4.2.1), if it says so.
pub fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let age = text(headers, &header::AGE).and_then(|age| age.parse().ok()).map(Duration::from_secs);
    let lifetime = max_age(headers).or_else(|| until_expires(headers))?;
    Some(lifetime.saturating_sub(age.unwrap_or_default()))
}

fn until_expires(headers: &HeaderMap) -> Option<Duration> {
    let expires = text(headers, &header::EXPIRES)?;
    // RFC 9111 §5.3: a value that is no date, such as `0`, means expired.
    let end = parse_date(expires).unwrap_or(UnixTime::from_seconds(0));
    Some(end.since(date(headers)?))
}

/// `Cache-Control: max-age`. `no-store` and `no-cache` count as zero.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut found = None;
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    for directive in values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let name = name.trim();
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if name.eq_ignore_ascii_case("max-age") {
            // RFC 9111 §4.2.1: of two, or of one that is no number, the answer counts as stale.
            let seconds = value.trim().trim_matches('"').parse().unwrap_or(0);
            found = Some(found.map_or(seconds, |earlier: u64| earlier.min(seconds)));
        }
    }
    found.map(Duration::from_secs)
}

/// `Date`: the issuer's clock when it responded.
pub fn date(headers: &HeaderMap) -> Option<UnixTime> {
    text(headers, &header::DATE).and_then(parse_date)
}

fn parse_date(text: &str) -> Option<UnixTime> {
    let moment = httpdate::parse_http_date(text).ok()?;
    let seconds = moment.duration_since(UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(seconds).ok().map(UnixTime::from_seconds)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_lifetime_is_that_of_rfc_9111() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (lines, expected) in [
            (&[][..], None),
            (&[("cache-control", "public, max-age=300")], Some(300)),
            (&[("cache-control", "MAX-AGE=\"300\", must-revalidate")], Some(300)),
            (&[("cache-control", "max-age=300"), ("age", "100")], Some(200)),
            (&[("cache-control", "max-age=300"), ("age", "400")], Some(0)),
            (&[("cache-control", "max-age=300, no-cache")], Some(0)),
            (&[("cache-control", "no-store")], Some(0)),
            (&[("cache-control", "max-age=600, max-age=300")], Some(300)),
            (&[("cache-control", "max-age=ten")], Some(0)),
            (&[("cache-control", "max-age=99999999999999999999")], Some(0)),
            (&[("cache-control", "public")], None),
            (&[("expires", "Sun, 06 Nov 1994 08:54:37 GMT"), date], Some(300)),
            (&[("expires", "Sun, 06 Nov 1994 08:00:00 GMT"), date], Some(0)),
            (&[("expires", "0"), date], Some(0)),
            (&[("expires", "Sun, 06 Nov 1994 08:54:37 GMT")], None),
            (&[("cache-control", "max-age=5"), ("expires", "0"), date], Some(5)),
        ] {
            assert_eq!(lifetime(&headers(lines)), expected.map(Duration::from_secs), "{lines:?}");
        }
    }

    #[test]
    fn the_clock_of_the_issuer_is_read_in_the_form_of_http() {
        let at = |text| date(&headers(&[("date", text)])).map(UnixTime::as_seconds);
        assert_eq!(at("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(at("1994-11-06T08:49:37Z"), None);
        assert_eq!(date(&HeaderMap::new()), None);
    }
}
