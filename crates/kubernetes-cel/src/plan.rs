//! What is evaluated: a tree in which every name is resolved, and constants are computed.
//! Never uses the value of a variable: those are known only in an evaluation.

mod calls;

use std::borrow::Cow;
use std::sync::Arc;

use crate::check::{Checked, Meaning};
use crate::error::EvaluationError;
use crate::evaluate::Evaluator;
use crate::function::Overload;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::pattern::Patterns;
use crate::syntax::SyntaxError;
use crate::syntax::ast::{Comprehension, Element, Entry, Expr, ExprKind, Literal};
use crate::types::Type;
use crate::value::{Text, Value};

/// One step of an evaluation.
#[derive(Debug)]
pub(crate) enum Node {
    Constant(Value<'static>),
    /// By its name, and the name of its type if it is declared as an object.
    Variable(Arc<str>, Option<Arc<str>>),
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

/// What a selection does if the field or element is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is an error.
    Required,
    /// The result is an optional.
    Optional,
    /// The result is whether it is present.
    Presence,
}

/// A call of a function whose arguments are all evaluated.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: Cow<'static, str>,
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
                    Some(Type::Object(object)) => Some(Arc::clone(&object.name)),
                    _ => None,
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

/// The value of a node without variables.
fn evaluated(node: &Node) -> Result<Value<'static>, EvaluationError> {
    let mut meter = Meter::new(&Limits::default());
    Evaluator::new(&[], &mut meter).value(node)
}
