//! From tokens to a tree, with the limits of cel-go's parser.
//!
//! Never here: unbounded recursion. What nests is counted, rule by rule.

use std::collections::HashMap;
use std::sync::Arc;

use super::SyntaxError;
use super::ast::{Element, Entry, Expr, ExprKind, Literal};
use super::macros::{Expander, Macro, Misuse};
use super::token::{Token, TokenKind, tokens};

/// `expressionSizeCodePointLimit` of cel-go.
const CHARACTERS: usize = 100_000;
/// `maxRecursionDepth` of cel-go, for the chains of each rule of its grammar and for the tree.
const NESTING: u32 = 250;
/// Of expressions within expressions. cel-go takes 250; every one costs stack here.
const EXPRESSIONS: u32 = 100;
/// Of nodes, once macros are expanded: `optMap` repeats its target.
const NODES: u32 = 200_000;
/// Of levels, once macros are expanded.
const DEPTH: u32 = 500;

/// Legal as names of fields, not of variables and functions.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A tree with all macros expanded.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Expr,
    /// Node numbers are below it.
    pub(crate) nodes: u32,
}

/// Parses a text and expands these macros.
pub(crate) fn parse(
    source: &str,
    macros: &HashMap<&'static str, Vec<Macro>>,
) -> Result<Tree, SyntaxError> {
    if source.chars().count() > CHARACTERS {
        return Err(SyntaxError::new(0, format!("longer than {CHARACTERS} characters")));
    }
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens: &tokens, at: 0, next: 0, depth: [0; RULES], macros };
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
    macros: &'t HashMap<&'static str, Vec<Macro>>,
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

    /// Takes the sign if it is next, and tells where it stood.
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

    /// What follows a dot: a field, an optional field, or a call.
    fn selection(&mut self, operand: Parsed, offset: usize) -> Result<Parsed, SyntaxError> {
        let optional = self.take("?").is_some();
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
        let function = if self.take("?").is_some() { "_[?_]" } else { "_[_]" };
        let index = self.expression()?;
        self.expect("]")?;
        let below = operand.height.max(index.height);
        let expr = self.call(offset, function, None, vec![operand.expr, index.expr])?;
        Self::level(expr, below)
    }

    fn primary(&mut self) -> Result<Parsed, SyntaxError> {
        let offset = self.offset();
        if self.take("(").is_some() {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.take("[").is_some() {
            return self.list(offset);
        }
        if self.take("{").is_some() {
            return self.map(offset);
        }
        if self.at_sign(".") || matches!(self.kind(), TokenKind::Identifier(_)) {
            return self.named(offset);
        }
        let literal = self.literal()?;
        Ok(Parsed { expr: self.node(offset, ExprKind::Literal(literal))?, height: 0 })
    }

    /// A variable, a call, or the construction of a named type.
    fn named(&mut self, offset: usize) -> Result<Parsed, SyntaxError> {
        let dot = if self.take(".").is_some() { "." } else { "" };
        let name_offset = self.offset();
        let TokenKind::Identifier(name) = self.kind() else {
            return Err(self.unexpected("a name"));
        };
        self.at += 1;
        let full = format!("{dot}{name}");
        if let Some(length) = self.struct_ahead() {
            return self.structure(full, length);
        }
        if RESERVED.contains(name) {
            return Err(SyntaxError::new(offset, format!("reserved identifier: {name}")));
        }
        if let Some(open) = self.take("(") {
            let (arguments, height) = self.arguments()?;
            let expr = self.call(open, &full, None, arguments)?;
            return Ok(Parsed { expr, height });
        }
        Ok(Parsed { expr: self.node(name_offset, ExprKind::Ident(full.into()))?, height: 0 })
    }

    /// How many tokens of a dotted name are left before `{`, if that is what comes.
    fn struct_ahead(&self) -> Option<usize> {
        let rest = self.tokens.get(self.at..)?;
        let pairs = rest
            .chunks_exact(2)
            .take_while(|pair| {
                matches!(pair, [dot, name] if dot.kind == TokenKind::Sign(".")
                    && matches!(name.kind, TokenKind::Identifier(_)))
            })
            .count();
        (rest.get(pairs * 2)?.kind == TokenKind::Sign("{")).then_some(pairs)
    }

    fn structure(&mut self, mut name: String, pairs: usize) -> Result<Parsed, SyntaxError> {
        for _ in 0..pairs {
            self.at += 1;
            if let TokenKind::Identifier(part) = self.kind() {
                name.push('.');
                name.push_str(part);
            }
            self.at += 1;
        }
        let offset = self.expect("{")?;
        let mut values = Vec::new();
        let mut height = 0;
        while !self.at_sign("}") && !self.at_sign(",") {
            self.take("?");
            match self.kind() {
                TokenKind::Identifier(_) | TokenKind::Escaped(_) => self.at += 1,
                _ => return Err(self.unexpected("the name of a field")),
            }
            self.expect(":")?;
            let value = self.expression()?;
            height = height.max(value.height);
            values.push(value.expr);
            if !self.at_sign(",") || self.closes_after_comma("}") {
                break;
            }
            self.at += 1;
        }
        self.take(",");
        self.expect("}")?;
        Ok(Parsed { expr: self.node(offset, ExprKind::Struct(name.into(), values))?, height })
    }

    fn closes_after_comma(&self, sign: &str) -> bool {
        self.tokens
            .get(self.at + 1)
            .is_some_and(|token| matches!(token.kind, TokenKind::Sign(found) if found == sign))
    }

    fn list(&mut self, offset: usize) -> Result<Parsed, SyntaxError> {
        let mut elements = Vec::new();
        let mut height = 0;
        while !self.at_sign("]") && !self.at_sign(",") {
            let optional = self.take("?").is_some();
            let value = self.expression()?;
            height = height.max(value.height);
            elements.push(Element { value: value.expr, optional });
            if !self.at_sign(",") || self.closes_after_comma("]") {
                break;
            }
            self.at += 1;
            if self.at_sign(",") {
                return Err(self.unexpected("an element"));
            }
        }
        self.take(",");
        self.expect("]")?;
        Ok(Parsed { expr: self.node(offset, ExprKind::List(elements))?, height })
    }

    fn map(&mut self, offset: usize) -> Result<Parsed, SyntaxError> {
        let mut entries = Vec::new();
        let mut height = 0;
        while !self.at_sign("}") && !self.at_sign(",") {
            let optional = self.take("?").is_some();
            let key = self.expression()?;
            self.expect(":")?;
            let value = self.expression()?;
            height = height.max(key.height).max(value.height);
            entries.push(Entry { key: key.expr, value: value.expr, optional });
            if !self.at_sign(",") || self.closes_after_comma("}") {
                break;
            }
            self.at += 1;
            if self.at_sign(",") {
                return Err(self.unexpected("an entry"));
            }
        }
        self.take(",");
        self.expect("}")?;
        Ok(Parsed { expr: self.node(offset, ExprKind::Map(entries))?, height })
    }

    /// After `(`, up to and with `)`.
    fn arguments(&mut self) -> Result<(Vec<Expr>, u32), SyntaxError> {
        let mut arguments = Vec::new();
        let mut height = 0;
        if self.take(")").is_some() {
            return Ok((arguments, height));
        }
        loop {
            let argument = self.expression()?;
            height = height.max(argument.height);
            arguments.push(argument.expr);
            if self.take(",").is_none() {
                self.expect(")")?;
                return Ok((arguments, height));
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, SyntaxError> {
        let offset = self.offset();
        let negative = self.is_negative_number();
        if negative {
            self.at += 1;
        }
        let invalid = |kind| SyntaxError::new(offset, format!("invalid {kind} literal"));
        let literal = match self.kind() {
            TokenKind::Int(digits) => {
                Literal::Int(int(digits, negative).ok_or_else(|| invalid("int"))?)
            }
            TokenKind::Uint(digits) => {
                let (digits, radix) = radix(digits);
                Literal::Uint(u64::from_str_radix(digits, radix).map_err(|_| invalid("uint"))?)
            }
            TokenKind::Double(digits) => {
                let value: f64 = digits.parse().map_err(|_| invalid("double"))?;
                if value.is_infinite() {
                    return Err(invalid("double"));
                }
                Literal::Double(if negative { -value } else { value })
            }
            TokenKind::String(text) => Literal::String(text.as_str().into()),
            TokenKind::Bytes(bytes) => Literal::Bytes(bytes.as_slice().into()),
            TokenKind::True => Literal::Bool(true),
            TokenKind::False => Literal::Bool(false),
            TokenKind::Null => Literal::Null,
            _ => return Err(self.unexpected("an expression")),
        };
        self.at += 1;
        Ok(literal)
    }

    /// A call, unless a macro makes something else of it.
    fn call(
        &mut self,
        offset: usize,
        function: &str,
        target: Option<Expr>,
        arguments: Vec<Expr>,
    ) -> Result<Expr, SyntaxError> {
        let found = self.macros.get(function).into_iter().flatten().find(|candidate| {
            candidate.member == target.is_some() && candidate.arguments == arguments.len()
        });
        if let Some(found) = found {
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

fn radix(digits: &str) -> (&str, u32) {
    digits.strip_prefix("0x").map_or((digits, 10), |digits| (digits, 16))
}

fn int(digits: &str, negative: bool) -> Option<i64> {
    let (digits, radix) = radix(digits);
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    i64::try_from(if negative { -value } else { value }).ok()
}
