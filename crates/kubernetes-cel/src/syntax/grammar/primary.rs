//! Operands: names, calls, literals, lists, maps, and anything in parentheses.
//! Never the precedence of operators (`grammar`).

use super::{Parsed, Parser};
use crate::reserved::RESERVED_WORDS;
use crate::syntax::ast::{Element, Entry, Expr, ExprKind, Literal};
use crate::syntax::fault::SyntaxError;
use crate::syntax::token::TokenKind;

impl Parser<'_, '_> {
    pub(super) fn primary(&mut self) -> Result<Parsed, SyntaxError> {
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
        if RESERVED_WORDS.contains(name) {
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
            let optional = self.optional()?;
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
            let optional = self.optional()?;
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
    pub(super) fn arguments(&mut self) -> Result<(Vec<Expr>, u32), SyntaxError> {
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
}

fn radix(digits: &str) -> (&str, u32) {
    digits.strip_prefix("0x").map_or((digits, 10), |digits| (digits, 16))
}

fn int(digits: &str, negative: bool) -> Option<i64> {
    let (digits, radix) = radix(digits);
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    i64::try_from(if negative { -value } else { value }).ok()
}
