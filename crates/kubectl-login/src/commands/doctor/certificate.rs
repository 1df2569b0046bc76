//! The facts of a certificate that a user needs to find the missing authority: subject, issuer and
//! validity (RFC 5280 §4.1).
//! Never a reason to trust: nothing is verified here.

use login_common::UnixTime;

/// The unverified content of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    subject: String,
    issuer: String,
    not_before: UnixTime,
    not_after: UnixTime,
}

// Tags of X.690.
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0] EXPLICIT`, the tag of `version`.
const VERSION: u8 = 0xa0;

/// `id-at-commonName` and `id-at-organizationName`, in order of preference.
const NAMES: [&[u8]; 2] = [&[0x55, 4, 3], &[0x55, 4, 10]];

impl Certificate {
    /// Reads DER; returns `None` for unexpected content.
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        let (certificate, _) = element(der, SEQUENCE)?;
        let (mut fields, _) = element(certificate, SEQUENCE)?;
        if let Some((_, rest)) = element(fields, VERSION) {
            fields = rest;
        }
        let (_, fields) = element(fields, INTEGER)?;
        let (_, fields) = element(fields, SEQUENCE)?;
        let (issuer, fields) = element(fields, SEQUENCE)?;
        let (validity, fields) = element(fields, SEQUENCE)?;
        let (subject, _) = element(fields, SEQUENCE)?;
        let (not_before, rest) = moment(validity)?;
        let (not_after, _) = moment(rest)?;
        let (subject, issuer) = (name(subject), name(issuer));
        Some(Self { subject, issuer, not_before, not_after })
    }

    /// Describes it in words.
    pub(super) fn describe(&self, now: UnixTime) -> String {
        let Self { subject, issuer, not_before, not_after } = self;
        let signer = if subject == issuer { "itself".to_owned() } else { format!("`{issuer}`") };
        let validity = if now < *not_before {
            format!("not valid before {not_before}")
        } else if *not_after < now {
            format!("expired since {not_after}")
        } else {
            format!("valid until {not_after}")
        };
        format!("its certificate is for `{subject}`, signed by {signer}, {validity}")
    }
}

/// The content of the first element, if it has that tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    (*found == tag).then_some(())?;
    let (&first, mut rest) = rest.split_first()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        // Longer elements are not certificates.
        (1..=3).contains(&digits.len()).then_some(())?;
        rest = after;
        digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit))
    };
    rest.split_at_checked(length)
}

/// The common name, or else the organization.
fn name(mut attributes: &[u8]) -> String {
    let mut found: [Option<String>; 2] = [None, None];
    while let Some((set, rest)) = element(attributes, SET) {
        attributes = rest;
        let Some((identifier, value)) =
            element(set, SEQUENCE).and_then(|(pair, _)| element(pair, OBJECT_IDENTIFIER))
        else {
            continue;
        };
        for (place, known) in found.iter_mut().zip(NAMES) {
            if identifier == known {
                let text = value.first().and_then(|tag| element(value, *tag));
                *place = text.map(|(text, _)| String::from_utf8_lossy(text).into_owned());
            }
        }
    }
    found.into_iter().flatten().next().unwrap_or_else(|| "an unnamed authority".to_owned())
}

/// Reads a `Time`; also returns what follows it.
fn moment(bytes: &[u8]) -> Option<(UnixTime, &[u8])> {
    let (digits, rest) = element(bytes, UTC_TIME).or_else(|| element(bytes, GENERALIZED_TIME))?;
    let text = std::str::from_utf8(digits).ok()?.strip_suffix('Z')?;
    // RFC 5280 §4.1.2.5.1: two-digit years from 50 on belong to the last century.
    let whole = match text.len() {
        12 if text >= "50" => format!("19{text}"),
        12 => format!("20{text}"),
        _ => text.to_owned(),
    };
    let part = |from: usize, to: usize| whole.get(from..to);
    let rfc3339 = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    Some((UnixTime::parse_rfc3339(&rfc3339).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    /// For `id.example`, by `Example Root`, for the thirty days from 2026-11-22T07:01:39Z.
    const LEAF: &str = "MIIBODCB3wIUdu7wFvRpmvbq7qFYbzpiWuem++4wCgYIKoZIzj0EAwIwKTEQMA4GA1UECgwHRXhhbXBsZTEVMBMGA1UEAwwMRXhhbXBsZSBSb290MB4XDTI2MTEyMjA3MDEzOVoXDTI2MTIyMjA3MDEzOVowFTETMBEGA1UEAwwKaWQuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCVzFqUfkcQ3oi2uIKcIuVrvct7XDzS99x1m/zCXRqBzuw4dwBnobmBdDqRIHI+2EtMApJu7wPNekmNVy9paLugwCgYIKoZIzj0EAwIDSAAwRQIhAJPQqLNHZjTamNLKwJFMPpToWRDQZj8/fJtc80D5UIe8AiAY7KvJtNwvEvfyaK0XkS42iDXgHKyi7XS8gJ6jSqSU2g==";

    #[test]
    fn a_certificate_says_for_whom_by_whom_and_until_when() {
        let certificate = Certificate::parse(&STANDARD.decode(LEAF).unwrap()).unwrap();
        let at = |text: &str| UnixTime::parse_rfc3339(text).unwrap();
        for (now, validity) in [
            ("2026-11-22T07:01:38Z", "not valid before 2026-11-22T07:01:39Z"),
            ("2026-12-01T00:00:00Z", "valid until 2026-12-22T07:01:39Z"),
            ("2027-01-01T00:00:00Z", "expired since 2026-12-22T07:01:39Z"),
        ] {
            assert_eq!(
                certificate.describe(at(now)),
                format!(
                    "its certificate is for `id.example`, signed by `Example Root`, {validity}"
                )
            );
        }
        let own = Certificate { issuer: "id.example".to_owned(), ..certificate };
        assert!(own.describe(at("2026-12-01T00:00:00Z")).contains("signed by itself"));
    }

    #[test]
    fn torn_certificates_are_none() {
        let der = STANDARD.decode(LEAF).unwrap();
        for length in 0..der.len() {
            assert_eq!(Certificate::parse(&der[..length]), None, "{length}");
        }
        for index in 0..der.len() {
            let mut bytes = der.clone();
            bytes[index] ^= 0xff;
            // Any result is fine, but parsing must end.
            let _ = Certificate::parse(&bytes);
        }
    }
}
