//! Reads JSON that somebody else wrote, and refuses what two readers could understand differently.
//! Never accepts a key twice in one object, a depth beyond `MAX_DEPTH`, or bytes after the value.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

/// Arrays and objects may nest this deep.
pub const MAX_DEPTH: usize = 32;

/// The bytes are not one JSON value that every reader understands alike.
#[derive(Debug, Error)]
#[error("not strict JSON: {0}")]
pub struct StrictJsonError(#[from] serde_json::Error);

/// Reads one `T`, after the check that no object in `bytes` has a key twice.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, StrictJsonError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    UniqueKeys { depth: 0 }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(serde_json::from_slice(bytes)?)
}

/// Walks a value and keeps nothing of it but the keys of the open objects.
#[derive(Clone, Copy)]
struct UniqueKeys {
    depth: usize,
}

impl UniqueKeys {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for UniqueKeys {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

/// An object key; borrowed unless it was written with escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        reader.deserialize_str(Text)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let seed = self.deeper()?;
        while items.next_element_seed(seed)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let seed = self.deeper()?;
        // A handful of keys is compared faster than hashed; a flood of them is hashed.
        let mut few: Vec<Cow<'de, str>> = Vec::new();
        let mut many = std::collections::HashSet::new();
        while let Some(Key(key)) = entries.next_key()? {
            let is_new = if few.len() < 32 {
                let is_new = !few.contains(&key);
                few.push(key);
                is_new
            } else {
                !few.contains(&key) && many.insert(key)
            };
            if !is_new {
                // The key is not repeated in the message: it may be part of a secret.
                return Err(A::Error::custom("an object has the same key twice"));
            }
            entries.next_value_seed(seed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        from_slice::<serde_json::Value>(text.as_bytes()).is_ok()
    }

    #[test]
    fn one_value_with_unique_keys_is_read() {
        for text in ["{}", r#"{"a":1,"b":{"a":[1,2.5,null,true,"x"]}}"#, " [ ] ", r#""x""#] {
            assert!(accepts(text), "{text}");
        }
    }

    #[test]
    fn a_key_twice_in_one_object_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"b":2,"a":3}]}"#, r#"{"a":1,"\u0061":2}"#]
        {
            assert!(!accepts(text), "{text}");
        }
        let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":0")).collect();
        assert!(accepts(&format!("{{{}}}", many.join(","))));
        assert!(!accepts(&format!("{{{},\"k77\":1}}", many.join(","))));
        assert!(!accepts(&format!("{{{},\"k3\":1}}", many.join(","))));
    }

    #[test]
    fn trailing_bytes_and_deep_nesting_are_refused() {
        assert!(!accepts("{} {}"));
        assert!(!accepts("{}x"));
        assert!(accepts(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))));
        assert!(!accepts(&format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1))));
    }
}
