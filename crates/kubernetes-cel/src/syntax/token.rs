//! From characters to tokens.
//! Never checks the order of tokens: the grammar does.

use super::fault::SyntaxError;
use super::literal::{bytes, text};

/// A token and its position.
#[derive(Clone, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: TokenKind<'s>,
    /// In bytes.
    pub(super) offset: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind<'s> {
    /// `(`, `&&`, `in` …
    Sign(&'static str),
    Identifier(&'s str),
    /// Between backticks.
    Escaped(&'s str),
    /// Without its sign: `-9223372036854775808` is one literal.
    Int(&'s str),
    Uint(&'s str),
    Double(&'s str),
    String(String),
    Bytes(Vec<u8>),
    True,
    False,
    Null,
    End,
}

/// Longest first, where one is a prefix of another.
const SIGNS: [&str; 23] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!",
    "?", ":", "+", "*", "/",
];

/// All tokens of a text, `End` last.
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, SyntaxError> {
    let mut lexer = Lexer { source, offset: 0 };
    let mut found = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.kind == TokenKind::End;
        found.push(token);
        if end {
            return Ok(found);
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    offset: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.offset..).unwrap_or_default()
    }

    fn next(&mut self) -> Result<Token<'s>, SyntaxError> {
        self.skip_blanks();
        let offset = self.offset;
        let rest = self.rest();
        let (kind, length) = match rest.chars().next() {
            None => (TokenKind::End, 0),
            Some('`') => escaped(rest).ok_or_else(|| {
                SyntaxError::new(offset, "an escaped name ends with a backtick and has letters, digits, `_`, `.`, `-`, `/` and blanks only")
            })?,
            Some(first) if first.is_ascii_digit() => number(rest),
            Some('.') if rest.get(1..2).is_some_and(is_digit) => number(rest),
            Some(first) if first == '"' || first == '\'' => quoted(rest, 0, offset)?,
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                match quote_after_prefix(rest) {
                    Some(prefix) => quoted(rest, prefix, offset)?,
                    None => word(rest),
                }
            }
            Some(_) => sign(rest).ok_or_else(|| {
                SyntaxError::new(offset, "this character has no meaning here")
            })?,
        };
        self.offset += length;
        Ok(Token { kind, offset })
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blanks =
                rest.len() - rest.trim_start_matches(['\t', ' ', '\r', '\n', '\u{c}']).len();
            let comment = match rest.get(blanks..) {
                Some(rest) if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                _ => 0,
            };
            self.offset += blanks + comment;
            if blanks + comment == 0 {
                return;
            }
        }
    }
}

fn is_digit(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| belongs(*byte)).count()
}

fn sign(rest: &str) -> Option<(TokenKind<'_>, usize)> {
    SIGNS
        .into_iter()
        .chain(["%"])
        .find(|sign| rest.starts_with(sign))
        .map(|sign| (TokenKind::Sign(sign), sign.len()))
}

fn word(rest: &str) -> (TokenKind<'_>, usize) {
    let length = run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let kind = match rest.get(..length).unwrap_or_default() {
        "in" => TokenKind::Sign("in"),
        "true" => TokenKind::True,
        "false" => TokenKind::False,
        "null" => TokenKind::Null,
        name => TokenKind::Identifier(name),
    };
    (kind, length)
}

fn escaped(rest: &str) -> Option<(TokenKind<'_>, usize)> {
    let inner = rest.get(1..)?;
    let length = run(inner, |byte| byte.is_ascii_alphanumeric() || b"_.-/ ".contains(&byte));
    (length > 0 && inner.as_bytes().get(length) == Some(&b'`'))
        .then(|| (TokenKind::Escaped(inner.get(..length).unwrap_or_default()), length + 2))
}

fn number(rest: &str) -> (TokenKind<'_>, usize) {
    let after = |length: usize| rest.get(length..).unwrap_or_default();
    let digits_at = |length: usize| run(after(length), |byte| byte.is_ascii_digit());
    let is_unsigned = |length: usize| after(length).starts_with(['u', 'U']);
    let slice = |length: usize| rest.get(..length).unwrap_or_default();

    if rest.starts_with("0x") {
        let length = 2 + run(after(2), |byte| byte.is_ascii_hexdigit());
        if length > 2 {
            return if is_unsigned(length) {
                (TokenKind::Uint(slice(length)), length + 1)
            } else {
                (TokenKind::Int(slice(length)), length)
            };
        }
    }
    let whole = digits_at(0);
    let mut length = whole;
    if after(length).starts_with('.') && digits_at(length + 1) > 0 {
        length += 1 + digits_at(length + 1);
    }
    if after(length).starts_with(['e', 'E']) {
        let sign = usize::from(after(length + 1).starts_with(['+', '-']));
        let digits = digits_at(length + 1 + sign);
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    if length > whole {
        (TokenKind::Double(slice(length)), length)
    } else if is_unsigned(whole) {
        (TokenKind::Uint(slice(whole)), whole + 1)
    } else {
        (TokenKind::Int(slice(whole)), whole)
    }
}

/// How long the prefix of a string literal is: `b`, `r`, `br`.
fn quote_after_prefix(rest: &str) -> Option<usize> {
    let length = usize::from(rest.starts_with(['b', 'B']));
    let length = length + usize::from(rest.get(length..)?.starts_with(['r', 'R']));
    (length > 0 && rest.get(length..)?.starts_with(['"', '\''])).then_some(length)
}

/// A string or bytes literal whose quote stands after `prefix` letters.
fn quoted(rest: &str, prefix: usize, offset: usize) -> Result<(TokenKind<'_>, usize), SyntaxError> {
    let letters = rest.get(..prefix).unwrap_or_default();
    let is_bytes = letters.starts_with(['b', 'B']);
    let raw = letters.ends_with(['r', 'R']);
    let after = rest.get(prefix..).unwrap_or_default();
    let quote = after.get(..1).unwrap_or_default();
    let triple = quote.repeat(3);
    let unfinished = || SyntaxError::new(offset, "a text without its closing quote");
    let delimiter = if after.starts_with(&triple) { triple.as_str() } else { quote };
    let body = after.get(delimiter.len()..).unwrap_or_default();
    let length = body_length(body, delimiter, raw).ok_or_else(unfinished)?;
    let content = body.get(..length).unwrap_or_default();
    let kind = if is_bytes {
        TokenKind::Bytes(bytes(content, raw).map_err(|message| SyntaxError::new(offset, message))?)
    } else {
        TokenKind::String(text(content, raw).map_err(|message| SyntaxError::new(offset, message))?)
    };
    Ok((kind, prefix + delimiter.len() + length + delimiter.len()))
}

fn body_length(body: &str, delimiter: &str, raw: bool) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = 0;
    loop {
        if body.as_bytes().get(at..)?.starts_with(delimiter.as_bytes()) {
            return Some(at);
        }
        match bytes.get(at)? {
            b'\\' if !raw => at += 2,
            b'\n' | b'\r' if delimiter.len() == 1 => return None,
            _ => at += 1,
        }
    }
}
