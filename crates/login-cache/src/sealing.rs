//! Encrypts what is stored: AES-256-GCM under a key that is stored elsewhere.
//! Never says why a text does not open; never knows where the key comes from.
//!
//! The key in use is derived (RFC 5869) from 32 random bytes and a text that names the place, so
//! that the bytes alone, copied to another place, open nothing.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use zeroize::Zeroizing;

use super::{FORMAT, digest::hexadecimal};

/// How many random bytes a key is derived from.
const KEY_LENGTH: usize = 32;

/// How many bytes name a key.
const ID_LENGTH: usize = 8;

/// AES-GCM's nonce, which precedes the sealed text.
const NONCE_LENGTH: usize = 12;

/// Random bytes that keys are derived from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MasterKey(Zeroizing<[u8; KEY_LENGTH]>);

impl MasterKey {
    /// A new one, from the operating system's generator.
    pub(crate) fn generate() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    /// The text for a keyring or a file.
    pub(crate) fn render(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hexadecimal(self.0.as_slice()));
        Zeroizing::new(format!("{FORMAT} {}", *digits))
    }

    /// Reads the text that `render` returns.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(FORMAT)?.strip_prefix(' ')?;
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        let pairs = digits.as_bytes().chunks(2);
        if digits.len() != 2 * KEY_LENGTH || !digits.is_ascii() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The key for this place.
    pub(crate) fn at(&self, place: &str) -> Option<SealingKey> {
        let parent = Salt::new(HKDF_SHA256, FORMAT.as_bytes()).extract(self.0.as_slice());
        let mut id = [0; ID_LENGTH];
        let info = [b"id", place.as_bytes()];
        parent.expand(&info, Length(ID_LENGTH)).ok()?.fill(&mut id).ok()?;
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        let info = [b"refresh token", place.as_bytes()];
        parent.expand(&info, Length(KEY_LENGTH)).ok()?.fill(key.as_mut_slice()).ok()?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).ok()?;
        Some(SealingKey { id: hexadecimal(&id), key })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// Seals and opens.
pub(crate) struct SealingKey {
    id: String,
    key: RandomizedNonceKey,
}

impl SealingKey {
    /// Distinguishes keys; reveals nothing about the key.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Seals `text`; it opens only with the same `context`.
    pub(crate) fn seal(&self, text: &[u8], context: &str) -> Option<Vec<u8>> {
        let mut content = Zeroizing::new(text.to_vec());
        let (nonce, tag) = self
            .key
            .seal_in_place_separate_tag(Aad::from(context.as_bytes()), content.as_mut_slice())
            .ok()?;
        Some([nonce.as_ref().as_slice(), content.as_slice(), tag.as_ref()].concat())
    }

    /// Returns the text in `sealed`, if it is intact and belongs to `context`.
    pub(crate) fn open(&self, sealed: &[u8], context: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, content) = sealed.split_at_checked(NONCE_LENGTH)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = Zeroizing::new(content.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(context.as_bytes()), content.as_mut_slice())
            .ok()?
            .len();
        content.truncate(length);
        Some(content)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8, place: &str) -> SealingKey {
        MasterKey(Zeroizing::new([byte; KEY_LENGTH])).at(place).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_with_its_key_place_and_context_only() {
        let sealed = key(1, "here").seal(b"r1", "context").unwrap();
        assert_eq!(key(1, "here").open(&sealed, "context").unwrap().as_slice(), b"r1");
        assert!(key(2, "here").open(&sealed, "context").is_none());
        assert!(key(1, "elsewhere").open(&sealed, "context").is_none());
        assert!(key(1, "here").open(&sealed, "other").is_none());
        for length in 0..sealed.len() {
            assert!(key(1, "here").open(&sealed[..length], "context").is_none(), "{length}");
        }
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(key(1, "here").open(&changed, "context").is_none(), "{position}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        assert_ne!(key(1, "").seal(b"r1", ""), key(1, "").seal(b"r1", ""));
    }

    #[test]
    fn names_of_keys_differ_by_key_and_place() {
        assert_eq!(key(1, "a").id(), key(1, "a").id());
        assert_ne!(key(1, "a").id(), key(1, "b").id());
        assert_ne!(key(1, "a").id(), key(2, "a").id());
        assert_eq!(key(1, "a").id().len(), 2 * ID_LENGTH);
    }

    #[test]
    fn a_master_key_reads_back_and_nothing_else_is_one() {
        let key = MasterKey(Zeroizing::new([0xa5; KEY_LENGTH]));
        let text = key.render();
        assert_eq!(MasterKey::parse(&text).as_ref(), Some(&key));
        assert_eq!(MasterKey::parse(&format!("{}\n", *text)).as_ref(), Some(&key));
        for bad in ["", "kubectl-login/1 ", &text[..text.len() - 1], &text.replace('a', "g")] {
            assert_eq!(MasterKey::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{key:?}"), "MasterKey(redacted)");
    }
}
