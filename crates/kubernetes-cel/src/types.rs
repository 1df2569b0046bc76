//! The types of the language: what the checker knows about an expression before any value exists.
//! Never decides whether an argument fits a parameter: the unifier (`check`) does.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type, in declarations and as the result of checking an expression. It displays as CEL writes
/// it: `map(string, list(int))`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// Not known before evaluation; fits everything.
    Dyn,
    /// As [`Type::Dyn`], under the name that kube-apiserver gives the values of a token's claims.
    /// Literals do not mix the two, and macros do not loop over it: `dyn(x)` makes it a `dyn`.
    Any,
    /// The type of an expression in which a fault was already found; fits everything.
    Error,
    /// `null_type`
    Null,
    /// `bool`
    Bool,
    /// `int`, 64 bits with a sign
    Int,
    /// `uint`, 64 bits without a sign
    Uint,
    /// `double`, IEEE 754
    Double,
    /// `string`, of Unicode characters
    String,
    /// `bytes`
    Bytes,
    /// `google.protobuf.Duration`
    Duration,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// A type as a value, and of what it is the type where that is known.
    Type(Option<Arc<Type>>),
    /// `list(element)`
    List(Arc<Type>),
    /// `map(key, value)`
    Map(Arc<Type>, Arc<Type>),
    /// `optional_type(value)`
    Optional(Arc<Type>),
    /// A value of a library, such as `net.IP`, of which expressions know nothing but the functions
    /// that take it.
    Opaque(Cow<'static, str>),
    /// A value with declared fields.
    Object(Arc<ObjectType>),
    /// In the declaration of a generic function: `A` of `list(A)`.
    Parameter(Parameter),
}

/// Stands for a type that is not decided yet.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// By its name in a declaration.
    Declared(&'static str),
    /// One use of a declared one, or the element of a literal without elements.
    Fresh(u32),
}

/// A name and the fields that a value of this type may have.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectType {
    /// As `type()` shows it; types of the same name are the same.
    pub name: Arc<str>,
    /// Every field that an expression may select.
    pub fields: BTreeMap<Arc<str>, Type>,
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

    /// A value with these fields and no others; each value may lack some of them.
    pub fn object<N: Into<Arc<str>>>(
        name: impl Into<Arc<str>>,
        fields: impl IntoIterator<Item = (N, Type)>,
    ) -> Type {
        let fields = fields.into_iter().map(|(name, of)| (name.into(), of)).collect();
        Type::Object(Arc::new(ObjectType { name: name.into(), fields }))
    }

    /// [`Type::Opaque`] by a name of the program.
    pub const fn opaque(name: &'static str) -> Type {
        Type::Opaque(Cow::Borrowed(name))
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
            Type::Opaque(name) => name,
            Type::Parameter(Parameter::Declared(name)) => name,
            Type::Object(object) => &object.name,
            Type::Parameter(Parameter::Fresh(_)) => "_",
        }
    }

    /// Whether nothing is known about the values before evaluation.
    pub fn is_dynamic(&self) -> bool {
        matches!(self, Type::Dyn | Type::Any)
    }

    /// Whether a value may be of both types, as parameters of two overloads.
    pub(crate) fn overlaps(&self, other: &Type) -> bool {
        let is_open =
            |of: &Type| matches!(of, Type::Dyn | Type::Any | Type::Error | Type::Parameter(_));
        match (self, other) {
            (own, other) if is_open(own) || is_open(other) => true,
            (Type::List(own), Type::List(other)) | (Type::Optional(own), Type::Optional(other)) => {
                own.overlaps(other)
            }
            (Type::Map(key, value), Type::Map(other_key, other_value)) => {
                key.overlaps(other_key) && value.overlaps(other_value)
            }
            (Type::Type(_), Type::Type(_)) => true,
            (own, other) => own.name() == other.name(),
        }
    }
}

/// Types that are nested more deeply are shown by their names alone; a short expression can have a
/// type whose full name is very long.
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
