//! How functions are declared: a name, its overloads, and how a library brings them.
//!
//! Never here: which functions exist (`standard`, `library`).

use crate::error::EvaluationError;
use crate::meter::Meter;
use crate::syntax::Macro;
use crate::types::Type;
use crate::value::Value;

/// Computes a result from values whose types fit the overload's parameters (of a list or map, the
/// first element does).
pub(crate) type Implementation =
    for<'a> fn(&[Value<'a>], &mut Meter) -> Result<Value<'a>, EvaluationError>;

/// What a call has cost, from its arguments and its result (cel-go's runtime cost).
pub(crate) type CostRule = fn(arguments: &[Value<'_>], result: &Value<'_>) -> u64;

/// One way to call a function.
#[derive(Clone, Debug)]
pub(crate) struct Overload {
    /// Whether it is called as `target.name()`; the target is the first parameter then.
    pub(crate) member: bool,
    pub(crate) parameters: Vec<Type>,
    pub(crate) result: Type,
    pub(crate) implementation: Implementation,
    pub(crate) cost: CostRule,
    /// Whether arguments of other types are kept from the implementation.
    pub(crate) guarded: bool,
}

/// A function with its overloads. Two libraries may bring overloads of one function.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) overloads: Vec<Overload>,
}

/// Functions, macros and names of types that belong together.
#[derive(Default)]
pub(crate) struct Library {
    pub(crate) functions: Vec<Function>,
    pub(crate) macros: Vec<Macro>,
    /// Names that stand for types in expressions: `type(x) == net.IP`.
    pub(crate) types: Vec<(&'static str, Type)>,
}

impl Overload {
    /// `name(…)`; costs 1 unless told otherwise.
    pub(crate) fn global(
        parameters: impl IntoIterator<Item = Type>,
        result: Type,
        implementation: Implementation,
    ) -> Overload {
        Overload {
            member: false,
            parameters: parameters.into_iter().collect(),
            result,
            implementation,
            cost: |_, _| 1,
            guarded: true,
        }
    }

    /// `target.name(…)`; the target's type is the first parameter.
    pub(crate) fn member(
        parameters: impl IntoIterator<Item = Type>,
        result: Type,
        implementation: Implementation,
    ) -> Overload {
        Overload { member: true, ..Overload::global(parameters, result, implementation) }
    }

    /// The implementation looks at its arguments itself; the parameters are for the checker only.
    #[must_use]
    pub(crate) fn unguarded(self) -> Overload {
        Overload { guarded: false, ..self }
    }

    /// With this rule in place of 1.
    #[must_use]
    pub(crate) fn costs(self, cost: CostRule) -> Overload {
        Overload { cost, ..self }
    }
}

impl Function {
    pub(crate) fn new(
        name: &'static str,
        overloads: impl IntoIterator<Item = Overload>,
    ) -> Function {
        Function { name, overloads: overloads.into_iter().collect() }
    }
}
