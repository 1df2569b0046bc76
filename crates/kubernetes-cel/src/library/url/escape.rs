//! Percent-encoding, by the part of the URL that it occurs in.
//! Never a decision about where a part begins or ends (`parse`).

/// The part of a URL that a text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    UserInfo,
    Host,
    Zone,
    Query,
    Fragment,
}

/// Whether a byte needs no escape in this part.
pub(super) fn is_plain(byte: u8, part: Part) -> bool {
    let more: &[u8] = match part {
        Part::Path => b"$&+,/:;=@",
        Part::UserInfo => b"$&+,;=",
        Part::Host | Part::Zone => b"!$&'()*+,;=:[]<>\"",
        Part::Query => b"",
        Part::Fragment => b"$&+,/:;=?@!()*",
    };
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || more.contains(&byte)
}

/// The text behind the escapes; none for an escape that is cut short or not allowed here. Bytes
/// that are no text become U+FFFD.
pub(super) fn unescape(text: &str, part: Part) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let in_host = matches!(part, Part::Host | Part::Zone);
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, rest @ ..] => {
                let byte = digit(*high)? << 4 | digit(*low)?;
                if in_host && byte != b'%' && !may_be_escaped(byte, part) {
                    return None;
                }
                bytes.push(byte);
                rest
            }
            [b'%', ..] => return None,
            [b'+', rest @ ..] if part == Part::Query => {
                bytes.push(b' ');
                rest
            }
            [byte, rest @ ..] => {
                if in_host && byte.is_ascii() && !is_plain(*byte, part) {
                    return None;
                }
                bytes.push(*byte);
                rest
            }
        };
    }
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// RFC 6874: hosts escape only what is not ASCII, zones only what a host could hold, and spaces.
fn may_be_escaped(byte: u8, part: Part) -> bool {
    match part {
        Part::Zone => byte == b' ' || is_plain(byte, Part::Host),
        _ => !byte.is_ascii(),
    }
}

pub(super) fn escape(text: &str, part: Part) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte, part) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.extend(DIGITS.get(usize::from(byte >> 4)));
            escaped.extend(DIGITS.get(usize::from(byte & 15)));
        }
    }
    escaped
}

/// Whether a text may occur in this part as it is.
pub(super) fn is_valid(text: &str, part: Part) -> bool {
    text.bytes().all(|byte| b"!$&'()*+,;=:@[]%".contains(&byte) || is_plain(byte, part))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
