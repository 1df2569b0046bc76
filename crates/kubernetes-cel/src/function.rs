//! How a function is declared: a name, and overloads that say how it is called, what it computes
//! and what it costs.
//! Never a list of functions: those are declared in `standard`, in `library` and by callers.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

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

type SharedImplementation = Arc<
    dyn for<'a> Fn(&[Value<'a>], &mut Meter) -> Result<Value<'a>, EvaluationError> + Send + Sync,
>;

type SharedCostRule = Arc<dyn Fn(&[Value<'_>], &Value<'_>) -> u64 + Send + Sync>;

/// A function with its overloads. If the environment has a function of this name already, the
/// overloads are added to it.
///
/// ```
/// use kubernetes_cel::{EvaluationError, Function, Overload, Type, Value};
///
/// // `name.isMember(group)`
/// let members = std::collections::BTreeSet::from([("jane".to_owned(), "dev".to_owned())]);
/// let is_member = Function::new(
///     "isMember",
///     [Overload::member([Type::String, Type::String], Type::Bool, move |arguments, meter| {
///         let [Value::String(name), Value::String(group)] = arguments else {
///             return Err(EvaluationError::no_overload("isMember"));
///         };
///         meter.work(name.len() + group.len())?;
///         Ok(Value::Bool(members.contains(&(name.to_string(), group.to_string()))))
///     })
///     .costs(|_, _| 10)],
/// );
/// # let _ = is_member;
/// ```
#[derive(Clone, Debug)]
pub struct Function {
    pub(crate) name: Cow<'static, str>,
    pub(crate) overloads: Vec<Overload>,
}

impl Function {
    /// The name is an identifier, or several with dots between: `lists.range`.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        overloads: impl IntoIterator<Item = Overload>,
    ) -> Function {
        Function { name: name.into(), overloads: overloads.into_iter().collect() }
    }
}

/// One way to call a function: parameters and result for the type checker, and what a call does.
#[derive(Clone)]
pub struct Overload {
    /// Whether it is called as `target.name()`; the target is the first parameter then.
    pub(crate) member: bool,
    pub(crate) parameters: Vec<Type>,
    pub(crate) result: Type,
    pub(crate) implementation: SharedImplementation,
    pub(crate) cost: SharedCostRule,
    /// Whether arguments of other types are kept from the implementation.
    pub(crate) guarded: bool,
    /// Whether the embedding program declares it; names have no meaning of their own then.
    pub(crate) of_host: bool,
}

impl Overload {
    /// Called as `name(…)`; it costs 1.
    ///
    /// The implementation gets as many values as there are parameters, of their types (of a list
    /// or map, the first element is looked at), and the meter of the evaluation, to which it
    /// charges what it is about to allocate or read. The same arguments must give the same result:
    /// what is constant may be computed when an expression is compiled.
    pub fn global(
        parameters: impl IntoIterator<Item = Type>,
        result: Type,
        implementation: impl for<'a> Fn(&[Value<'a>], &mut Meter) -> Result<Value<'a>, EvaluationError>
        + Send
        + Sync
        + 'static,
    ) -> Overload {
        Overload {
            member: false,
            parameters: parameters.into_iter().collect(),
            result,
            implementation: Arc::new(implementation),
            cost: Arc::new(|_, _| 1),
            guarded: true,
            of_host: false,
        }
    }

    /// As [`Overload::global`], but called as `target.name(…)`; the first parameter is the target.
    pub fn member(
        parameters: impl IntoIterator<Item = Type>,
        result: Type,
        implementation: impl for<'a> Fn(&[Value<'a>], &mut Meter) -> Result<Value<'a>, EvaluationError>
        + Send
        + Sync
        + 'static,
    ) -> Overload {
        Overload { member: true, ..Overload::global(parameters, result, implementation) }
    }

    /// With this rule in place of 1. It is asked after the call for the units of the cost model
    /// that the call has cost; the result is null if the call failed.
    #[must_use]
    pub fn costs(
        self,
        rule: impl Fn(&[Value<'_>], &Value<'_>) -> u64 + Send + Sync + 'static,
    ) -> Overload {
        Overload { cost: Arc::new(rule), ..self }
    }

    /// The implementation looks at its arguments itself; the parameters are for the checker only.
    #[must_use]
    pub(crate) fn unguarded(self) -> Overload {
        Overload { guarded: false, ..self }
    }

    /// `target.name(int)`, `name(string, int)`
    pub(crate) fn signature(&self, name: &str) -> String {
        let mut parameters = self.parameters.iter().map(Type::to_string);
        let target = if self.member { parameters.next() } else { None };
        let target = target.map(|target| target + ".").unwrap_or_default();
        format!("{target}{name}({})", parameters.collect::<Vec<_>>().join(", "))
    }

    /// Whether a call may fit both.
    pub(crate) fn overlaps(&self, other: &Overload) -> bool {
        self.member == other.member
            && self.parameters.len() == other.parameters.len()
            && self.parameters.iter().zip(&other.parameters).all(|(own, other)| own.overlaps(other))
    }
}

impl fmt::Debug for Overload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} -> {}", self.signature("_"), self.result)
    }
}

/// Functions, macros and names of types that belong together.
#[derive(Default)]
pub(crate) struct Declarations {
    pub(crate) functions: Vec<Function>,
    pub(crate) macros: Vec<Macro>,
    /// Names that stand for types in expressions: `type(x) == net.IP`.
    pub(crate) types: Vec<(&'static str, Type)>,
}
