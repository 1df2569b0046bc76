//! Calls: those that evaluation knows by itself become nodes of their own, and those of constants
//! are computed at once where kube-apiserver does so.
//! Never gives a meaning to a function of the embedding program, whatever its name.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Call, Mode, Node, Planner, evaluated, impossible};
use crate::check::Meaning;
use crate::evaluate::select::is_key;
use crate::function::Overload;
use crate::pattern::{Purpose, SIZE};
use crate::syntax::ast::{Expr, ExprKind, Literal};
use crate::syntax::{ACCUMULATOR, SyntaxError};
use crate::value::Value;

/// What costs more than 1 in cel-go only where the checker knows which overload is called.
const COST_BY_OVERLOAD: [&str; 10] = [
    "@in",
    "@sortByAssociatedKeys",
    "_+_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "bytes",
    "sort",
    "string",
];

/// Conversions of constants are computed at once, and refused at once.
const CONVERSIONS: [&str; 10] =
    ["bool", "bytes", "double", "dyn", "duration", "int", "string", "timestamp", "type", "uint"];

impl Planner<'_> {
    pub(super) fn call(
        &mut self,
        expr: &Expr,
        function: &str,
        target: Option<&Expr>,
        arguments: &[Expr],
    ) -> Result<Node, SyntaxError> {
        if let ("_?._", [operand, field]) = (function, arguments) {
            return match &field.kind {
                ExprKind::Literal(Literal::String(name)) => {
                    self.select(operand, name, Mode::Optional)
                }
                _ => Err(impossible(expr)),
            };
        }
        if let Some(node) = self.in_place(function, arguments)? {
            return Ok(node);
        }
        let Some(Meaning::Call { name, overloads }) = self.checked.meanings.get(&expr.id) else {
            return Err(impossible(expr));
        };
        let member = overloads.first().is_some_and(|overload| overload.member);
        let mut all = Vec::with_capacity(arguments.len() + 1);
        if let Some(target) = target.filter(|_| member) {
            all.push(self.node(target)?);
        }
        for argument in arguments {
            all.push(self.node(argument)?);
        }
        if overloads.iter().all(|overload| overload.of_host) {
            let call = Call { name: name.clone(), overloads: overloads.clone(), arguments: all };
            return Ok(Node::Call(call));
        }
        self.patterns(name, arguments, &all)?;
        planned_call(expr, name.clone(), overloads, all)
    }

    /// Growth of an accumulator, which would copy it at every step otherwise.
    fn in_place(
        &mut self,
        function: &str,
        arguments: &[Expr],
    ) -> Result<Option<Node>, SyntaxError> {
        let Some((first, rest)) = arguments.split_first() else { return Ok(None) };
        let Some(slot) = first
            .as_ident()
            .filter(|name| ***name == *ACCUMULATOR)
            .and_then(|name| self.local(name))
        else {
            return Ok(None);
        };
        Ok(match (function, rest) {
            ("_+_", [Expr { kind: ExprKind::List(elements), .. }]) => {
                Some(Node::Append(slot, self.elements(elements)?))
            }
            ("cel.@mapInsert", rest) => Some(Node::Insert(slot, self.nodes(rest)?)),
            _ => None,
        })
    }

    /// Compiles the literal patterns, so that evaluation finds them.
    fn patterns(
        &mut self,
        name: &str,
        arguments: &[Expr],
        all: &[Node],
    ) -> Result<(), SyntaxError> {
        let purpose = match name {
            "matches" => Purpose::Test,
            "find" | "findAll" => Purpose::Find,
            _ => return Ok(()),
        };
        // kube-apiserver uses the first literal argument of `matches` as the pattern, even where
        // it is the text: `matches('(', 'a')` is refused.
        let literal = match arguments.first().map(|argument| &argument.kind) {
            Some(ExprKind::Literal(Literal::String(text))) if name == "matches" => Some(&**text),
            _ => None,
        };
        let pattern = match all.get(1) {
            Some(Node::Constant(Value::String(text))) => Some(&**text),
            _ => None,
        };
        for pattern in literal.into_iter().chain(pattern) {
            if let Err(fault) = self.patterns.add(pattern, SIZE, purpose) {
                let offset = arguments.last().map_or(0, |argument| argument.offset as usize);
                let message = format!("invalid {name} argument: {}", fault.as_str());
                return Err(SyntaxError { offset, message });
            }
        }
        Ok(())
    }
}

/// A call whose arguments are planned: what evaluation knows by itself becomes a node of its own.
fn planned_call(
    expr: &Expr,
    name: Cow<'static, str>,
    overloads: &[Overload],
    all: Vec<Node>,
) -> Result<Node, SyntaxError> {
    let mut overloads = overloads.to_vec();
    if overloads.len() > 1 && COST_BY_OVERLOAD.contains(&&*name) {
        for overload in overloads.iter_mut().filter(|overload| !overload.of_host) {
            overload.cost = Arc::new(|_, _| 1);
        }
    }
    let call = |arguments| Call { name: name.clone(), overloads, arguments };
    Ok(match (&*name, sized::<1>(all)) {
        ("@not_strictly_false", Ok([operand])) => Node::NotStrictlyFalse(Box::new(operand)),
        (name, Ok([operand @ Node::Constant(_)])) if CONVERSIONS.contains(&name) => {
            let node = Node::Call(call(vec![operand]));
            Node::Constant(evaluated(&node).map_err(|error| SyntaxError {
                offset: expr.offset as usize,
                message: format!("invalid {name} argument: {error}"),
            })?)
        }
        (_, Ok([operand])) => Node::Call(call(vec![operand])),
        (name, Err(all)) => match (name, sized::<2>(all)) {
            ("_==_", Ok(sides)) => Node::Equal { sides: Box::new(sides), negated: false },
            ("_!=_", Ok(sides)) => Node::Equal { sides: Box::new(sides), negated: true },
            ("_[_]" | "_[?_]", Ok([_, Node::Constant(index)])) if !is_key(&index) => {
                return Err(SyntaxError {
                    offset: expr.offset as usize,
                    message: "nothing can be selected by a value of this type".to_owned(),
                });
            }
            ("_[_]" | "_[?_]", Ok([operand, index])) => Node::Index {
                operand: Box::new(operand),
                index: Box::new(index),
                mode: if name == "_[_]" { Mode::Required } else { Mode::Optional },
            },
            ("or" | "orValue", Ok(sides)) => {
                Node::Otherwise { sides: Box::new(sides), unwrap: name == "orValue" }
            }
            ("@in", Ok([element, Node::Constant(list @ Value::List(_))]))
                if is_primitive(&list) =>
            {
                Node::Member(Box::new(element), list)
            }
            (_, Ok(sides)) => Node::Call(call(Vec::from(sides))),
            (name, Err(all)) => match (name, sized::<3>(all)) {
                ("_?_:_", Ok(parts)) => Node::Conditional(Box::new(parts)),
                (_, Ok(parts)) => Node::Call(call(Vec::from(parts))),
                (_, Err(all)) => Node::Call(call(all)),
            },
        },
    })
}

fn sized<const N: usize>(nodes: Vec<Node>) -> Result<[Node; N], Vec<Node>> {
    <[Node; N]>::try_from(nodes)
}

fn is_primitive(list: &Value<'_>) -> bool {
    let Value::List(list) = list else { return false };
    list.elements().all(|element| {
        matches!(
            element,
            Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_)
        )
    })
}
