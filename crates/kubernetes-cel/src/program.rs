//! A program: a text that is parsed and checked once, and evaluated with many values.
//! Never keeps state between evaluations: threads share a program.

use crate::check::check;
use crate::environment::Environment;
use crate::error::{CompileError, EvaluationError, Fault};
use crate::evaluate::Evaluator;
use crate::limits::{Budget, Limits};
use crate::meter::Meter;
use crate::pattern::Patterns;
use crate::plan::{Node, plan};
use crate::syntax::ast::Expr;
use crate::syntax::{SyntaxError, parse};
use crate::tree;
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

/// The values of the variables of one evaluation.
#[derive(Clone, Debug, Default)]
pub struct Bindings<'a> {
    variables: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Bindings<'a> {
    /// Names and values. A variable that the expression does not use needs none. A map that is
    /// bound to a variable of an object type becomes an [`Object`](crate::value::Object) of that
    /// type.
    pub fn new(variables: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Bindings<'a> {
        Bindings { variables: variables.into_iter().collect() }
    }
}

/// The result of an evaluation, and what it has spent; the latter also if it failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluation<'a> {
    /// The value, or why there is none.
    pub value: Result<Value<'a>, EvaluationError>,
    /// Of the budget: a caller that bounds several evaluations together subtracts it.
    pub spent: Budget,
}

impl Program {
    /// Parses and checks a text; all faults that are found are reported.
    pub fn compile(source: &str, environment: &Environment) -> Result<Program, CompileError> {
        let one = |fault| refused(source, vec![fault]);
        let tree = parse(source, &environment.dialect).map_err(one)?;
        let checked = check(&tree, environment).map_err(|faults| refused(source, faults))?;
        let (node, patterns) = plan(&tree.root, &checked).map_err(one)?;
        let result = checked.types.get(tree.root.id as usize).cloned().unwrap_or(Type::Error);
        Ok(Program { tree: tree.root, node, patterns, result })
    }

    /// The type of every value that this program gives, as far as it is known before evaluation.
    pub fn result_type(&self) -> &Type {
        &self.result
    }

    /// The expression as a tree, with all macros expanded.
    pub fn tree(&self) -> tree::Node<'_> {
        tree::Node::new(&self.tree)
    }

    /// Computes the value for these variables, within these limits.
    pub fn evaluate<'a>(&self, bindings: &Bindings<'a>, limits: &Limits) -> Evaluation<'a> {
        let mut meter = Meter::with_patterns(limits, &self.patterns);
        let value = Evaluator::new(&bindings.variables, &mut meter).value(&self.node);
        Evaluation { value, spent: meter.spent() }
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
