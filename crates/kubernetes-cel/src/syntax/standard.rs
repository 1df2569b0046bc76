//! The macros of the language, those of the optional types and those with two variables.
//! Never an evaluation of its own: each becomes a fold or a call.

use std::sync::Arc;

use super::ast::{Comprehension, Expr, ExprKind};
use super::macros::{ACCUMULATOR, Expand, Expander, Macro, Misuse};

/// Those that every environment has.
pub(crate) fn standard_macros() -> Vec<Macro> {
    vec![
        Macro { name: "has", member: false, arguments: 1, expand: has },
        member("all", 2, |expander, target, arguments| {
            fold_over(expander, target, arguments, 1, all)
        }),
        member("exists", 2, |expander, target, arguments| {
            fold_over(expander, target, arguments, 1, exists)
        }),
        member("exists_one", 2, |expander, target, arguments| {
            fold_over(expander, target, arguments, 1, exists_one)
        }),
        member("map", 2, |expander, target, arguments| {
            fold_over(expander, target, arguments, 1, map)
        }),
        member("map", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 1, map)
        }),
        member("filter", 2, |expander, target, arguments| {
            fold_over(expander, target, arguments, 1, filter)
        }),
    ]
}

/// Those with two variables, of `ext.TwoVarComprehensions`.
pub(crate) fn two_variable_macros() -> Vec<Macro> {
    vec![
        member("all", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, all)
        }),
        member("exists", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, exists)
        }),
        member("exists_one", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, exists_one)
        }),
        member("existsOne", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, exists_one)
        }),
        member("transformList", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, map)
        }),
        member("transformList", 4, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, map)
        }),
        member("transformMap", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, transform_map)
        }),
        member("transformMap", 4, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, transform_map)
        }),
        member("transformMapEntry", 3, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, transform_map_entry)
        }),
        member("transformMapEntry", 4, |expander, target, arguments| {
            fold_over(expander, target, arguments, 2, transform_map_entry)
        }),
    ]
}

/// Those of the optional types.
pub(crate) fn optional_macros() -> Vec<Macro> {
    vec![
        member("optMap", 2, |expander, target, arguments| {
            optional_map(expander, target, arguments, |expander, mapped| {
                expander.call("optional.of", vec![mapped])
            })
        }),
        member("optFlatMap", 2, |expander, target, arguments| {
            optional_map(expander, target, arguments, |_, mapped| mapped)
        }),
    ]
}

fn member(name: &'static str, arguments: usize, expand: Expand) -> Macro {
    Macro { name, member: true, arguments, expand }
}

/// How a fold goes: its start, whether it goes on, its step, what becomes of its result.
struct Fold {
    start: Expr,
    condition: Expr,
    step: Expr,
    result: Expr,
}

/// `has(operand.field)`
fn has(expander: &mut Expander<'_>, _: Option<Expr>, arguments: Vec<Expr>) -> Result<Expr, Misuse> {
    let offset = arguments.first().map_or(0, |argument| argument.offset);
    match arguments.into_iter().next().map(|argument| argument.kind) {
        Some(ExprKind::Select { operand, field, test: false }) => {
            Ok(expander.presence(*operand, field))
        }
        _ => Err(Misuse { offset, message: "invalid argument to has() macro" }),
    }
}

fn variable(expr: &Expr) -> Result<Arc<str>, Misuse> {
    let offset = expr.offset;
    let name =
        expr.as_ident().ok_or(Misuse { offset, message: "argument must be a simple name" })?;
    if &**name == "__result__" {
        let message = "iteration variable overwrites accumulator variable";
        return Err(Misuse { offset, message });
    }
    Ok(Arc::clone(name))
}

/// Splits the arguments into variables and the rest, and folds over the target.
fn fold_over(
    expander: &mut Expander<'_>,
    target: Option<Expr>,
    mut arguments: Vec<Expr>,
    variables: usize,
    fold: fn(&mut Expander<'_>, &Expr, Vec<Expr>) -> Option<Fold>,
) -> Result<Expr, Misuse> {
    let rest = arguments.split_off(variables.min(arguments.len()));
    let (Some(range), Some(first)) = (target, arguments.first()) else {
        return Err(Misuse { offset: expander.offset, message: "a macro without its target" });
    };
    let name = variable(first)?;
    let second = arguments.get(1).map(variable).transpose()?;
    if second.as_ref() == Some(&name) {
        let offset = arguments.get(1).map_or(0, |argument| argument.offset);
        return Err(Misuse { offset, message: "duplicate variable name" });
    }
    let Some(Fold { start, condition, step, result }) = fold(expander, first, rest) else {
        return Err(Misuse { offset: expander.offset, message: "a macro without its body" });
    };
    Ok(expander.fold(Comprehension {
        range,
        variable: name,
        second,
        accumulator: Arc::from(ACCUMULATOR),
        start,
        condition,
        step,
        result,
    }))
}

fn all(expander: &mut Expander<'_>, _: &Expr, rest: Vec<Expr>) -> Option<Fold> {
    let start = expander.boolean(true);
    let accumulator = expander.accumulator();
    let condition = expander.call("@not_strictly_false", vec![accumulator]);
    let accumulator = expander.accumulator();
    let step = expander.and(vec![accumulator, rest.into_iter().next()?]);
    Some(Fold { start, condition, step, result: expander.accumulator() })
}

fn exists(expander: &mut Expander<'_>, _: &Expr, rest: Vec<Expr>) -> Option<Fold> {
    let start = expander.boolean(false);
    let accumulator = expander.accumulator();
    let negated = expander.call("!_", vec![accumulator]);
    let condition = expander.call("@not_strictly_false", vec![negated]);
    let accumulator = expander.accumulator();
    let step = expander.or(vec![accumulator, rest.into_iter().next()?]);
    Some(Fold { start, condition, step, result: expander.accumulator() })
}

fn exists_one(expander: &mut Expander<'_>, _: &Expr, rest: Vec<Expr>) -> Option<Fold> {
    let start = expander.int(0);
    let condition = expander.boolean(true);
    let (accumulator, one) = (expander.accumulator(), expander.int(1));
    let more = expander.call("_+_", vec![accumulator, one]);
    let same = expander.accumulator();
    let step = expander.call("_?_:_", vec![rest.into_iter().next()?, more, same]);
    let (accumulator, one) = (expander.accumulator(), expander.int(1));
    let result = expander.call("_==_", vec![accumulator, one]);
    Some(Fold { start, condition, step, result })
}

/// `[filter,] transform`
fn filter_and_transform(rest: Vec<Expr>) -> Option<(Option<Expr>, Expr)> {
    let mut rest = rest.into_iter();
    let first = rest.next()?;
    Some(match rest.next() {
        Some(second) => (Some(first), second),
        None => (None, first),
    })
}

fn guarded(expander: &mut Expander<'_>, filter: Option<Expr>, step: Expr) -> Expr {
    match filter {
        None => step,
        Some(filter) => {
            let same = expander.accumulator();
            expander.call("_?_:_", vec![filter, step, same])
        }
    }
}

fn append(expander: &mut Expander<'_>, filter: Option<Expr>, element: Expr) -> Fold {
    let start = expander.list(Vec::new());
    let condition = expander.boolean(true);
    let accumulator = expander.accumulator();
    let element = expander.list(vec![element]);
    let step = expander.call("_+_", vec![accumulator, element]);
    let step = guarded(expander, filter, step);
    Fold { start, condition, step, result: expander.accumulator() }
}

fn map(expander: &mut Expander<'_>, _: &Expr, rest: Vec<Expr>) -> Option<Fold> {
    let (filter, transform) = filter_and_transform(rest)?;
    Some(append(expander, filter, transform))
}

fn filter(expander: &mut Expander<'_>, variable: &Expr, rest: Vec<Expr>) -> Option<Fold> {
    let element = expander.copy(variable);
    Some(append(expander, Some(rest.into_iter().next()?), element))
}

fn insert(expander: &mut Expander<'_>, filter: Option<Expr>, arguments: Vec<Expr>) -> Fold {
    let start = expander.map(Vec::new());
    let condition = expander.boolean(true);
    let mut all = vec![expander.accumulator()];
    all.extend(arguments);
    let step = expander.call("cel.@mapInsert", all);
    let step = guarded(expander, filter, step);
    Fold { start, condition, step, result: expander.accumulator() }
}

fn transform_map(expander: &mut Expander<'_>, key: &Expr, rest: Vec<Expr>) -> Option<Fold> {
    let (filter, transform) = filter_and_transform(rest)?;
    let key = expander.copy(key);
    Some(insert(expander, filter, vec![key, transform]))
}

fn transform_map_entry(expander: &mut Expander<'_>, _: &Expr, rest: Vec<Expr>) -> Option<Fold> {
    let (filter, transform) = filter_and_transform(rest)?;
    Some(insert(expander, filter, vec![transform]))
}

/// `target.optMap(variable, transform)`: a fold over nothing whose accumulator is the variable.
fn optional_map(
    expander: &mut Expander<'_>,
    target: Option<Expr>,
    arguments: Vec<Expr>,
    wrapped: impl FnOnce(&mut Expander<'_>, Expr) -> Expr,
) -> Result<Expr, Misuse> {
    let (Some(target), Ok([name, transform])) = (target, <[Expr; 2]>::try_from(arguments)) else {
        return Err(Misuse { offset: expander.offset, message: "a macro without its target" });
    };
    let Some(accumulator) = name.as_ident().map(Arc::clone) else {
        let message = "the variable name must be a simple identifier";
        return Err(Misuse { offset: name.offset, message });
    };
    let again = expander.copy(&target);
    let range = expander.list(Vec::new());
    let start = expander.member_call("value", again, Vec::new());
    let condition = expander.boolean(false);
    let step = expander.ident(&accumulator);
    let mapped = expander.fold(Comprehension {
        range,
        variable: Arc::from("#unused"),
        second: None,
        accumulator,
        start,
        condition,
        step,
        result: transform,
    });
    let mapped = wrapped(expander, mapped);
    let present = expander.member_call("hasValue", target, Vec::new());
    let absent = expander.call("optional.none", Vec::new());
    Ok(expander.call("_?_:_", vec![present, mapped, absent]))
}
