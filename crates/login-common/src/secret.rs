//! A text that must not be seen: a token, a password, a client secret.
//! Never shows its content through `Debug` or `Display`; never compares in variable time.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A secret text. It is wiped from memory when dropped.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The content. Reviewers check every call.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the secret is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in a time that depends on the lengths only.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_content() {
        #[derive(Debug)]
        struct Holder {
            #[expect(dead_code, reason = "read by Debug")]
            token: Secret,
        }
        let shown = format!("{:?}", Holder { token: Secret::new("hunter2") });
        assert_eq!(shown, "Holder { token: Secret(redacted) }");
    }

    #[test]
    fn comparison_sees_content_and_length() {
        let secret = Secret::new("abc");
        assert!(secret.same_as(&Secret::new("abc")));
        assert!(!secret.same_as(&Secret::new("abd")));
        assert!(!secret.same_as(&Secret::new("abcd")));
        assert!(!secret.same_as(&Secret::new("")));
    }
}
