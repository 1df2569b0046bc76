//! From tokens to a tree, with the limits of cel-go's parser.
//! Never unbounded recursion: nesting is counted, rule by rule.

mod primary;

use std::sync::Arc;

use super::ast::{Expr, ExprKind, Literal};
use super::fault::SyntaxError;
use super::macros::{Dialect, Expander, Misuse};
use super::token::{Token, TokenKind, tokens};

/// `expressionSizeCodePointLimit` of cel-go.
const CHARACTERS: usize = 100_000;
/// `maxRecursionDepth` of cel-go, for the chains of each rule of its grammar and for the tree.
const NESTING: u32 = 250;
/// The deepest nesting of expressions. cel-go accepts 250; each level costs stack here.
const EXPRESSIONS: u32 = 100;
/// The most nodes, once macros are expanded: `optMap` repeats its target.
const NODES: u32 = 200_000;
/// The most levels, once macros are expanded.
const DEPTH: u32 = 500;

/// A tree with all macros expanded.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Expr,
    /// Node numbers are below it.
    pub(crate) nodes: u32,
}

/// Parses a text and expands the macros of the dialect.
pub(crate) fn parse(source: &str, dialect: &Dialect) -> Result<Tree, SyntaxError> {
    if source.chars().count() > CHARACTERS {
        return Err(SyntaxError::new(0, format!("longer than {CHARACTERS} characters")));
    }
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens: &tokens, at: 0, next: 0, depth: [0; RULES], dialect };
    let root = parser.expression()?.expr;
    if parser.kind() != &TokenKind::End {
        return Err(parser.unexpected("the end of the expression"));
    }
    if depth_exceeds(&root, DEPTH) {
        return Err(SyntaxError::new(0, "nested too deeply"));
    }
    Ok(Tree { root, nodes: parser.next })
}

fn depth_exceeds(expr: &Expr, levels: u32) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    let mut exceeds = false;
    expr.for_each_child(&mut |child| exceeds = exceeds || depth_exceeds(child, below));
    exceeds
}

/// A node, and how many operators and selectors lie on the longest way down from it.
struct Parsed {
    expr: Expr,
    height: u32,
}

/// The recursive rules of cel-go's grammar; each may be entered [`NESTING`] times at once.
#[derive(Clone, Copy)]
enum Rule {
    Expression,
    Relation,
    Calculation,
    Member,
}

const RULES: usize = 4;

struct Parser<'t, 's> {
    tokens: &'t [Token<'s>],
    at: usize,
    next: u32,
    depth: [u32; RULES],
    dialect: &'t Dialect,
}

impl<'t, 's> Parser<'t, 's> {
    fn kind(&self) -> &'t TokenKind<'s> {
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |token| token.offset)
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        SyntaxError::new(self.offset(), format!("syntax error: expected {expected}"))
    }

    fn at_sign(&self, sign: &str) -> bool {
        matches!(self.kind(), TokenKind::Sign(found) if *found == sign)
    }

    /// Takes the sign if it is next, and returns its offset.
    fn take(&mut self, sign: &str) -> Option<usize> {
        let offset = self.offset();
        self.at_sign(sign).then(|| {
            self.at += 1;
            offset
        })
    }

    fn expect(&mut self, sign: &str) -> Result<usize, SyntaxError> {
        self.take(sign).ok_or_else(|| self.unexpected(&format!("`{sign}`")))
    }

    fn enter(&mut self, rule: Rule) -> Result<(), SyntaxError> {
        let offset = self.offset();
        let limit = match rule {
            Rule::Expression => EXPRESSIONS,
            Rule::Relation | Rule::Calculation | Rule::Member => NESTING,
        };
        if let Some(depth) = self.depth.get_mut(rule as usize) {
            *depth += 1;
            if *depth > limit {
                return Err(SyntaxError::new(offset, "nested too deeply"));
            }
        }
        Ok(())
    }

    fn leave(&mut self, rule: Rule, times: u32) {
        if let Some(depth) = self.depth.get_mut(rule as usize) {
            *depth = depth.saturating_sub(times);
        }
    }

    fn node(&mut self, offset: usize, kind: ExprKind) -> Result<Expr, SyntaxError> {
        let id = self.next;
        if id >= NODES {
            return Err(SyntaxError::new(offset, "too large once macros are expanded"));
        }
        self.next += 1;
        Ok(Expr { id, offset: u32::try_from(offset).unwrap_or(u32::MAX), kind })
    }

    /// A node that counts as a level.
    fn level(expr: Expr, below: u32) -> Result<Parsed, SyntaxError> {
        let height = below + 1;
        if height > NESTING {
            return Err(SyntaxError::new(expr.offset as usize, "nested too deeply"));
        }
        Ok(Parsed { expr, height })
    }

    fn expression(&mut self) -> Result<Parsed, SyntaxError> {
        self.enter(Rule::Expression)?;
        let condition = self.logic("||")?;
        let parsed = match self.take("?") {
            None => condition,
            Some(offset) => {
                let then = self.logic("||")?;
                self.expect(":")?;
                let otherwise = self.expression()?;
                let below = condition.height.max(then.height).max(otherwise.height);
                let arguments = vec![condition.expr, then.expr, otherwise.expr];
                let expr = self.call(offset, "_?_:_", None, arguments)?;
                Self::level(expr, below)?
            }
        };
        self.leave(Rule::Expression, 1);
        Ok(parsed)
    }

    /// A chain of `||`, or of the `&&` within it.
    fn logic(&mut self, sign: &'static str) -> Result<Parsed, SyntaxError> {
        let operand = |parser: &mut Self| match sign {
            "||" => parser.logic("&&"),
            _ => parser.relation(),
        };
        let first = operand(self)?;
        let Some(offset) = self.take(sign) else { return Ok(first) };
        let mut height = first.height;
        let mut operands = vec![first.expr];
        loop {
            let next = operand(self)?;
            height = height.max(next.height);
            operands.push(next.expr);
            if self.take(sign).is_none() {
                let kind = ExprKind::Logic { conjunction: sign == "&&", operands };
                return Ok(Parsed { expr: self.node(offset, kind)?, height });
            }
        }
    }

    fn relation(&mut self) -> Result<Parsed, SyntaxError> {
        self.enter(Rule::Relation)?;
        let mut entered = 1;
        let mut left = self.calculation(0)?;
        while let Some((offset, function)) = self.operator(&RELATIONS) {
            self.enter(Rule::Relation)?;
            self.enter(Rule::Relation)?;
            entered += 1;
            let right = self.calculation(0)?;
            self.leave(Rule::Relation, 1);
            let below = left.height.max(right.height);
            let expr = self.call(offset, function, None, vec![left.expr, right.expr])?;
            left = Self::level(expr, below)?;
        }
        self.leave(Rule::Relation, entered);
        Ok(left)
    }

    fn calculation(&mut self, precedence: usize) -> Result<Parsed, SyntaxError> {
        self.enter(Rule::Calculation)?;
        let mut entered = 1;
        let mut left = self.unary()?;
        'operators: loop {
            for (level, operators) in CALCULATIONS.iter().enumerate().skip(precedence) {
                if let Some((offset, function)) = self.operator(operators) {
                    self.enter(Rule::Calculation)?;
                    entered += 1;
                    let right = self.calculation(level + 1)?;
                    let below = left.height.max(right.height);
                    let expr = self.call(offset, function, None, vec![left.expr, right.expr])?;
                    left = Self::level(expr, below)?;
                    continue 'operators;
                }
            }
            break;
        }
        self.leave(Rule::Calculation, entered);
        Ok(left)
    }

    /// Takes the operator that is next, if it is one of these; gives its function.
    fn operator(
        &mut self,
        operators: &[(&'static str, &'static str)],
    ) -> Option<(usize, &'static str)> {
        let (sign, function) = operators.iter().find(|(sign, _)| self.at_sign(sign))?;
        self.take(sign).map(|offset| (offset, *function))
    }

    fn unary(&mut self) -> Result<Parsed, SyntaxError> {
        for (sign, function) in [("!", "!_"), ("-", "-_")] {
            let offset = self.offset();
            let mut count = 0_usize;
            while self.at_sign(sign) && !(sign == "-" && count == 0 && self.is_negative_number()) {
                self.at += 1;
                count += 1;
            }
            if count > 0 {
                let operand = self.member()?;
                if count.is_multiple_of(2) {
                    return Ok(operand);
                }
                let expr = self.call(offset, function, None, vec![operand.expr])?;
                return Ok(Parsed { expr, height: operand.height });
            }
        }
        self.member()
    }

    /// Whether a sign and a number are next, which are one literal.
    fn is_negative_number(&self) -> bool {
        self.at_sign("-")
            && matches!(
                self.tokens.get(self.at + 1).map(|token| &token.kind),
                Some(TokenKind::Int(_) | TokenKind::Double(_))
            )
    }

    fn member(&mut self) -> Result<Parsed, SyntaxError> {
        self.enter(Rule::Member)?;
        let mut entered = 1;
        let mut operand = self.primary()?;
        loop {
            let dotted = self.take(".");
            let Some(offset) = dotted.or_else(|| self.take("[")) else { break };
            self.enter(Rule::Member)?;
            entered += 1;
            operand = if dotted.is_some() {
                self.selection(operand, offset)?
            } else {
                self.index(operand, offset)?
            };
        }
        self.leave(Rule::Member, entered);
        Ok(operand)
    }

    /// The question mark of optionals: `.?field`, `[?index]`, `[?element]`, `{?key: value}`.
    fn optional(&mut self) -> Result<bool, SyntaxError> {
        match self.take("?") {
            Some(offset) if !self.dialect.optionals => {
                Err(SyntaxError::new(offset, "unsupported syntax '?': optionals are not enabled"))
            }
            found => Ok(found.is_some()),
        }
    }

    /// What follows a dot: a field, an optional field, or a call.
    fn selection(&mut self, operand: Parsed, offset: usize) -> Result<Parsed, SyntaxError> {
        let optional = self.optional()?;
        let name_offset = self.offset();
        let (name, escaped) = match self.kind() {
            TokenKind::Identifier(name) => (*name, false),
            TokenKind::Escaped(name) => (*name, true),
            _ => return Err(self.unexpected("the name of a field or function")),
        };
        self.at += 1;
        if !escaped
            && !optional
            && let Some(offset) = self.take("(")
        {
            let (arguments, height) = self.arguments()?;
            let below = operand.height.max(height);
            let expr = self.call(offset, name, Some(operand.expr), arguments)?;
            return Self::level(expr, below);
        }
        if optional {
            let field = self.node(name_offset, ExprKind::Literal(Literal::String(name.into())))?;
            let kind = ExprKind::Call {
                function: "_?._".into(),
                target: None,
                arguments: vec![operand.expr, field],
            };
            return Ok(Parsed { expr: self.node(offset, kind)?, height: operand.height + 1 });
        }
        let kind =
            ExprKind::Select { operand: Box::new(operand.expr), field: name.into(), test: false };
        let expr = self.node(offset, kind)?;
        Self::level(expr, operand.height)
    }

    fn index(&mut self, operand: Parsed, offset: usize) -> Result<Parsed, SyntaxError> {
        let function = if self.optional()? { "_[?_]" } else { "_[_]" };
        let index = self.expression()?;
        self.expect("]")?;
        let below = operand.height.max(index.height);
        let expr = self.call(offset, function, None, vec![operand.expr, index.expr])?;
        Self::level(expr, below)
    }

    /// A call, unless a macro rewrites it.
    fn call(
        &mut self,
        offset: usize,
        function: &str,
        target: Option<Expr>,
        arguments: Vec<Expr>,
    ) -> Result<Expr, SyntaxError> {
        if let Some(found) = self.dialect.find(function, target.is_some(), arguments.len()) {
            let at = u32::try_from(offset).unwrap_or(u32::MAX);
            let mut expander = Expander { next: &mut self.next, offset: at };
            let expanded = (found.expand)(&mut expander, target, arguments)
                .map_err(|Misuse { offset, message }| SyntaxError::new(offset as usize, message))?;
            if self.next > NODES {
                return Err(SyntaxError::new(offset, "too large once macros are expanded"));
            }
            return Ok(expanded);
        }
        let kind = ExprKind::Call {
            function: Arc::from(function),
            target: target.map(Box::new),
            arguments,
        };
        self.node(offset, kind)
    }
}

const RELATIONS: [(&str, &str); 7] = [
    ("<", "_<_"),
    ("<=", "_<=_"),
    (">", "_>_"),
    (">=", "_>=_"),
    ("==", "_==_"),
    ("!=", "_!=_"),
    ("in", "@in"),
];

/// From the loosest to the tightest.
const CALCULATIONS: [&[(&str, &str)]; 2] =
    [&[("+", "_+_"), ("-", "_-_")], &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")]];
