//! The tree of an expression, with its macros expanded.
//! Never a type: the checker keeps types beside the tree, by node number.

use std::sync::Arc;

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    /// Unique within one tree.
    pub(crate) id: u32,
    /// Its position in the text, in bytes.
    pub(crate) offset: u32,
    pub(crate) kind: ExprKind,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Literal(Literal),
    /// A leading dot is part of the name.
    Ident(Arc<str>),
    Select {
        operand: Box<Expr>,
        field: Arc<str>,
        /// `has(operand.field)`
        test: bool,
    },
    /// Operators are calls as well: `_+_`.
    Call {
        function: Arc<str>,
        target: Option<Box<Expr>>,
        arguments: Vec<Expr>,
    },
    /// All operands of a chain of `&&` or `||`.
    Logic {
        conjunction: bool,
        operands: Vec<Expr>,
    },
    List(Vec<Element>),
    Map(Vec<Entry>),
    /// `Name{field: value}`: the name, and the values.
    Struct(Arc<str>, Vec<Expr>),
    Comprehension(Box<Comprehension>),
}

#[derive(Clone, Debug)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
}

#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) value: Expr,
    /// `[?value]`
    pub(crate) optional: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Expr,
    pub(crate) value: Expr,
    /// `{?key: value}`
    pub(crate) optional: bool,
}

/// What macros over lists and maps become: a fold.
#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    pub(crate) range: Expr,
    pub(crate) variable: Arc<str>,
    /// With two variables, the first is the index or key, the second the element or value.
    pub(crate) second: Option<Arc<str>>,
    pub(crate) accumulator: Arc<str>,
    pub(crate) start: Expr,
    pub(crate) condition: Expr,
    pub(crate) step: Expr,
    pub(crate) result: Expr,
}

impl Expr {
    /// The name, if this is a variable.
    pub(crate) fn as_ident(&self) -> Option<&Arc<str>> {
        match &self.kind {
            ExprKind::Ident(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn for_each_child<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Ident(_) => {}
            ExprKind::Select { operand, .. } => visit(operand),
            ExprKind::Call { target, arguments, .. } => {
                if let Some(target) = target {
                    visit(target);
                }
                arguments.iter().for_each(visit);
            }
            ExprKind::Logic { operands, .. } => operands.iter().for_each(visit),
            ExprKind::List(elements) => elements.iter().for_each(|element| visit(&element.value)),
            ExprKind::Map(entries) => {
                for entry in entries {
                    visit(&entry.key);
                    visit(&entry.value);
                }
            }
            ExprKind::Struct(_, values) => values.iter().for_each(visit),
            ExprKind::Comprehension(fold) => {
                let Comprehension { range, start, condition, step, result, .. } = &**fold;
                [range, start, condition, step, result].into_iter().for_each(visit);
            }
        }
    }

    pub(crate) fn for_each_child_mut(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        match &mut self.kind {
            ExprKind::Literal(_) | ExprKind::Ident(_) => {}
            ExprKind::Select { operand, .. } => visit(operand),
            ExprKind::Call { target, arguments, .. } => {
                if let Some(target) = target {
                    visit(target);
                }
                arguments.iter_mut().for_each(visit);
            }
            ExprKind::Logic { operands, .. } => operands.iter_mut().for_each(visit),
            ExprKind::List(elements) => {
                for element in elements {
                    visit(&mut element.value);
                }
            }
            ExprKind::Map(entries) => {
                for entry in entries {
                    visit(&mut entry.key);
                    visit(&mut entry.value);
                }
            }
            ExprKind::Struct(_, values) => values.iter_mut().for_each(visit),
            ExprKind::Comprehension(fold) => {
                let Comprehension { range, start, condition, step, result, .. } = &mut **fold;
                [range, start, condition, step, result].into_iter().for_each(visit);
            }
        }
    }
}
