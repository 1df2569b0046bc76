//! Sets of characters: `[a-z\d[:alpha:]]`, `\p{Greek}`.
//! Never leaves a character unescaped that only the other engine treats specially in a set.

use std::fmt::Write as _;

use super::{Translation, perl_class};

impl Translation<'_> {
    /// After `[`. Escapes characters that are special in a set only for the other engine.
    pub(super) fn class(&mut self) -> Option<()> {
        self.written.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.written.push('^');
        }
        let mut first = true;
        loop {
            let character = self.rest.next()?;
            if character == ']' && !first {
                self.written.push(']');
                return Some(());
            }
            first = false;
            if character == '[' && self.rest.peek() == Some(&':') {
                self.posix_class()?;
                continue;
            }
            if character == '\\' {
                let letter = *self.rest.peek()?;
                if let Some(class) = perl_class(letter) {
                    self.rest.next();
                    self.written.push_str(if letter.is_ascii_uppercase() { "[^" } else { "[" });
                    self.written.push_str(class);
                    self.written.push(']');
                    continue;
                }
                if letter == 'p' || letter == 'P' {
                    self.rest.next();
                    self.unicode_class(letter)?;
                    continue;
                }
            }
            let low = self.class_character(character)?;
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|end| end != ']');
            self.code_point(low);
            if is_range {
                self.rest.next();
                let character = self.rest.next()?;
                let high = self.class_character(character)?;
                if high < low {
                    return None;
                }
                self.written.push('-');
                self.code_point(high);
            }
        }
    }

    fn class_character(&mut self, character: char) -> Option<char> {
        if character != '\\' {
            return Some(character);
        }
        let letter = self.rest.next()?;
        self.character(letter)
    }

    pub(super) fn code_point(&mut self, character: char) {
        // Writing to a string does not fail.
        let _ = write!(self.written, "\\x{{{:X}}}", u32::from(character));
    }

    /// `[:alpha:]`, or a literal `[` if it is none.
    fn posix_class(&mut self) -> Option<()> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        let mut ahead = self.rest.clone();
        ahead.next();
        let text: String = ahead.by_ref().take_while(|next| *next != ':').take(9).collect();
        let name = text.strip_prefix('^').unwrap_or(&text);
        if ahead.next() != Some(']') {
            self.code_point('[');
            return Some(());
        }
        if !NAMES.contains(&name) {
            return None;
        }
        self.written.extend(["[:", &text, ":]"]);
        for _ in 0..text.chars().count() + 3 {
            self.rest.next();
        }
        Some(())
    }

    /// `\pL`, `\p{Greek}`, `\p{^Greek}`.
    pub(super) fn unicode_class(&mut self, letter: char) -> Option<()> {
        let first = self.rest.next()?;
        if first != '{' {
            self.written.extend(['\\', letter, first]);
            return first.is_ascii_uppercase().then_some(());
        }
        let negated = (letter == 'P') != self.rest.next_if_eq(&'^').is_some();
        self.written.push_str(if negated { "\\P{" } else { "\\p{" });
        loop {
            let character = self.rest.next()?;
            match character {
                '}' => {
                    self.written.push('}');
                    return Some(());
                }
                '_' => self.written.push(character),
                other if other.is_ascii_alphanumeric() => self.written.push(other),
                _ => return None,
            }
        }
    }
}
