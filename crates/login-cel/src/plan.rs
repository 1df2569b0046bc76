//! What is evaluated: a tree in which every name is resolved, and what is constant is computed.
//!
//! Never here: values of variables.

use std::sync::Arc;

use crate::check::{Checked, Meaning};
use crate::error::EvaluationError;
use crate::evaluate::Evaluation;
use crate::evaluate::select::is_key;
use crate::function::Overload;
use crate::meter::{Budget, Meter};
use crate::pattern::{Patterns, SIZE};
use crate::syntax::ast::{Comprehension, Element, Entry, Expr, ExprKind, Literal};
use crate::syntax::{ACCUMULATOR, SyntaxError};
use crate::types::Type;
use crate::value::{Text, Value};

/// One step of an evaluation.
#[derive(Debug)]
pub(crate) enum Node {
    Constant(Value<'static>),
    /// By its name, with the type that its maps have.
    Variable(Arc<str>, &'static str),
    /// A variable of a macro, by its place.
    Local(usize),
    Select {
        operand: Box<Node>,
        field: Value<'static>,
        mode: Mode,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
        mode: Mode,
    },
    Logic {
        conjunction: bool,
        operands: Vec<Node>,
    },
    Conditional(Box<[Node; 3]>),
    Equal {
        sides: Box<[Node; 2]>,
        negated: bool,
    },
    /// `a in [1, 2]` costs nothing but its left side.
    Member(Box<Node>, Value<'static>),
    /// `or`, `orValue`: the right side is evaluated only if the left one has no value.
    Otherwise {
        sides: Box<[Node; 2]>,
        unwrap: bool,
    },
    NotStrictlyFalse(Box<Node>),
    Call(Call),
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
    Fold(Box<Fold>),
    /// `accumulator + [element]`, in place.
    Append(usize, Vec<(Node, bool)>),
    /// `cel.@mapInsert(accumulator, …)`, in place.
    Insert(usize, Vec<Node>),
}

/// What a selection does about what is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is an error.
    Required,
    /// The result is an optional.
    Optional,
    /// The result is whether it is there.
    Presence,
}

/// A call of a function whose arguments are all evaluated.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) overloads: Vec<Overload>,
    pub(crate) arguments: Vec<Node>,
}

/// A comprehension; its variables take the places from `base` on: accumulator, first, second.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) range: Node,
    pub(crate) two: bool,
    pub(crate) base: usize,
    pub(crate) start: Node,
    pub(crate) condition: Node,
    pub(crate) step: Node,
    pub(crate) result: Node,
}

impl Node {
    /// Whether the cost model sees a variable or what was selected from something.
    pub(crate) fn is_attribute(&self) -> bool {
        matches!(
            self,
            Node::Variable(..)
                | Node::Local(_)
                | Node::Select { .. }
                | Node::Index { .. }
                | Node::Conditional(_)
        )
    }
}

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

/// What is evaluated, and the patterns that it uses.
pub(crate) fn plan(root: &Expr, checked: &Checked) -> Result<(Node, Patterns), SyntaxError> {
    let mut planner = Planner { checked, scopes: Vec::new(), patterns: Patterns::default() };
    let node = planner.node(root)?;
    Ok((node, planner.patterns))
}

struct Planner<'c> {
    checked: &'c Checked,
    scopes: Vec<Arc<str>>,
    patterns: Patterns,
}

impl Planner<'_> {
    fn node(&mut self, expr: &Expr) -> Result<Node, SyntaxError> {
        match &expr.kind {
            ExprKind::Struct(..) => Err(impossible(expr)),
            ExprKind::Literal(literal) => Ok(Node::Constant(constant(literal))),
            ExprKind::Ident(name) => self.named(expr, name),
            ExprKind::Select { operand, field, test } => {
                if self.checked.meanings.contains_key(&expr.id) {
                    return self.named(expr, field);
                }
                let mode = if *test { Mode::Presence } else { Mode::Required };
                self.select(operand, field, mode)
            }
            ExprKind::Call { function, target, arguments } => {
                self.call(expr, function, target.as_deref(), arguments)
            }
            ExprKind::Logic { conjunction, operands } => {
                let operands = self.nodes(operands)?;
                Ok(Node::Logic { conjunction: *conjunction, operands })
            }
            ExprKind::List(elements) => self.elements(elements).map(list),
            ExprKind::Map(entries) => self.map(expr, entries),
            ExprKind::Comprehension(fold) => self.fold(fold),
        }
    }

    fn nodes(&mut self, exprs: &[Expr]) -> Result<Vec<Node>, SyntaxError> {
        let mut nodes = Vec::with_capacity(exprs.len());
        for expr in exprs {
            nodes.push(self.node(expr)?);
        }
        Ok(nodes)
    }

    fn named(&self, expr: &Expr, name: &str) -> Result<Node, SyntaxError> {
        match self.checked.meanings.get(&expr.id) {
            Some(Meaning::Variable(name)) => {
                let object = match self.checked.types.get(expr.id as usize) {
                    Some(Type::Object(object)) => object.name,
                    _ => "kubernetes.claims",
                };
                Ok(Node::Variable(Arc::clone(name), object))
            }
            Some(Meaning::Type(named)) => Ok(Node::Constant(Value::Type(named.clone()))),
            Some(Meaning::Local) => {
                self.local(name).map(Node::Local).ok_or_else(|| impossible(expr))
            }
            _ => Err(impossible(expr)),
        }
    }

    fn local(&self, name: &str) -> Option<usize> {
        self.scopes.iter().rposition(|local| **local == *name)
    }

    fn select(&mut self, operand: &Expr, field: &str, mode: Mode) -> Result<Node, SyntaxError> {
        let operand = Box::new(self.node(operand)?);
        Ok(Node::Select { operand, field: Value::string(field), mode })
    }

    fn call(
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
        self.patterns(name, arguments, &all)?;
        planned_call(expr, name, overloads, all)
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

    /// Compiles the patterns that are spelt out, so that evaluation finds them.
    fn patterns(
        &mut self,
        name: &str,
        arguments: &[Expr],
        all: &[Node],
    ) -> Result<(), SyntaxError> {
        if !["matches", "find", "findAll"].contains(&name) {
            return Ok(());
        }
        // kube-apiserver takes the first literal argument of `matches` for the pattern, even where
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
            if self.patterns.add(pattern, SIZE).is_err() {
                let offset = arguments.last().map_or(0, |argument| argument.offset as usize);
                let message = format!("invalid {name} argument: not a regular expression");
                return Err(SyntaxError { offset, message });
            }
        }
        Ok(())
    }

    fn elements(&mut self, elements: &[Element]) -> Result<Vec<(Node, bool)>, SyntaxError> {
        let mut nodes = Vec::with_capacity(elements.len());
        for element in elements {
            nodes.push((self.node(&element.value)?, element.optional));
        }
        Ok(nodes)
    }

    fn map(&mut self, expr: &Expr, entries: &[Entry]) -> Result<Node, SyntaxError> {
        let mut nodes = Vec::with_capacity(entries.len());
        for entry in entries {
            nodes.push((self.node(&entry.key)?, self.node(&entry.value)?, entry.optional));
        }
        finished_map(expr, nodes)
    }

    fn fold(&mut self, fold: &Comprehension) -> Result<Node, SyntaxError> {
        let range = self.node(&fold.range)?;
        let start = self.node(&fold.start)?;
        let base = self.scopes.len();
        self.scopes.push(Arc::clone(&fold.accumulator));
        self.scopes.push(Arc::clone(&fold.variable));
        self.scopes.extend(fold.second.clone());
        let condition = self.node(&fold.condition)?;
        let step = self.node(&fold.step)?;
        self.scopes.truncate(base + 1);
        let result = self.node(&fold.result)?;
        self.scopes.truncate(base);
        let two = fold.second.is_some();
        Ok(Node::Fold(Box::new(Fold { range, two, base, start, condition, step, result })))
    }
}

/// A call whose arguments are planned: what evaluation knows by itself becomes a node of its own.
fn planned_call(
    expr: &Expr,
    name: &'static str,
    overloads: &[Overload],
    all: Vec<Node>,
) -> Result<Node, SyntaxError> {
    let mut overloads = overloads.to_vec();
    if overloads.len() > 1 && COST_BY_OVERLOAD.contains(&name) {
        for overload in &mut overloads {
            overload.cost = |_, _| 1;
        }
    }
    let call = |arguments| Call { name, overloads, arguments };
    Ok(match (name, sized::<1>(all)) {
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

/// A constant, if all of its entries are.
fn finished_map(expr: &Expr, entries: Vec<(Node, Node, bool)>) -> Result<Node, SyntaxError> {
    let is_constant = entries.iter().all(|(key, value, _)| {
        matches!(key, Node::Constant(_)) && matches!(value, Node::Constant(_))
    });
    let node = Node::Map(entries);
    if !is_constant {
        return Ok(node);
    }
    evaluated(&node).map(Node::Constant).map_err(|error| SyntaxError {
        offset: expr.offset as usize,
        message: format!("invalid map: {error}"),
    })
}

fn sized<const N: usize>(nodes: Vec<Node>) -> Result<[Node; N], Vec<Node>> {
    <[Node; N]>::try_from(nodes)
}

/// A fault that the checker has reported before.
fn impossible(expr: &Expr) -> SyntaxError {
    SyntaxError { offset: expr.offset as usize, message: "this has no meaning".to_owned() }
}

fn constant(literal: &Literal) -> Value<'static> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(text) => Value::String(Text::Shared(Arc::clone(text))),
        Literal::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
    }
}

fn list(elements: Vec<(Node, bool)>) -> Node {
    let constants: Option<Vec<Value<'static>>> = elements
        .iter()
        .map(|(element, optional)| match element {
            Node::Constant(value) if !optional => Some(value.clone()),
            _ => None,
        })
        .collect();
    match constants {
        Some(constants) => Node::Constant(Value::list(constants)),
        None => Node::List(elements),
    }
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

/// The value of a node without variables.
fn evaluated(node: &Node) -> Result<Value<'static>, EvaluationError> {
    let mut meter = Meter::new(&Budget::default());
    Evaluation::new(&[], &mut meter).value(node)
}
