//! The types of the language: what the checker knows about an expression before any value exists.
//!
//! Never here: values, and rules about which types fit together (`check`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type as it stands in declarations and beside checked expressions.
#[expect(missing_docs, reason = "the language names them")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Not known before evaluation; fits everything.
    Dyn,
    /// The same under the name that kube-apiserver gives the values of claims: literals do not mix
    /// the two, and macros do not loop over it (`dyn(claims.groups)` is one to loop over).
    Any,
    /// The type of an expression in which a fault was already found; fits everything.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    /// A type as a value, and of what it is the type where that is known.
    Type(Option<Arc<Type>>),
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    Optional(Arc<Type>),
    /// A value of a library, such as `net.IP`: nothing but its functions is known of it.
    Opaque(&'static str),
    /// A value with declared fields.
    Object(Arc<ObjectType>),
    /// A place that a type takes, in the declaration of a generic function.
    Parameter(Parameter),
}

/// Stands for a type that is not decided yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// As it is written in a declaration.
    Declared(&'static str),
    /// One use of a declared one, or the element of a literal without elements.
    Fresh(u32),
}

/// A name and the fields that a value of this type may have.
#[expect(missing_docs, reason = "the sentence above names both")]
#[derive(Debug, PartialEq, Eq)]
pub struct ObjectType {
    pub name: &'static str,
    pub fields: BTreeMap<&'static str, Type>,
}

impl Type {
    /// `list(element)`
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    /// `map(key, value)`
    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new(key), Arc::new(value))
    }

    /// `optional_type(value)`
    pub fn optional(value: Type) -> Type {
        Type::Optional(Arc::new(value))
    }

    /// The type of a type.
    pub fn of(described: Type) -> Type {
        Type::Type(Some(Arc::new(described)))
    }

    /// A place in a generic declaration: `A` in `list(A)`.
    pub fn parameter(name: &'static str) -> Type {
        Type::Parameter(Parameter::Declared(name))
    }

    /// A value with exactly these fields, all of them optional.
    pub fn object(
        name: &'static str,
        fields: impl IntoIterator<Item = (&'static str, Type)>,
    ) -> Type {
        Type::Object(Arc::new(ObjectType { name, fields: fields.into_iter().collect() }))
    }

    /// The name that `type()` shows: without what lists and maps hold.
    pub fn name(&self) -> &str {
        match self {
            Type::Dyn => "dyn",
            Type::Any => "any",
            Type::Error => "!error!",
            Type::Null => "null_type",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint => "uint",
            Type::Double => "double",
            Type::String => "string",
            Type::Bytes => "bytes",
            Type::Duration => "google.protobuf.Duration",
            Type::Timestamp => "google.protobuf.Timestamp",
            Type::Type(_) => "type",
            Type::List(_) => "list",
            Type::Map(..) => "map",
            Type::Optional(_) => "optional_type",
            Type::Opaque(name) | Type::Parameter(Parameter::Declared(name)) => name,
            Type::Object(object) => object.name,
            Type::Parameter(Parameter::Fresh(_)) => "_",
        }
    }

    /// Whether nothing is known about the values before evaluation.
    pub fn is_dynamic(&self) -> bool {
        matches!(self, Type::Dyn | Type::Any)
    }
}

/// Types that are nested deeper are shown by their names alone; a short expression can have a type
/// whose full name is endless.
const SHOWN: usize = 6;

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, formatter, SHOWN)
    }
}

fn show(shown: &Type, formatter: &mut fmt::Formatter<'_>, levels: usize) -> fmt::Result {
    formatter.write_str(shown.name())?;
    let (first, second) = match shown {
        Type::List(inner) | Type::Optional(inner) | Type::Type(Some(inner)) => (inner, None),
        Type::Map(key, value) => (key, Some(value)),
        Type::Parameter(Parameter::Fresh(number)) => return write!(formatter, "{number}"),
        _ => return Ok(()),
    };
    let Some(levels) = levels.checked_sub(1) else { return Ok(()) };
    formatter.write_str("(")?;
    show(first, formatter, levels)?;
    if let Some(second) = second {
        formatter.write_str(", ")?;
        show(second, formatter, levels)?;
    }
    formatter.write_str(")")
}
