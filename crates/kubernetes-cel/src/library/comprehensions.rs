//! `ext.TwoVarComprehensions`: macros over indices and elements, or keys and values.
//! Never a function that expressions can name: macros call the only one.

use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::syntax::two_variable_macros;
use crate::types::Type;

pub(super) fn library() -> Declarations {
    let (a, b) = (Type::parameter("A"), Type::parameter("B"));
    let map = Type::map(a.clone(), b.clone());
    // The planner makes a node of its own of such calls.
    let insert: Implementation = |_, _| Err(EvaluationError::no_overload("cel.@mapInsert"));
    let functions = vec![Function::new(
        "cel.@mapInsert",
        [
            Overload::global([map.clone(), a, b], map.clone(), insert),
            Overload::global([map.clone(), map.clone()], map, insert),
        ],
    )];
    Declarations { functions, macros: two_variable_macros(), ..Declarations::default() }
}
