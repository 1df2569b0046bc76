//! Digests for use as file names.
//! Never digests a secret that could be guessed.

use aws_lc_rs::digest::{SHA256, digest};

/// The digits of a SHA-256 digest.
pub fn digest_of(bytes: &[u8]) -> String {
    hexadecimal(digest(&SHA256, bytes).as_ref())
}

/// Two digits for each byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digit =
        |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_hexadecimal() {
        assert_eq!(hexadecimal(&[0x00, 0x9a, 0xff]), "009aff");
        assert!(digest_of(b"").starts_with("e3b0c44298fc1c14"));
    }
}
