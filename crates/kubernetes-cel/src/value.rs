//! The values of variables and results: JSON is borrowed, computed values are shared.
//! Never a deep copy: cloning a value copies a pointer at most.

use std::any::Any;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::types::Type;

mod equality;
mod escape;
mod metering;
mod time;

pub use time::{Duration, Timestamp};

/// A value of one of the language's types; there are no others.
///
/// JSON is borrowed for `'a` and read where an expression selects from it. Cloning a value copies a
/// pointer at most.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An `int`.
    Int(i64),
    /// A `uint`.
    Uint(u64),
    /// A `double`; every number of JSON is one.
    Double(f64),
    /// A `string`.
    String(Text<'a>),
    /// `bytes`.
    Bytes(Arc<[u8]>),
    /// A duration.
    Duration(Duration),
    /// A point in time.
    Timestamp(Timestamp),
    /// A type, such as `type(x)` gives it.
    Type(Type),
    /// A list.
    List(List<'a>),
    /// A map.
    Map(Map<'a>),
    /// Named fields.
    Object(Object<'a>),
    /// An optional, with or without a value.
    Optional(Option<Arc<Value<'a>>>),
    /// A value of a library.
    Opaque(Arc<dyn Opaque>),
}

/// A value of a library or of the embedding program, such as an IP address.
pub trait Opaque: fmt::Debug + Send + Sync {
    /// The name of its [`Type::Opaque`].
    fn type_name(&self) -> &'static str;
    /// Whether the other value, of the same type name, is the same.
    fn equals(&self, other: &dyn Opaque) -> bool;
    /// What `size()` and the cost rules see; 1 for what has no size.
    fn size(&self) -> u64 {
        1
    }
    /// Bytes of work that a comparison with another value takes.
    fn work(&self) -> usize {
        16
    }
    /// What it is, for logs and tests; expressions never see it.
    fn text(&self) -> String;
    /// Itself, for [`Value::downcast`].
    fn as_any(&self) -> &dyn Any;
}

/// A string.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// From JSON.
    Borrowed(&'a str),
    /// Computed.
    Shared(Arc<str>),
}

/// A list.
#[derive(Clone, Debug)]
pub enum List<'a> {
    /// From JSON.
    Json(&'a [serde_json::Value]),
    /// Computed.
    Shared(Arc<Vec<Value<'a>>>),
}

/// A map.
#[derive(Clone, Debug)]
pub enum Map<'a> {
    /// From JSON.
    Json(&'a serde_json::Map<String, serde_json::Value>),
    /// Computed.
    Shared(Arc<BTreeMap<Key<'a>, Value<'a>>>),
}

/// Named fields under the name of a type of their own, as kube-apiserver binds some variables.
/// Fields are selected as from a map, but it is none: it has no size, `in` finds no keys in it, and
/// macros loop over its values. Two objects are equal if they are of the same type name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Object<'a> {
    /// What `type()` shows.
    pub name: Arc<str>,
    /// The fields.
    pub fields: Map<'a>,
}

/// What a map is looked up by; the numbers 1 and 1u are the same key.
#[derive(Clone, Debug)]
pub enum Key<'a> {
    /// A `bool`.
    Bool(bool),
    /// An `int`.
    Int(i64),
    /// A `uint`.
    Uint(u64),
    /// A `double`.
    Double(f64),
    /// A `string`.
    String(Text<'a>),
}

impl<'a> Value<'a> {
    /// A value that comes from JSON; its numbers are doubles, as for kube-apiserver.
    pub fn json(value: &'a serde_json::Value) -> Value<'a> {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => {
                Value::Double(number.as_f64().unwrap_or(f64::INFINITY))
            }
            serde_json::Value::String(text) => Value::String(Text::Borrowed(text)),
            serde_json::Value::Array(elements) => Value::List(List::Json(elements)),
            serde_json::Value::Object(entries) => Value::Map(Map::Json(entries)),
        }
    }

    /// A string that was computed.
    pub fn string(text: impl Into<Arc<str>>) -> Value<'a> {
        Value::String(Text::Shared(text.into()))
    }

    /// A list that was computed.
    pub fn list(elements: Vec<Value<'a>>) -> Value<'a> {
        Value::List(List::Shared(Arc::new(elements)))
    }

    /// A map that was computed.
    pub fn map(entries: BTreeMap<Key<'a>, Value<'a>>) -> Value<'a> {
        Value::Map(Map::Shared(Arc::new(entries)))
    }

    /// An optional with a value.
    pub fn some(value: Value<'a>) -> Value<'a> {
        Value::Optional(Some(Arc::new(value)))
    }

    /// A value of a library.
    pub fn opaque(value: impl Opaque + 'static) -> Value<'a> {
        Value::Opaque(Arc::new(value))
    }

    /// Whether it is true or false; none for what is no `bool`.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The text of a `string`; none for what is no `string`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a library as what it is inside.
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        match self {
            Value::Opaque(value) => value.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// What `type()` answers: without what lists, maps and optionals hold.
    pub fn type_of(&self) -> Type {
        match self {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Uint(_) => Type::Uint,
            Value::Double(_) => Type::Double,
            Value::String(_) => Type::String,
            Value::Bytes(_) => Type::Bytes,
            Value::Duration(_) => Type::Duration,
            Value::Timestamp(_) => Type::Timestamp,
            Value::Type(_) => Type::Type(None),
            Value::List(_) => Type::list(Type::Dyn),
            Value::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Value::Object(object) => Type::Opaque(object.name.to_string().into()),
            Value::Optional(_) => Type::optional(Type::Dyn),
            Value::Opaque(value) => Type::opaque(value.type_name()),
        }
    }

    /// The whole number that this is, whatever its type.
    pub(crate) fn as_whole_number(&self) -> Option<i128> {
        match self {
            Value::Int(value) => Some(i128::from(*value)),
            Value::Uint(value) => Some(i128::from(*value)),
            Value::Double(value) => equality::whole_number(*value),
            _ => None,
        }
    }

    /// Whether a function that declares this parameter takes this value. Of lists and maps, the
    /// first element is looked at, as in cel-go.
    pub(crate) fn fits(&self, parameter: &Type) -> bool {
        match (parameter, self) {
            (Type::Dyn | Type::Any | Type::Error | Type::Parameter(_), _)
            | (Type::Null, Value::Null)
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_))
            | (Type::Uint, Value::Uint(_))
            | (Type::Double, Value::Double(_))
            | (Type::String, Value::String(_))
            | (Type::Bytes, Value::Bytes(_))
            | (Type::Duration, Value::Duration(_))
            | (Type::Timestamp, Value::Timestamp(_))
            | (Type::Type(_), Value::Type(_))
            | (Type::Optional(_), Value::Optional(_)) => true,
            (Type::Opaque(name), Value::Opaque(value)) => *name == value.type_name(),
            (Type::Object(object), Value::Object(value)) => object.name == value.name,
            (Type::List(element), Value::List(list)) => {
                list.get(0).is_none_or(|first| first.fits(element))
            }
            (Type::Map(key, value), Value::Map(map)) => {
                map.entries().next().is_none_or(|(first_key, first)| {
                    first_key.into_value().fits(key) && first.fits(value)
                })
            }
            _ => false,
        }
    }

    /// The size that cost rules see: characters, bytes, elements or entries, else 1.
    pub fn size(&self) -> u64 {
        let size = match self {
            Value::String(text) => text.chars().count(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            Value::Object(object) => object.fields.len(),
            Value::Optional(Some(value)) => return value.size(),
            Value::Opaque(value) => return value.size(),
            _ => 1,
        };
        size as u64
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl<'a> List<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            List::Json(elements) => elements.len(),
            List::Shared(elements) => elements.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at this place.
    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        match self {
            List::Json(elements) => elements.get(index).map(Value::json),
            List::Shared(elements) => elements.get(index).cloned(),
        }
    }

    /// The elements in order.
    pub fn elements(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'a> Map<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Map::Json(entries) => entries.len(),
            Map::Shared(entries) => entries.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As [`Map::find`]; names are unescaped first where the map comes from JSON, as in
    /// kube-apiserver.
    pub(crate) fn select(&self, key: &Value<'_>) -> Option<Value<'a>> {
        match (self, key) {
            (Map::Json(entries), Value::String(name)) => {
                let plain = escape::unescape(name).unwrap_or(Cow::Borrowed(name));
                entries.get(&*plain).map(Value::json)
            }
            _ => self.find(key),
        }
    }

    /// The value of this key; a double finds the key of the whole number that it is.
    pub fn find(&self, key: &Value<'_>) -> Option<Value<'a>> {
        self.get(&Key::from_value(key)?).or_else(|| match key {
            Value::Double(_) => {
                let number = key.as_whole_number()?;
                let key = i64::try_from(number)
                    .map(Key::Int)
                    .or_else(|_| u64::try_from(number).map(Key::Uint));
                self.get(&key.ok()?)
            }
            _ => None,
        })
    }

    /// The value of this very key.
    pub fn get(&self, key: &Key<'_>) -> Option<Value<'a>> {
        match (self, key) {
            (Map::Json(entries), Key::String(name)) => entries.get(&**name).map(Value::json),
            (Map::Json(_), _) => None,
            (Map::Shared(entries), key) => entries.get(key).cloned(),
        }
    }

    /// The entries in the order of their keys, or as JSON had them.
    pub fn entries(&self) -> Box<dyn Iterator<Item = (Key<'a>, Value<'a>)> + '_> {
        match self {
            Map::Json(entries) => Box::new(
                entries
                    .iter()
                    .map(|(name, value)| (Key::String(Text::Borrowed(name)), Value::json(value))),
            ),
            Map::Shared(entries) => {
                Box::new(entries.iter().map(|(key, value)| (key.clone(), value.clone())))
            }
        }
    }
}

impl<'a> Object<'a> {
    /// Fields under the name of a type.
    pub fn new(name: impl Into<Arc<str>>, fields: Map<'a>) -> Object<'a> {
        Object { name: name.into(), fields }
    }

    /// The field of this name; an escape that is not known names none.
    pub(crate) fn select(&self, name: &str) -> Option<Value<'a>> {
        self.fields.get(&Key::String(Text::Borrowed(&escape::unescape(name)?)))
    }
}

impl<'a> Key<'a> {
    /// The key that a value is; none for what cannot be one.
    pub fn from_value(value: &Value<'a>) -> Option<Key<'a>> {
        match value {
            Value::Bool(value) => Some(Key::Bool(*value)),
            Value::Int(value) => Some(Key::Int(*value)),
            Value::Uint(value) => Some(Key::Uint(*value)),
            Value::Double(value) => Some(Key::Double(*value)),
            Value::String(text) => Some(Key::String(text.clone())),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn into_value(self) -> Value<'a> {
        match self {
            Key::Bool(value) => Value::Bool(value),
            Key::Int(value) => Value::Int(value),
            Key::Uint(value) => Value::Uint(value),
            Key::Double(value) => Value::Double(value),
            Key::String(text) => Value::String(text),
        }
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Key<'_>) -> Ordering {
        fn rank<'k>(key: &'k Key<'_>) -> (u8, i128, f64, &'k str) {
            match key {
                Key::Bool(value) => (0, i128::from(*value), 0.0, ""),
                Key::Int(value) => (1, i128::from(*value), 0.0, ""),
                Key::Uint(value) => (1, i128::from(*value), 0.0, ""),
                Key::Double(value) => (2, 0, *value, ""),
                Key::String(text) => (3, 0, 0.0, text),
            }
        }
        let (kind, whole, real, text) = rank(self);
        let (other_kind, other_whole, other_real, other_text) = rank(other);
        (kind, whole)
            .cmp(&(other_kind, other_whole))
            .then_with(|| real.total_cmp(&other_real))
            .then_with(|| text.cmp(other_text))
    }
}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Key<'_>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Key<'_>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key<'_> {}
