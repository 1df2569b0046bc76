//! A program: a text that was parsed and checked once, to be evaluated for every token.
//!
//! Never here: how (`syntax`, `check`, `plan`, `evaluate`).

use std::collections::BTreeSet;

use crate::check::check;
use crate::environment::Environment;
use crate::error::{CompileError, EvaluationError, Fault};
use crate::evaluate::Evaluation;
use crate::meter::{Budget, Meter, Patience};
use crate::pattern::Patterns;
use crate::plan::{Node, plan};
use crate::syntax::ast::{Expr, ExprKind, Literal};
use crate::syntax::{SyntaxError, parse};
use crate::types::Type;
use crate::value::Value;

/// A checked expression.
#[derive(Debug)]
pub struct Program {
    tree: Expr,
    node: Node,
    patterns: Patterns,
    result: Type,
}

/// The values of the variables.
#[derive(Clone, Debug)]
pub struct Bindings<'a> {
    variables: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Bindings<'a> {
    /// Names and values.
    pub fn new(variables: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Bindings<'a> {
        Bindings { variables: variables.into_iter().collect() }
    }
}

impl Program {
    /// Parses and checks a text; all faults that are found are reported.
    pub fn compile(source: &str, environment: &Environment) -> Result<Program, CompileError> {
        let one = |fault| refused(source, vec![fault]);
        let tree = parse(source, &environment.macros).map_err(one)?;
        let checked = check(&tree, environment).map_err(|faults| refused(source, faults))?;
        let (node, patterns) = plan(&tree.root, &checked).map_err(one)?;
        let result = checked.types.get(tree.root.id as usize).cloned().unwrap_or(Type::Error);
        Ok(Program { tree: tree.root, node, patterns, result })
    }

    /// The type of every value that this program gives, as far as it is known before evaluation.
    pub fn result_type(&self) -> &Type {
        &self.result
    }

    /// Whether the expression selects these names one after the other: `claims.email`,
    /// `claims.?email`, `has(claims.email)`; not `claims["email"]`.
    pub fn selects(&self, path: &[&str]) -> bool {
        selects(&self.tree, path)
    }

    /// The names that are selected from this variable: `claims.email`, `claims.?email`,
    /// `has(claims.email)`, `claims["email"]`, `claims[?"email"]`.
    pub fn selected_from(&self, variable: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        visit(&self.tree, &mut |expr| {
            names.extend(selected(expr, variable).map(str::to_owned));
        });
        names
    }

    /// What is done with this variable as if it were a map or a list, if it is: `in` or `size`.
    pub fn takes_for_container(&self, variable: &str) -> Option<&'static str> {
        let mut found = None;
        visit(&self.tree, &mut |expr| found = found.or_else(|| container_use(expr, variable)));
        found
    }

    /// Computes the value for these variables, within a budget.
    pub fn evaluate<'a>(
        &self,
        bindings: &Bindings<'a>,
        budget: &Budget,
    ) -> Result<Value<'a>, EvaluationError> {
        self.evaluate_with_cost(bindings, budget).0
    }

    /// As [`Program::evaluate`]; also what it has cost, in units of the cost model.
    pub fn evaluate_with_cost<'a>(
        &self,
        bindings: &Bindings<'a>,
        budget: &Budget,
    ) -> (Result<Value<'a>, EvaluationError>, u64) {
        let (outcome, spent) = self.evaluate_measured(bindings, budget, None);
        (outcome, spent.cost)
    }

    /// As [`Program::evaluate`], while there is patience; also what it took of the budget, for a
    /// caller that bounds several programs together.
    pub fn evaluate_measured<'a>(
        &self,
        bindings: &Bindings<'a>,
        budget: &Budget,
        patience: Option<&Patience>,
    ) -> (Result<Value<'a>, EvaluationError>, Budget) {
        let mut meter = Meter::with_patterns(budget, &self.patterns, patience);
        let outcome = Evaluation::new(&bindings.variables, &mut meter).value(&self.node);
        (outcome, meter.spent())
    }
}

fn refused(source: &str, faults: Vec<SyntaxError>) -> CompileError {
    let faults = faults.into_iter().map(|fault| {
        let before = source.get(..fault.offset.min(source.len())).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Fault {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            message: fault.message,
        }
    });
    CompileError { faults: faults.collect() }
}

fn visit<'e>(expr: &'e Expr, each: &mut dyn FnMut(&'e Expr)) {
    each(expr);
    expr.for_each_child(&mut |child| visit(child, each));
}

fn is_variable(expr: &Expr, name: &str) -> bool {
    expr.as_ident().is_some_and(|own| own.trim_start_matches('.') == name)
}

fn selected<'e>(expr: &'e Expr, variable: &str) -> Option<&'e str> {
    match &expr.kind {
        ExprKind::Select { operand, field, .. } if is_variable(operand, variable) => Some(field),
        ExprKind::Call { function, target: None, arguments }
            if ["_?._", "_[_]", "_[?_]"].contains(&&**function) =>
        {
            match arguments.as_slice() {
                [operand, Expr { kind: ExprKind::Literal(Literal::String(name)), .. }]
                    if is_variable(operand, variable) =>
                {
                    Some(name)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn container_use(expr: &Expr, variable: &str) -> Option<&'static str> {
    match &expr.kind {
        ExprKind::Call { function, target, arguments } => {
            let container = target.as_deref().or_else(|| arguments.last())?;
            match &**function {
                _ if !is_variable(container, variable) => None,
                "@in" => Some("in"),
                "size" => Some("size"),
                _ => None,
            }
        }
        _ => None,
    }
}

fn selects(expr: &Expr, path: &[&str]) -> bool {
    if is_selection(expr, path) {
        return true;
    }
    let mut found = false;
    expr.for_each_child(&mut |child| found = found || selects(child, path));
    found
}

fn is_selection(expr: &Expr, path: &[&str]) -> bool {
    let Some((last, before)) = path.split_last() else { return false };
    match &expr.kind {
        ExprKind::Ident(name) => before.is_empty() && name.trim_start_matches('.') == *last,
        ExprKind::Select { operand, field, .. } => {
            **field == **last && is_selection(operand, before)
        }
        ExprKind::Call { function, target: None, arguments } if **function == *"_?._" => {
            match arguments.as_slice() {
                [operand, Expr { kind: ExprKind::Literal(Literal::String(field)), .. }] => {
                    **field == **last && is_selection(operand, before)
                }
                _ => false,
            }
        }
        _ => false,
    }
}
