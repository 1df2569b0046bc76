//! The functions, operators and types that every CEL environment has.
//! Never a function that an environment may lack: those are in `library`.

mod arithmetic;
mod calendar;
mod collections;
mod conversions;
mod numbers;
mod relations;
mod texts;
mod times;

pub(crate) use numbers::shortest as show_double;
pub(crate) use times::{show_duration, show_timestamp};

use crate::function::Declarations;
use crate::syntax::standard_macros;
use crate::types::Type;

/// All of them, as one library.
pub(crate) fn standard() -> Declarations {
    let functions = [
        arithmetic::functions(),
        relations::functions(),
        collections::functions(),
        conversions::functions(),
        texts::functions(),
        times::functions(),
    ];
    let types = [
        Type::Bool,
        Type::Bytes,
        Type::Double,
        Type::Duration,
        Type::Int,
        Type::Null,
        Type::String,
        Type::Timestamp,
        Type::Uint,
    ];
    let mut types: Vec<(&'static str, Type)> =
        types.into_iter().filter_map(|named| Some((type_name(&named)?, named))).collect();
    types.push(("list", Type::list(Type::parameter("A"))));
    types.push(("map", Type::map(Type::parameter("A"), Type::parameter("B"))));
    types.push(("type", Type::Type(None)));
    Declarations {
        functions: functions.into_iter().flatten().collect(),
        macros: standard_macros(),
        types,
    }
}

fn type_name(named: &Type) -> Option<&'static str> {
    Some(match named {
        Type::Bool => "bool",
        Type::Bytes => "bytes",
        Type::Double => "double",
        Type::Duration => "google.protobuf.Duration",
        Type::Int => "int",
        Type::Null => "null_type",
        Type::String => "string",
        Type::Timestamp => "google.protobuf.Timestamp",
        Type::Uint => "uint",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
