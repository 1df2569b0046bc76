//! Parses YAML into a tree whose nodes know their lines, duplicate keys included.
//! Never drops a key, never follows an include, never exceeds `MAX_NODES`.
//!
//! `scalars` decides which plain texts are numbers and booleans, `tabs` which tabs are refused.

mod scalars;
mod tabs;

use std::{borrow::Cow, collections::HashMap};

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};
use thiserror::Error;

/// Maximum length of a file in bytes.
pub const MAX_LENGTH: usize = 1024 * 1024;
/// Maximum nesting of mappings and sequences.
pub const MAX_DEPTH: usize = 32;
/// Maximum number of values in a file after aliases are expanded.
pub const MAX_NODES: usize = 100_000;

/// A value and its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Line number, from 1.
    pub line: u64,
    /// The first line of a literal block (`|`), whose lines are verbatim lines of the file; `None`
    /// for other styles.
    pub literal_line: Option<u64>,
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
    /// A quoted scalar, a block scalar, or any other plain one.
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
    /// The value after the colon.
    pub value: Located,
}

/// The text is not one YAML document of the accepted subset; parsing stopped at this line.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct SyntaxFault {
    /// Line number, from 1; `None` for the whole file.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// Parses exactly one YAML (or JSON) document. An empty text is `Null`.
pub fn parse(text: &str) -> Result<Located, SyntaxFault> {
    parse_within(text, MAX_LENGTH, MAX_NODES)
}

/// The root of a file that should be a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// A list, and its first line.
    List(u64),
    /// Another type.
    Other(Located),
}

/// Like [`parse`], for longer lists: passes each item with its index to `each` and then drops it.
pub fn items_within(
    text: &str,
    max_length: usize,
    max_nodes: usize,
    each: &mut dyn FnMut(usize, Located),
) -> Result<Root, SyntaxFault> {
    reader(text, max_length, max_nodes, |reader| reader.list(each))
}

fn parse_within(text: &str, max_length: usize, max_nodes: usize) -> Result<Located, SyntaxFault> {
    reader(text, max_length, max_nodes, Reader::document)
}

fn reader<'t, T>(
    text: &'t str,
    max_length: usize,
    max_nodes: usize,
    read: impl FnOnce(&mut Reader<'t, Parser<'t, StrInput<'t>>>) -> Result<T, SyntaxFault>,
) -> Result<T, SyntaxFault> {
    if text.len() > max_length {
        let message = format!("the file is longer than {max_length} bytes");
        return Err(SyntaxFault { line: None, message });
    }
    // Kubernetes parses a text that begins with a brace as JSON, which lacks YAML's other syntax.
    if text.trim_start().starts_with('{') {
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
            let line = u64::try_from(error.line()).ok();
            let message = "begins with `{` and is not JSON".to_owned();
            return Err(SyntaxFault { line, message });
        }
    } else {
        refuse_yaml_1_1_only(text)?;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_anchor_events = true;
    let parser = Parser::new_from_str_with_options(text, options);
    let tabs = tabs::Tabs::of(text);
    let has_open_end = text.split('\n').next_back().is_some_and(|line| !line.trim().is_empty());
    let mut reader = Reader {
        events: parser,
        anchors: HashMap::new(),
        nodes: 0,
        max_nodes,
        flows: 0,
        last: Span::default(),
        open_end: has_open_end.then(|| text.chars().count()),
        tabs,
    };
    let read = read(&mut reader)?;
    match reader.tabs.refused() {
        Some(line) => Err(fault(line_of(line), "begins with a tab, which does not indent in YAML")),
        None => Ok(read),
    }
}

/// Refuses what go-yaml, the YAML parser of Kubernetes, reads differently from our parser.
fn refuse_yaml_1_1_only(text: &str) -> Result<(), SyntaxFault> {
    let mut has_begun = false;
    // One byte order mark may come first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (content, number) in text.split('\n').zip(1..) {
        if !has_begun && content.starts_with("...") {
            return Err(fault(number, "ends a document that has not begun"));
        }
        has_begun |= !content.trim().is_empty() && !content.trim().starts_with('#');
        if content.contains('\u{feff}') {
            return Err(fault(number, "has a byte order mark, which may only begin a file"));
        }
        if content.starts_with('%') {
            return Err(fault(number, "directives (`%…`) are not supported here"));
        }
        if let Some(found) =
            content.chars().find(|c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))
        {
            let code = u32::from(found);
            let message = format!(
                "U+{code:04X} ends a line in YAML 1.1 and nowhere else; write \
                 `\\u{code:04x}` in double quotes"
            );
            return Err(fault(number, message));
        }
    }
    Ok(())
}

struct Reader<'t, Events: Iterator<Item = Result<(Event<'t>, Span), ScanError>>> {
    events: Events,
    /// Anchored values and their node counts.
    anchors: HashMap<usize, (Located, usize)>,
    nodes: usize,
    max_nodes: usize,
    /// The number of open brackets.
    flows: usize,
    /// The position of the last event.
    last: Span,
    /// The end of the text, if its last line has content and no newline.
    open_end: Option<usize>,
    tabs: tabs::Tabs,
}

impl<'t, Events: Iterator<Item = Result<(Event<'t>, Span), ScanError>>> Reader<'t, Events> {
    fn next(&mut self) -> Result<(Event<'t>, u64), SyntaxFault> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Anchor(_, name), span))) => {
                    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    if !name.chars().all(is_known) {
                        let message = "an anchor has letters, digits, `_` and `-` only in its name";
                        return Err(fault(line_of(span.start.line()), message));
                    }
                }
                Some(Ok((event, span))) => {
                    self.tabs.pass(&event, span);
                    self.last = span;
                    return Ok((event, line_of(span.start.line())));
                }
                Some(Err(error)) => {
                    return Err(fault(line_of(error.marker().line()), error.info()));
                }
                None => return Ok((Event::StreamEnd, 0)),
            }
        }
    }

    fn document(&mut self) -> Result<Located, SyntaxFault> {
        let root = self.only(|reader, first, begin| reader.node(first, begin, 0))?;
        Ok(root.unwrap_or(Located { line: 1, literal_line: None, value: Value::Null }))
    }

    fn list(&mut self, each: &mut dyn FnMut(usize, Located)) -> Result<Root, SyntaxFault> {
        let root = self.only(|reader, first, begin| match first {
            Event::SequenceStart(_, 0, None) => {
                reader.count(1, begin)?;
                let mut index = 0;
                loop {
                    let (event, line) = reader.next()?;
                    if event == Event::SequenceEnd {
                        return Ok(Root::List(begin));
                    }
                    each(index, reader.node(event, line, 1)?);
                    index += 1;
                }
            }
            // With an anchor or a tag it can only be a short list.
            other => reader.node(other, begin, 0).map(|root| match root.value {
                Value::Sequence(items) => {
                    items.into_iter().enumerate().for_each(|(index, item)| each(index, item));
                    Root::List(root.line)
                }
                _ => Root::Other(root),
            }),
        })?;
        let nothing = Located { line: 1, literal_line: None, value: Value::Null };
        Ok(root.unwrap_or(Root::Other(nothing)))
    }

    /// Applies `read` to the first document, if there is one; refuses another with content.
    fn only<T>(
        &mut self,
        read: impl FnOnce(&mut Self, Event<'t>, u64) -> Result<T, SyntaxFault>,
    ) -> Result<Option<T>, SyntaxFault> {
        let (mut root, mut read) = (None, Some(read));
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(..) => {
                    let (first, begin) = self.next()?;
                    if let Some(read) = read.take() {
                        root = Some(read(self, first, begin)?);
                    } else if self.node(first, begin, 0)?.value != Value::Null {
                        // Kubernetes would silently ignore it.
                        return Err(fault(line, "a second YAML document begins here"));
                    }
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'t>, line: u64, depth: usize) -> Result<Located, SyntaxFault> {
        self.count(1, line)?;
        if depth > MAX_DEPTH {
            return Err(fault(line, format!("nested deeper than {MAX_DEPTH}")));
        }
        let before = self.nodes;
        let mut literal_line = None;
        let (anchor, tag, value) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let Some((target, size)) = known else {
                    return Err(fault(line, "an alias inside its own anchor"));
                };
                self.count(size, line)?;
                return Ok(Located { line, ..target });
            }
            Event::Scalar(text, style, anchor, tag) => {
                if style == ScalarStyle::Literal {
                    // The event begins at the first non-empty line.
                    let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
                    literal_line = Some(line.saturating_sub(line_of(empty)));
                }
                let is_text = tag.as_ref().is_some_and(|tag| is_core(tag, "str"));
                self.check_plain(&text, style, line)?;
                let text = self.as_go_yaml_ends_it(text, style);
                let value = match style {
                    ScalarStyle::Plain if !is_text => scalars::plain(&text),
                    _ => Value::Text(text.into_owned()),
                };
                (anchor, tag, value)
            }
            Event::SequenceStart(style, anchor, tag) => {
                let mut items = Vec::new();
                self.flows += usize::from(style == StructureStyle::Flow);
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, line, depth + 1)?);
                }
                self.flows -= usize::from(style == StructureStyle::Flow);
                (anchor, tag, Value::Sequence(items))
            }
            Event::MappingStart(flow, anchor, tag) => {
                let mut entries = Vec::new();
                self.flows += usize::from(flow == StructureStyle::Flow);
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::MappingEnd {
                        break;
                    }
                    let Event::Scalar(key, style, _, tag) = event else {
                        return Err(fault(line, "a key must be a text"));
                    };
                    self.check_plain(&key, style, line)?;
                    if self.last.start.line() != self.last.end.line() {
                        return Err(fault(line, "a key must end in the line where it begins"));
                    }
                    let is_text = match &tag {
                        None if style == ScalarStyle::Plain => {
                            matches!(scalars::plain(&key), Value::Text(_))
                        }
                        None => true,
                        Some(tag) => is_core(tag, "str"),
                    };
                    if !is_text {
                        return Err(fault(line, "a key must be a text; quote it to make it one"));
                    }
                    let key = key.into_owned();
                    let (event, value_line) = self.next()?;
                    let is_left_out = self.last.start.index() == self.last.end.index();
                    if flow == StructureStyle::Flow
                        && is_left_out
                        && matches!(event, Event::Scalar(..))
                    {
                        return Err(fault(line, "in brackets, a key must have a value"));
                    }
                    let value = self.node(event, value_line, depth + 1)?;
                    if key == "<<" && style == ScalarStyle::Plain {
                        merge(value, line, &mut entries)?;
                    } else {
                        entries.push(Entry { key, line, value });
                    }
                }
                self.flows -= usize::from(flow == StructureStyle::Flow);
                (anchor, tag, Value::Mapping(entries))
            }
            _ => return Err(fault(line, "a value is missing here")),
        };
        if let Some(tag) = tag
            && !is_core(&tag, core_tag(&value))
        {
            return Err(fault(line, "this tag (`!…`) is not supported here"));
        }
        if matches!(&value, Value::Number(text) if !scalars::is_finite(text)) {
            return Err(fault(line, "JSON, as which Kubernetes reads this, has no such number"));
        }
        let located = Located { line, literal_line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, (located.clone(), self.nodes - before + 1));
        }
        Ok(located)
    }

    /// At the end of a file, go-yaml adds no newline to a block whose last line has none.
    fn as_go_yaml_ends_it(&self, text: Cow<'t, str>, style: ScalarStyle) -> Cow<'t, str> {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        match text.strip_suffix('\n') {
            Some(shorter) if is_block && Some(self.last.end.index()) == self.open_end => {
                shorter.to_owned().into()
            }
            _ => text,
        }
    }

    /// In brackets, YAML 1.1 reads any question mark as the start of a key, and no text may begin
    /// with a colon.
    fn check_plain(&self, text: &str, style: ScalarStyle, line: u64) -> Result<(), SyntaxFault> {
        let is_odd = text.contains('?') || text.starts_with(':');
        if self.flows > 0 && style == ScalarStyle::Plain && is_odd {
            let message = "in brackets, a text with a question mark, or with a colon at its begin, \
                           must be quoted";
            return Err(fault(line, message));
        }
        Ok(())
    }

    fn count(&mut self, more: usize, line: u64) -> Result<(), SyntaxFault> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > self.max_nodes {
            return Err(fault(line, format!("more than {} values", self.max_nodes)));
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

/// YAML 1.1 merge keys. A key that is both merged and written is a duplicate, as in Kubernetes.
fn merge(value: Located, line: u64, entries: &mut Vec<Entry>) -> Result<(), SyntaxFault> {
    let sources = match value.value {
        Value::Sequence(items) => items,
        _ => vec![value],
    };
    for source in sources {
        let Value::Mapping(merged) = source.value else {
            return Err(fault(line, "what is merged by `<<` must be a mapping, or a list of them"));
        };
        entries.extend(merged);
    }
    Ok(())
}

fn is_core(tag: &Tag, name: &str) -> bool {
    tag.handle() == "tag:yaml.org,2002:" && tag.suffix() == name
}

/// The tag that `value` has by default.
fn core_tag(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(text) if text.parse::<i64>().is_ok() => "int",
        Value::Number(_) => "float",
        Value::Text(_) => "str",
        Value::Sequence(_) => "seq",
        Value::Mapping(_) => "map",
    }
}

#[cfg(test)]
mod tests;
