//! YAML as a tree whose every node knows its line, duplicate keys included.
//! Never loses a key, never follows an include, never grows past `MAX_NODES`.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span};
use thiserror::Error;

/// A file may have this many bytes.
pub const MAX_LENGTH: usize = 1024 * 1024;
/// Mappings and sequences may nest this deep.
pub const MAX_DEPTH: usize = 32;
/// A file may have this many values after its aliases are expanded.
pub const MAX_NODES: usize = 100_000;

/// A value and the line it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Counted from 1.
    pub line: u64,
    /// The value.
    pub value: Value,
}

/// A YAML value. Plain scalars are read as Kubernetes reads them (YAML 1.1: `yes` is a boolean).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// The text of a number, as written.
    Number(String),
    /// A quoted scalar, a block scalar, or a plain one that is nothing of the above.
    Text(String),
    /// A list.
    Sequence(Vec<Located>),
    /// Entries in the order of the file; a key may occur twice.
    Mapping(Vec<Entry>),
}

/// One `key: value` of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The line of the key, counted from 1.
    pub line: u64,
    /// What follows the colon.
    pub value: Located,
}

/// The text is not one YAML document of the accepted subset; reading ended at this line.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct SyntaxFault {
    /// Counted from 1; none when the file as a whole is meant.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// Reads exactly one YAML (or JSON) document. An empty text is `Null`.
pub fn parse(text: &str) -> Result<Located, SyntaxFault> {
    if text.len() > MAX_LENGTH {
        let message = format!("the file is longer than {MAX_LENGTH} bytes");
        return Err(SyntaxFault { line: None, message });
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { events: parser, anchors: HashMap::new(), nodes: 0 };
    reader.document()
}

struct Reader<'t, Events: Iterator<Item = Result<(Event<'t>, Span), ScanError>>> {
    events: Events,
    /// Anchored values and how many nodes each has.
    anchors: HashMap<usize, (Located, usize)>,
    nodes: usize,
}

impl<'t, Events: Iterator<Item = Result<(Event<'t>, Span), ScanError>>> Reader<'t, Events> {
    fn next(&mut self) -> Result<(Event<'t>, u64), SyntaxFault> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, line_of(span.start.line()))),
            Some(Err(error)) => Err(fault(line_of(error.marker().line()), error.info())),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn document(&mut self) -> Result<Located, SyntaxFault> {
        let mut root = None;
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(fault(line, "a second YAML document begins here"));
                }
                Event::DocumentStart(..) => {
                    let (first, line) = self.next()?;
                    root = Some(self.node(first, line, 0)?);
                }
                _ => {}
            }
        }
        Ok(root.unwrap_or(Located { line: 1, value: Value::Null }))
    }

    fn node(&mut self, event: Event<'t>, line: u64, depth: usize) -> Result<Located, SyntaxFault> {
        self.count(1, line)?;
        if depth > MAX_DEPTH {
            return Err(fault(line, format!("nested deeper than {MAX_DEPTH}")));
        }
        let before = self.nodes;
        let (anchor, tagged, value) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let Some((target, size)) = known else {
                    return Err(fault(line, "an alias inside its own anchor"));
                };
                self.count(size, line)?;
                return Ok(Located { line, value: target.value });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = match style {
                    ScalarStyle::Plain => plain(&text),
                    _ => Value::Text(text.into_owned()),
                };
                (anchor, tag.is_some(), value)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, line, depth + 1)?);
                }
                (anchor, tag.is_some(), Value::Sequence(items))
            }
            Event::MappingStart(_, anchor, tag) => {
                let mut entries = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::MappingEnd {
                        break;
                    }
                    let Event::Scalar(key, ..) = event else {
                        return Err(fault(line, "a key must be a plain text"));
                    };
                    let key = key.into_owned();
                    let (event, value_line) = self.next()?;
                    let value = self.node(event, value_line, depth + 1)?;
                    entries.push(Entry { key, line, value });
                }
                (anchor, tag.is_some(), Value::Mapping(entries))
            }
            _ => return Err(fault(line, "a value is missing here")),
        };
        if tagged {
            return Err(fault(line, "tags (`!…`) are not supported"));
        }
        let located = Located { line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, (located.clone(), self.nodes - before + 1));
        }
        Ok(located)
    }

    fn count(&mut self, more: usize, line: u64) -> Result<(), SyntaxFault> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            return Err(fault(line, format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }
}

fn fault(line: u64, message: impl Into<String>) -> SyntaxFault {
    SyntaxFault { line: Some(line), message: message.into() }
}

fn line_of(line: usize) -> u64 {
    u64::try_from(line).unwrap_or(u64::MAX)
}

fn plain(text: &str) -> Value {
    let cased = |lower: &str| {
        text == lower || text == lower.to_ascii_uppercase() || {
            let (first, rest) = lower.split_at(1);
            text.strip_prefix(first.to_ascii_uppercase().as_str()) == Some(rest)
        }
    };
    if text.is_empty() || text == "~" || cased("null") {
        return Value::Null;
    }
    if ["true", "yes", "on", "y"].into_iter().any(cased) {
        return Value::Bool(true);
    }
    if ["false", "no", "off", "n"].into_iter().any(cased) {
        return Value::Bool(false);
    }
    if is_number(text) {
        return Value::Number(text.to_owned());
    }
    Value::Text(text.to_owned())
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let digits = unsigned.replace('_', "");
    if let Some((radix, rest)) = digits.split_at_checked(2) {
        let radix = match radix {
            "0x" => 16,
            "0o" => 8,
            "0b" => 2,
            _ => 0,
        };
        if radix != 0 {
            return !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix));
        }
    }
    let begins = digits.strip_prefix('.').unwrap_or(&digits);
    begins.starts_with(|first: char| first.is_ascii_digit()) && digits.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        parse(text).unwrap().value
    }

    fn fault_of(text: &str) -> (Option<u64>, String) {
        let fault = parse(text).unwrap_err();
        (fault.line, fault.message)
    }

    #[test]
    fn plain_scalars_are_read_as_kubernetes_reads_them() {
        for text in ["", "~", "null", "Null", "NULL", "# only a comment"] {
            assert_eq!(value(text), Value::Null, "{text}");
        }
        for (text, flag) in [("true", true), ("Yes", true), ("ON", true), ("off", false)] {
            assert_eq!(value(text), Value::Bool(flag), "{text}");
        }
        for text in ["1", "-2.5", "1e3", "0x1F", "0b1", "1_000", ".5", ".inf"] {
            assert_eq!(value(text), Value::Number(text.to_owned()), "{text}");
        }
        for text in ["nan", "inf", "1.2.3", "tRUE", "0xZZ", "e5", "https://a.example"] {
            assert_eq!(value(text), Value::Text(text.to_owned()), "{text}");
        }
        assert_eq!(value("'true'"), Value::Text("true".to_owned()));
        assert_eq!(value("\"1\""), Value::Text("1".to_owned()));
    }

    #[test]
    fn every_key_keeps_its_line_also_the_second_of_its_name() {
        let Value::Mapping(entries) = value("a: 1\n\n# note\nb:\n  - x\na: 2\n") else {
            panic!("a mapping was written");
        };
        let lines: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 4), ("a", 6)]);
    }

    #[test]
    fn json_is_yaml() {
        let Value::Mapping(entries) = value(r#"{"a": ["x", true, null, "\u0031"]}"#) else {
            panic!("a mapping was written");
        };
        assert_eq!(entries[0].key, "a");
        let Value::Sequence(items) = &entries[0].value.value else {
            panic!("a list was written");
        };
        let values: Vec<Value> = items.iter().map(|item| item.value.clone()).collect();
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(values, [text("x"), Value::Bool(true), Value::Null, text("1")]);
    }

    #[test]
    fn aliases_repeat_their_anchor_within_bounds() {
        assert_eq!(value("[&x a, *x]"), value("[a, a]"));
        let bomb: String = (1..12).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
            let alias = format!("*a{}", n - 1);
            format!("{text}a{n}: &a{n} [{}]\n", vec![alias; 9].join(", "))
        });
        assert_eq!(fault_of(&bomb).1, "more than 100000 values");
    }

    #[test]
    fn what_is_not_one_plain_document_ends_at_its_line() {
        assert_eq!(fault_of("a: 1\n---\nb: 2\n").1, "a second YAML document begins here");
        assert_eq!(
            fault_of("a: 1\nb: !x 2\n"),
            (Some(2), "tags (`!…`) are not supported".to_owned())
        );
        assert_eq!(fault_of("a: 1\nb: [1\n").0.map(|line| line >= 2), Some(true));
        assert_eq!(fault_of("a: b: c\n").0, Some(1));
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(fault_of(&nested(MAX_DEPTH + 2)).1, "nested deeper than 32");
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert_eq!(fault_of(&"x".repeat(MAX_LENGTH + 1)).0, None);
        assert_eq!(fault_of("? [a]\n: b\n").1, "a key must be a plain text");
    }
}
