//! Base64url as in JOSE (RFC 7515 §2): one text for each sequence of bytes.
//! Never accepts padding, white space or non-zero trailing bits.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The bytes; `None` unless `text` is their only encoding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    // The engine's default refuses trailing bits, and `NO_PAD` refuses padding.
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The only encoding of `bytes`.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_of_bytes_has_one_text() {
        assert_eq!(decode("_-8"), Some(vec![0xff, 0xef]));
        assert_eq!(encode([0xff, 0xef]), "_-8");
        assert_eq!(decode(""), Some(Vec::new()));
        for text in ["_-8=", "_-9", "/+8", "_-8 ", " _-8", "_\n-8", "A", "_-\u{e9}"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
