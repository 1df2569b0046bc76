//! The caching headers of an answer, one header a line.
//! Never accepts that two readings of the same headers differ.

use http::{HeaderMap, HeaderName, HeaderValue};
use login_server::evidence::freshness::{date, lifetime};

/// One input.
pub fn run(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    assert_eq!(lifetime(&headers), lifetime(&headers));
    let _ = date(&headers);
}
