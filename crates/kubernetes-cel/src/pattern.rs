//! Translates regular expressions in RE2's syntax for the engine that is used here.
//! Never changes their meaning: what RE2 refuses is refused, even if the other engine accepts it.

mod class;
mod search;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use self::search::Fault;
pub(crate) use self::search::{Matcher, Purpose};

/// The largest compiled literal pattern, in bytes: room for several thousand times `\\pL`. Go's
/// limit is 128 MiB, and counts a set of characters as one.
pub(crate) const SIZE: usize = 64 << 20;
/// The largest compiled pattern that was computed, also from values: it is compiled in every
/// evaluation.
pub(crate) const SIZE_OF_COMPUTED: usize = 64 << 10;
/// The most counted repetitions, as in RE2.
const REPETITIONS: u32 = 1000;

/// Compiled patterns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    compiled: Arc<HashMap<Box<str>, Arc<Matcher>>>,
}

impl Patterns {
    pub(crate) fn find(&self, pattern: &str, purpose: Purpose) -> Option<Arc<Matcher>> {
        self.compiled.get(pattern).filter(|matcher| matcher.serves(purpose)).cloned()
    }

    /// Compiles a pattern unless it is compiled already.
    pub(crate) fn add(
        &mut self,
        pattern: &str,
        size: usize,
        purpose: Purpose,
    ) -> Result<Arc<Matcher>, Fault> {
        if let Some(found) = self.find(pattern, purpose) {
            return Ok(found);
        }
        let translated = translate(pattern).ok_or(Fault::Syntax)?;
        let compiled = Arc::new(Matcher::new(&translated, size, purpose)?);
        Arc::make_mut(&mut self.compiled).insert(pattern.into(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// The same pattern for the other engine; `None` if RE2 refuses it.
fn translate(pattern: &str) -> Option<String> {
    let mut translation = Translation {
        rest: pattern.chars().peekable(),
        written: String::with_capacity(pattern.len()),
        repeatable: false,
        repeated: false,
        copies: 1,
        most_copies: Vec::new(),
    };
    while translation.rest.peek().is_some() {
        translation.piece()?;
    }
    Some(translation.written)
}

struct Translation<'p> {
    rest: Peekable<Chars<'p>>,
    written: String,
    /// Whether the previous piece can be repeated.
    repeatable: bool,
    /// Whether it is repeated already: `a**` is an error in RE2.
    repeated: bool,
    /// How often counted repetitions repeat the previous piece.
    copies: u32,
    /// The highest such count in each open group, the outermost first.
    most_copies: Vec<u32>,
}

const DIGIT: &str = "0-9";
const SPACE: &str = "\\t\\n\\x0C\\r ";
const WORD: &str = "0-9A-Za-z_";

/// What `\d`, `\s` and `\w` mean: ASCII only, unlike in the other engine.
fn perl_class(letter: char) -> Option<&'static str> {
    match letter.to_ascii_lowercase() {
        'd' => Some(DIGIT),
        's' => Some(SPACE),
        'w' => Some(WORD),
        _ => None,
    }
}

impl Translation<'_> {
    fn piece(&mut self) -> Option<()> {
        let character = self.rest.next()?;
        match character {
            '\\' => self.escape(),
            '[' => {
                self.class()?;
                self.atom();
                Some(())
            }
            '(' => self.group(),
            '*' | '+' | '?' => {
                self.written.push(character);
                self.repetition()
            }
            '{' => self.counted(),
            '|' => {
                self.written.push('|');
                self.repeatable = false;
                Some(())
            }
            ')' => {
                self.written.push(character);
                self.atom();
                self.copies = self.most_copies.pop().unwrap_or(1);
                self.count_copies();
                Some(())
            }
            '^' | '$' | '.' => {
                self.written.push(character);
                self.atom();
                Some(())
            }
            literal => {
                self.literal(literal);
                self.atom();
                Some(())
            }
        }
    }

    fn atom(&mut self) {
        self.repeatable = true;
        self.repeated = false;
        self.copies = 1;
    }

    fn count_copies(&mut self) {
        if let Some(most) = self.most_copies.last_mut() {
            *most = self.copies.max(*most);
        }
    }

    fn literal(&mut self, character: char) {
        if character.is_ascii_alphanumeric() || !character.is_ascii() {
            self.written.push(character);
        } else {
            self.code_point(character);
        }
    }

    /// After a repetition operator: fails without a piece to repeat; reads `?` of lazy repetitions.
    fn repetition(&mut self) -> Option<()> {
        if !self.repeatable || self.repeated {
            return None;
        }
        if self.rest.next_if_eq(&'?').is_some() {
            self.written.push('?');
        }
        self.repeated = true;
        Some(())
    }

    /// After `{`, which is a literal unless numbers and `}` follow.
    fn counted(&mut self) -> Option<()> {
        let mut ahead = self.rest.clone();
        let text: String = ahead.by_ref().take_while(|next| *next != '}').take(12).collect();
        let mut parts = text.splitn(2, ',');
        let number = |part: &str| {
            (!part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && (part.len() == 1 || !part.starts_with('0')))
            .then(|| part.parse::<u32>().unwrap_or(u32::MAX))
        };
        let least = parts.next().and_then(number);
        let most = match parts.next() {
            None => least,
            Some("") => Some(0),
            Some(part) => number(part),
        };
        let closed = self.rest.clone().nth(text.chars().count()) == Some('}');
        let (Some(least), Some(most), true) = (least, most, closed) else {
            self.literal('{');
            self.atom();
            return Some(());
        };
        let unbounded = text.ends_with(',');
        if least > REPETITIONS || most > REPETITIONS || (!unbounded && most < least) {
            return None;
        }
        // RE2 bounds repetitions within repetitions together; `{0}` makes no copies at all.
        self.copies = match least.max(most) {
            0 if !unbounded => 1,
            times => self.copies.saturating_mul(times.max(1)),
        };
        if self.copies > REPETITIONS {
            return None;
        }
        self.count_copies();
        self.written.push('{');
        self.written.push_str(&text);
        self.written.push('}');
        for _ in 0..=text.chars().count() {
            self.rest.next();
        }
        self.repetition()
    }

    /// After `(`: flags and names that both engines know.
    fn group(&mut self) -> Option<()> {
        self.written.push('(');
        self.most_copies.push(1);
        self.repeatable = false;
        self.repeated = false;
        if self.rest.next_if_eq(&'?').is_none() {
            return Some(());
        }
        let named = self.rest.next_if_eq(&'P').is_some();
        if self.rest.next_if_eq(&'<').is_some() {
            return self.name();
        }
        if named {
            return None;
        }
        self.written.push('?');
        self.flags()
    }

    /// After `(?`. A repeated flag is left out: the other engine refuses it.
    fn flags(&mut self) -> Option<()> {
        let mut start = self.written.len();
        loop {
            let flag = self.rest.next()?;
            match flag {
                'i' | 'm' | 's' | 'U' => {
                    if !self.written.get(start..)?.contains(flag) {
                        self.written.push(flag);
                    }
                }
                '-' => {
                    self.written.push(flag);
                    start = self.written.len();
                }
                ':' => {
                    self.written.push(flag);
                    return Some(());
                }
                ')' => {
                    self.written.push(flag);
                    self.most_copies.pop();
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// The name of a group, which is left out: RE2 accepts the same one twice, and nothing uses it.
    fn name(&mut self) -> Option<()> {
        let mut length = 0;
        loop {
            match self.rest.next()? {
                '>' => return (length > 0).then_some(()),
                character if character == '_' || character.is_ascii_alphanumeric() => length += 1,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let letter = self.rest.next()?;
        match letter {
            'Q' => {
                self.quoted();
                Some(())
            }
            'A' | 'z' => {
                self.written.push('\\');
                self.written.push(letter);
                self.atom();
                Some(())
            }
            'b' | 'B' => {
                self.written.push_str(if letter == 'b' { "(?-u:\\b)" } else { "(?-u:\\B)" });
                self.atom();
                Some(())
            }
            'p' | 'P' => {
                self.unicode_class(letter)?;
                self.atom();
                Some(())
            }
            letter => {
                if let Some(class) = perl_class(letter) {
                    self.written.push('[');
                    if letter.is_ascii_uppercase() {
                        self.written.push('^');
                    }
                    self.written.push_str(class);
                    self.written.push(']');
                } else {
                    let character = self.character(letter)?;
                    self.literal(character);
                }
                self.atom();
                Some(())
            }
        }
    }

    /// `\Q…\E`: literal text.
    fn quoted(&mut self) {
        while let Some(character) = self.rest.next() {
            if character == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(character);
            self.atom();
        }
    }

    /// The character of an escape that stands for one.
    fn character(&mut self, letter: char) -> Option<char> {
        match letter {
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            'x' => self.hexadecimal(),
            '0'..='7' => self.octal(letter),
            same if same.is_ascii() && !same.is_ascii_alphanumeric() => Some(same),
            _ => None,
        }
    }

    fn hexadecimal(&mut self) -> Option<char> {
        if self.rest.next_if_eq(&'{').is_some() {
            let mut value: u32 = 0;
            let mut digits = 0;
            loop {
                let character = self.rest.next()?;
                if character == '}' {
                    return (digits > 0).then(|| char::from_u32(value)).flatten();
                }
                value = value.checked_mul(16)?.checked_add(character.to_digit(16)?)?;
                digits += 1;
            }
        }
        let high = self.rest.next()?.to_digit(16)?;
        let low = self.rest.next()?.to_digit(16)?;
        char::from_u32(high * 16 + low)
    }

    /// `\0`, `\012`, `\123`; a single digit other than zero would be a reference.
    fn octal(&mut self, first: char) -> Option<char> {
        let is_octal = |next: &char| matches!(next, '0'..='7');
        if first != '0' && !self.rest.peek().is_some_and(is_octal) {
            return None;
        }
        let mut value = first.to_digit(8)?;
        for _ in 0..2 {
            let Some(digit) = self.rest.next_if(is_octal) else { break };
            value = value * 8 + digit.to_digit(8)?;
        }
        char::from_u32(value)
    }
}
