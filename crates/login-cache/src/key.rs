//! Names a session in the cache: a digest of named fields, which the caller chooses.
//! Never changes the encoding of a field: every cached session would be lost.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use super::digest::hexadecimal;

/// 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey(String);

impl CacheKey {
    /// The key of the same target for one job. The place of an identity does not identify the job,
    /// as files are replaced and variables are set again; what the identity `says` does.
    #[must_use]
    pub fn of_job(&self, says: &str) -> Self {
        let mut fields = KeyFields::new();
        fields.add("identity_says", [says]);
        fields.add("target", [self.as_str()]);
        fields.finish()
    }

    /// Reads the digits that `as_str` returns.
    pub fn parse(digits: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == 64 && digits.bytes().all(is_digit)).then(|| Self(digits.to_owned()))
    }

    /// The name of this session's file of the given kind.
    pub fn file(&self, kind: &str) -> String {
        [self.as_str(), ".", kind].concat()
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
impl CacheKey {
    /// Some key, for tests that need one.
    pub(super) fn of_client(issuer: &str, client_id: &str) -> Self {
        let mut fields = KeyFields::new();
        fields.add("client_id", [client_id]);
        fields.add("issuer", [issuer]);
        fields.finish()
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fields of a key, in the order in which they are added.
///
/// Each field is its name, then `+` and a value for each value, then `.`. Each text is its length
/// in eight bytes, big-endian, followed by its bytes.
pub struct KeyFields(Context);

impl KeyFields {
    /// Only the format.
    #[expect(clippy::new_without_default, reason = "there is no key without further fields")]
    pub fn new() -> Self {
        let mut fields = Self(Context::new(&SHA256));
        fields.add("format", [super::FORMAT]);
        fields
    }

    /// Adds a field. Lengths go first, so that no two lists of fields have the same encoding.
    pub fn add<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        self.text(name);
        for value in values {
            self.0.update(b"+");
            self.text(value);
        }
        self.0.update(b".");
    }

    /// As `add`, but adds nothing when there is no value: a field that a later version adds leaves
    /// old keys valid.
    pub fn add_if_given<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.add(name, values);
        }
    }

    /// The key of these fields.
    pub fn finish(self) -> CacheKey {
        CacheKey(hexadecimal(self.0.finish().as_ref()))
    }

    fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_fields_stays_what_it_was_in_earlier_versions() {
        let mut fields = KeyFields::new();
        fields.add("account", []);
        fields.add("audience", []);
        fields.add("client_id", ["k"]);
        fields.add("grant", ["person"]);
        fields.add("issuer", ["https://id.example"]);
        fields.add("scope", ["a", "b"]);
        fields.add("token", ["id"]);
        fields.add_if_given("trust", []);
        let key = fields.finish();
        // Computed by another program from the description of `KeyFields`.
        let known = "7ec2808f7c18c000cdd4bb28b1f0bf857d0303840a8989ab61dac4c6f20b40c2";
        assert_eq!(key.as_str(), known);
        assert_eq!(CacheKey::parse(known), Some(key));
    }
}
