//! Parses untrusted JSON, and refuses what two parsers could read differently.
//! Never accepts a key twice in one object, a depth beyond `MAX_DEPTH`, or bytes after the value.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// Maximum nesting of arrays and objects.
pub const MAX_DEPTH: usize = 32;

/// Up to this number, keys are compared pairwise, which is cheaper than sorting them.
const FEW_KEYS: usize = 32;

/// The bytes are not one JSON value that all parsers read alike. Gives the position, never the
/// content, which may be a token.
#[derive(Debug, Error)]
#[error("not strict JSON: {0}")]
pub struct StrictJsonError(String);

impl From<serde_json::Error> for StrictJsonError {
    fn from(fault: serde_json::Error) -> Self {
        let text = fault.to_string();
        // serde quotes a value of the wrong type, but not one that is missing.
        if !fault.is_data() || text.starts_with("missing field") {
            return Self(text);
        }
        let (line, column) = (fault.line(), fault.column());
        Self(format!("a value is not of the expected form at line {line} column {column}"))
    }
}

/// A value that borrows from the document where it can: most texts are not copied.
#[derive(Clone, PartialEq)]
pub enum Json<'d> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, unescaped.
    Text(Cow<'d, str>),
    /// An array.
    Array(Vec<Json<'d>>),
    /// An object.
    Object(Object<'d>),
}

/// An object in which every key is unique, in the order of the document.
#[derive(Clone, Default, PartialEq)]
pub struct Object<'d>(Vec<(Cow<'d, str>, Json<'d>)>);

/// Parses a document that is one object.
pub fn object(bytes: &[u8]) -> Result<Object<'_>, StrictJsonError> {
    match json(bytes)? {
        Json::Object(object) => Ok(object),
        _ => Err(StrictJsonError("not an object".to_owned())),
    }
}

/// Parses one `T`, after a check that no object in `bytes` has a key twice.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, StrictJsonError> {
    json(bytes)?;
    Ok(serde_json::from_slice(bytes)?)
}

/// Parses only the members of the struct `T`, for parties that are known to write loosely: skips a
/// byte order mark (RFC 8259 §8.1 lets a parser ignore it), and ignores members that this program
/// does not read, duplicates included. A member that it reads may occur once.
pub fn members_in_use<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, StrictJsonError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    // serde would also accept an array for a struct.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(StrictJsonError("not an object".to_owned()));
    }
    Ok(serde_json::from_slice(bytes)?)
}

fn json(bytes: &[u8]) -> Result<Json<'_>, StrictJsonError> {
    // UTF-8 is checked once for the whole document rather than for every text in it.
    let text = str::from_utf8(bytes).map_err(|fault| StrictJsonError(fault.to_string()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    // All fault texts here are constants.
    let constant = |fault: serde_json::Error| StrictJsonError(fault.to_string());
    let value = Unique { depth: 0 }.deserialize(&mut reader).map_err(constant)?;
    reader.end().map_err(constant)?;
    Ok(value)
}

impl<'d> Object<'d> {
    /// The member `name`, compared exactly.
    pub fn get(&self, name: &str) -> Option<&Json<'d>> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Converts to an owned map.
    pub fn into_map(self) -> Map<String, Value> {
        self.0.into_iter().map(|(name, value)| (name.into_owned(), value.into())).collect()
    }

    fn has_unique_keys(&self) -> bool {
        if self.0.len() <= FEW_KEYS {
            return self.0.iter().enumerate().all(|(number, (name, _))| {
                self.0.iter().take(number).all(|(other, _)| other != name)
            });
        }
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        names.windows(2).all(|pair| pair.first() != pair.last())
    }
}

impl From<Json<'_>> for Value {
    fn from(value: Json<'_>) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::Number(number),
            Json::Text(text) => Self::String(text.into_owned()),
            Json::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Json::Object(object) => Self::Object(object.into_map()),
        }
    }
}

/// Parses a value and refuses duplicate keys.
#[derive(Clone, Copy)]
struct Unique {
    depth: usize,
}

impl Unique {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Json<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Json<'de>, D::Error> {
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

impl<'de> Visitor<'de> for Unique {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Json<'de>, E> {
        Number::from_f64(number).map(Json::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut object = Object::default();
        while let Some(Key(name)) = entries.next_key()? {
            if object.0.is_empty() {
                object.0.reserve(8);
            }
            object.0.push((name, entries.next_value_seed(seed)?));
        }
        if !object.has_unique_keys() {
            // The key is not repeated in the message: it may be part of a secret.
            return Err(A::Error::custom("an object has the same key twice"));
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both parsers must agree.
    fn accepts(text: &str) -> bool {
        let read = json(text.as_bytes()).map(Value::from).ok();
        let again = from_slice::<Value>(text.as_bytes()).ok();
        assert_eq!(read, again, "{text}");
        read.is_some()
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
    fn no_fault_quotes_what_was_read() {
        #[derive(Debug, serde::Deserialize)]
        struct Wire {
            #[expect(dead_code, reason = "only its type counts")]
            token: u64,
        }
        for (text, expected) in [
            (r#"{"token":"hunter2"}"#, "not of the expected form at line 1 column"),
            (r#"{"token":["hunter2"]}"#, "not of the expected form at line 1 column"),
            (r#"{"hunter2":1}"#, "missing field `token` at line 1 column"),
            (r#"{"token":1,"token":2}"#, "an object has the same key twice at line 1 column"),
            (r#"{"token":hunter2}"#, "expected value at line 1 column"),
        ] {
            let told = format!("{0} {0:?}", from_slice::<Wire>(text.as_bytes()).unwrap_err());
            assert!(told.contains(expected) && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn members_that_are_read_are_there_once_and_others_do_not_matter() {
        #[derive(serde::Deserialize)]
        struct Read {
            a: Option<u32>,
        }
        let read = |text: &str| members_in_use::<Read>(text.as_bytes()).ok().map(|read| read.a);
        for (text, expected) in [
            (r#"{"a":1}"#, Some(Some(1))),
            (r#"{"b":1,"b":2,"a":1}"#, Some(Some(1))),
            (r#"{"a":1,"b":{"a":1,"a":2}}"#, Some(Some(1))),
            ("\u{feff}{\"a\":1}", Some(Some(1))),
            (r#"{"a":null}"#, Some(None)),
            (r#"{"a":1,"a":1}"#, None),
            (r#"{"a":1,"\u0061":1}"#, None),
            ("\u{feff}\u{feff}{}", None),
            ("{}x", None),
            ("1", None),
            ("[1]", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let deep = format!("{{\"b\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep), Some(None));
    }

    #[test]
    fn trailing_bytes_and_deep_nesting_are_refused() {
        assert!(!accepts("{} {}"));
        assert!(!accepts("{}x"));
        assert!(accepts(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))));
        assert!(!accepts(&format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1))));
    }

    #[test]
    fn what_is_read_is_what_is_written() {
        let text =
            r#"{"b":[-1,2.5,1e3,true,null,"x\ny"],"a":{"\u0061b":"c"},"big":18446744073709551615}"#;
        assert!(accepts(text));
        let object = object(text.as_bytes()).unwrap();
        assert!(matches!(object.get("b"), Some(Json::Array(items)) if items.len() == 6));
        assert!(object.get("B").is_none());
        let Some(Json::Object(inner)) = object.get("a") else { panic!("no object") };
        assert!(matches!(inner.get("ab"), Some(Json::Text(text)) if text == "c"));
        assert_eq!(Value::Object(object.into_map()), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn an_object_is_an_object_and_its_texts_are_utf_8() {
        for text in ["[]", "null", "1", r#""{}""#] {
            assert!(object(text.as_bytes()).is_err(), "{text}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
        assert!(object(b"{\"\xff\":1}").is_err());
        assert!(!accepts("1e999"));
    }

    // serde_json treats this key as an embedded document when another crate enables that feature.
    #[test]
    fn no_key_makes_a_text_a_document() {
        let text = r#"{"a":{"$serde_json::private::RawValue":"{\"b\":1,\"b\":2}"}}"#;
        let map = object(text.as_bytes()).unwrap().into_map();
        assert!(map["a"]["$serde_json::private::RawValue"].is_string());
    }
}
