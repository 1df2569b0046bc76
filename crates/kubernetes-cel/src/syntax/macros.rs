//! Calls that are rewritten before anything is checked.
//! Never uses types or values: a macro gets only the trees of its arguments.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Comprehension, Element, Entry, Expr, ExprKind, Literal};

/// What the grammar of an environment has beyond the one that every environment has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialect {
    pub(crate) macros: HashMap<&'static str, Vec<Macro>>,
    /// Whether the syntax of optionals is enabled.
    pub(crate) optionals: bool,
}

impl Dialect {
    pub(crate) fn add(&mut self, macros: impl IntoIterator<Item = Macro>) {
        for rewriting in macros {
            self.macros.entry(rewriting.name).or_default().push(rewriting);
        }
    }

    /// The macro that rewrites a call of this name with so many arguments.
    pub(crate) fn find(&self, name: &str, member: bool, arguments: usize) -> Option<&Macro> {
        self.macros
            .get(name)?
            .iter()
            .find(|known| known.member == member && known.arguments == arguments)
    }
}

/// A call that is rewritten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Macro {
    pub(crate) name: &'static str,
    /// Whether it is called as `target.name(…)`.
    pub(crate) member: bool,
    /// How many there are, the target not counted.
    pub(crate) arguments: usize,
    pub(crate) expand: Expand,
}

/// The rewriting itself: the target, if there is one, and the arguments.
pub(crate) type Expand = fn(&mut Expander<'_>, Option<Expr>, Vec<Expr>) -> Result<Expr, Misuse>;

/// A call of a macro with arguments that it does not accept.
#[derive(Debug)]
pub(crate) struct Misuse {
    /// Where, in bytes.
    pub(crate) offset: u32,
    pub(crate) message: &'static str,
}

/// The name of the value that a fold builds; no text can name it.
pub(crate) const ACCUMULATOR: &str = "@result";

/// Builds nodes with numbers of their own, at the place of the macro call.
pub(crate) struct Expander<'n> {
    pub(super) next: &'n mut u32,
    pub(super) offset: u32,
}

impl Expander<'_> {
    fn node(&mut self, kind: ExprKind) -> Expr {
        let id = *self.next;
        *self.next = id.saturating_add(1);
        Expr { id, offset: self.offset, kind }
    }

    pub(crate) fn boolean(&mut self, value: bool) -> Expr {
        self.node(ExprKind::Literal(Literal::Bool(value)))
    }

    pub(crate) fn int(&mut self, value: i64) -> Expr {
        self.node(ExprKind::Literal(Literal::Int(value)))
    }

    pub(crate) fn ident(&mut self, name: &str) -> Expr {
        self.node(ExprKind::Ident(Arc::from(name)))
    }

    pub(crate) fn accumulator(&mut self) -> Expr {
        self.ident(ACCUMULATOR)
    }

    pub(crate) fn call(&mut self, function: &str, arguments: Vec<Expr>) -> Expr {
        self.node(ExprKind::Call { function: Arc::from(function), target: None, arguments })
    }

    pub(crate) fn member_call(
        &mut self,
        function: &str,
        target: Expr,
        arguments: Vec<Expr>,
    ) -> Expr {
        self.node(ExprKind::Call {
            function: Arc::from(function),
            target: Some(Box::new(target)),
            arguments,
        })
    }

    pub(crate) fn and(&mut self, operands: Vec<Expr>) -> Expr {
        self.node(ExprKind::Logic { conjunction: true, operands })
    }

    pub(crate) fn or(&mut self, operands: Vec<Expr>) -> Expr {
        self.node(ExprKind::Logic { conjunction: false, operands })
    }

    pub(crate) fn list(&mut self, elements: Vec<Expr>) -> Expr {
        let elements =
            elements.into_iter().map(|value| Element { value, optional: false }).collect();
        self.node(ExprKind::List(elements))
    }

    pub(crate) fn map(&mut self, entries: Vec<(Expr, Expr)>) -> Expr {
        let entries =
            entries.into_iter().map(|(key, value)| Entry { key, value, optional: false }).collect();
        self.node(ExprKind::Map(entries))
    }

    pub(crate) fn presence(&mut self, operand: Expr, field: Arc<str>) -> Expr {
        self.node(ExprKind::Select { operand: Box::new(operand), field, test: true })
    }

    pub(crate) fn fold(&mut self, comprehension: Comprehension) -> Expr {
        self.node(ExprKind::Comprehension(Box::new(comprehension)))
    }

    /// `range.map(variable, transform)`, for macros that need its result.
    pub(crate) fn map_over(&mut self, range: Expr, variable: Arc<str>, transform: Expr) -> Expr {
        let start = self.list(Vec::new());
        let condition = self.boolean(true);
        let accumulator = self.accumulator();
        let element = self.list(vec![transform]);
        let step = self.call("_+_", vec![accumulator, element]);
        let result = self.accumulator();
        self.fold(Comprehension {
            range,
            variable,
            second: None,
            accumulator: Arc::from(ACCUMULATOR),
            start,
            condition,
            step,
            result,
        })
    }

    /// The same tree with numbers of its own.
    pub(crate) fn copy(&mut self, expr: &Expr) -> Expr {
        let mut copy = expr.clone();
        renumber(&mut copy, self.next);
        copy
    }
}

fn renumber(expr: &mut Expr, next: &mut u32) {
    expr.id = *next;
    *next = next.saturating_add(1);
    expr.for_each_child_mut(&mut |child| renumber(child, next));
}
