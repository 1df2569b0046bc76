//! Parses a YAML (or JSON) text into a tree whose nodes know their bytes and lines.
//! Never interprets a value: `values` does.

use std::{borrow::Cow, ops::Range};

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};
use thiserror::Error;

/// Maximum nesting of mappings and sequences.
pub const MAX_DEPTH: usize = 32;

/// The text is not one YAML document of the accepted subset; parsing stopped at this line.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct SyntaxFault {
    /// Line number, from 1; `None` for the whole file.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// A fault in one line.
pub(crate) fn fault(line: usize, message: impl Into<String>) -> SyntaxFault {
    SyntaxFault { line: Some(number(line)), message: message.into() }
}

/// A line as this crate's callers count it.
pub(crate) fn number(line: usize) -> u64 {
    u64::try_from(line).unwrap_or(u64::MAX)
}

/// A value and its position.
pub(crate) struct Node {
    /// Its bytes, from its first to after its last, without properties (`&a`, `!t`), the indicator
    /// of a block scalar, the dash of a first item, and comments.
    pub(crate) place: Range<usize>,
    /// The lines where it begins and where the parser sees its end, counted from 1.
    pub(crate) lines: (usize, usize),
    /// The number of its anchor (`&a`), if it has one.
    pub(crate) anchor: Option<usize>,
    /// Its tag (`!t`), if it has one.
    pub(crate) tag: Option<Tag>,
    pub(crate) shape: Shape,
}

pub(crate) enum Shape {
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    /// `*a`, with the number of the anchor.
    Alias(usize),
    Sequence {
        style: StructureStyle,
        items: Vec<Node>,
    },
    Mapping {
        style: StructureStyle,
        entries: Vec<(Node, Node)>,
    },
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, .. } => Some(text),
            Shape::Alias(_) | Shape::Sequence { .. } | Shape::Mapping { .. } => None,
        }
    }

    /// Whether it is an empty scalar, such as after `key:`.
    pub(crate) fn is_empty(&self) -> bool {
        self.place.is_empty() && matches!(self.shape, Shape::Scalar { .. })
    }

    /// Whether nothing was written here, not even a tag.
    fn is_left_out(&self) -> bool {
        self.is_empty() && self.tag.is_none()
    }
}

/// Parses the only document of `text` with content, and passes its root to `read` before it looks
/// behind it; `None` if there is nothing but comments.
pub(crate) fn tree<T>(
    text: &str,
    read: impl FnOnce(Node) -> Result<T, SyntaxFault>,
) -> Result<Option<T>, SyntaxFault> {
    let mut root = None;
    only_document(text, |reader, first| {
        let node = reader.node(first, 0)?;
        root = if node.is_left_out() { None } else { Some(read(node)?) };
        Ok(())
    })?;
    Ok(root)
}

/// A part of a text whose root should be a list.
pub(crate) enum Part {
    /// The list begins in this line.
    List(usize),
    /// Its next item.
    Item(Node),
    /// A root that is no list, or a list with an anchor or a tag, whole.
    Root(Node),
}

/// Like [`tree`], for long lists: passes each part to `each` as soon as it is read.
pub(crate) fn parts(
    text: &str,
    each: &mut dyn FnMut(Part) -> Result<(), SyntaxFault>,
) -> Result<(), SyntaxFault> {
    only_document(text, |reader, first| {
        if !matches!(first.0, Event::SequenceStart(_, 0, None)) {
            let node = reader.node(first, 0)?;
            return if node.is_left_out() { Ok(()) } else { each(Part::Root(node)) };
        }
        each(Part::List(first.1.start.line()))?;
        loop {
            let item = reader.next()?;
            if item.0 == Event::SequenceEnd {
                return Ok(());
            }
            each(Part::Item(reader.node(item, 1)?))?;
        }
    })
}

/// The text up to the end of its first document, or all of it if that cannot be found.
pub(crate) fn first_document(text: &str) -> &str {
    let events = Parser::new_from_str_with_options(text, Options::default());
    let end = events.map_while(Result::ok).find_map(|(event, span)| {
        (event == Event::DocumentEnd).then(|| span.start.byte_offset()).flatten()
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

type Found<'t> = (Event<'t>, Span);

/// Calls `read` with the first event of the first document; refuses another one with content, which
/// Kubernetes would silently ignore.
fn only_document<'t>(
    text: &'t str,
    read: impl FnOnce(&mut Reader<'t>, Found<'t>) -> Result<(), SyntaxFault>,
) -> Result<(), SyntaxFault> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_anchor_events = true;
    let mut reader = Reader { events: Parser::new_from_str_with_options(text, options), text };
    let mut read = Some(read);
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(()),
            Event::DocumentStart(..) => {
                let first = reader.next()?;
                if let Some(read) = read.take() {
                    read(&mut reader, first)?;
                } else if !reader.node(first, 0)?.is_left_out() {
                    return Err(fault(span.start.line(), "a second YAML document begins here"));
                }
            }
            _ => {}
        }
    }
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    text: &'t str,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Found<'t>, SyntaxFault> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Anchor(_, name), span))) => {
                    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    if !name.chars().all(is_known) {
                        let message = "an anchor has letters, digits, `_` and `-` only in its name";
                        return Err(fault(span.start.line(), message));
                    }
                }
                Some(Ok(found)) => return Ok(found),
                Some(Err(error)) => return Err(scan_fault(&error)),
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    /// The nodes up to the event that ends their collection, and the place of that event.
    fn nodes(&mut self, end: &Event<'t>, depth: usize) -> Result<(Vec<Node>, Span), SyntaxFault> {
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == *end {
                return Ok((nodes, span));
            }
            nodes.push(self.node((event, span), depth)?);
        }
    }

    fn node(&mut self, (event, span): Found<'t>, depth: usize) -> Result<Node, SyntaxFault> {
        let line = span.start.line();
        if depth > MAX_DEPTH {
            return Err(fault(line, format!("nested deeper than {MAX_DEPTH}")));
        }
        let (begin, mut end_line) = (self.bytes(span, line)?, span.end.line());
        let (place, anchor, tag, shape) = match event {
            Event::Alias(anchor) => (begin, 0, None, Shape::Alias(anchor)),
            Event::Scalar(text, style, anchor, tag) => {
                let place = trimmed(self.text, begin, style);
                (place, anchor, tag, Shape::Scalar { text: text.into_owned(), style })
            }
            Event::SequenceStart(style, anchor, tag) => {
                let (items, end) = self.nodes(&Event::SequenceEnd, depth + 1)?;
                end_line = end.end.line();
                let place = begin.start..self.end_of(style, &items, end, begin.end)?;
                (place, anchor, tag, Shape::Sequence { style, items })
            }
            Event::MappingStart(style, anchor, tag) => {
                let (nodes, end) = self.nodes(&Event::MappingEnd, depth + 1)?;
                end_line = end.end.line();
                let place = begin.start..self.end_of(style, &nodes, end, begin.end)?;
                let mut nodes = nodes.into_iter();
                let pair = || Some((nodes.next()?, nodes.next()?));
                let entries = std::iter::from_fn(pair).collect();
                (place, anchor, tag, Shape::Mapping { style, entries })
            }
            _ => return Err(fault(line, "a value is missing here")),
        };
        let anchor = Some(anchor).filter(|anchor| *anchor != 0);
        Ok(Node { place, lines: (line, end_line), anchor, tag: tag.map(Cow::into_owned), shape })
    }

    fn bytes(&self, span: Span, line: usize) -> Result<Range<usize>, SyntaxFault> {
        let range = span.start.byte_offset().zip(span.end.byte_offset());
        range
            .map(|(start, end)| start..end.max(start))
            .filter(|place| self.text.get(place.clone()).is_some())
            .ok_or_else(|| fault(line, "its place in the text is not known"))
    }

    /// A block ends with its last node: the parser reports its end where the next item begins.
    fn end_of(
        &self,
        style: StructureStyle,
        nodes: &[Node],
        end: Span,
        begin: usize,
    ) -> Result<usize, SyntaxFault> {
        match style {
            StructureStyle::Flow => Ok(self.bytes(end, end.start.line())?.end),
            // Not that of the last one: the place of an empty value may be before its key.
            StructureStyle::Block => {
                Ok(nodes.iter().map(|node| node.place.end).max().unwrap_or(begin))
            }
        }
    }
}

fn scan_fault(error: &ScanError) -> SyntaxFault {
    fault(error.marker().line(), error.info())
}

/// The range without trailing white space, which is content in block scalars only.
fn trimmed(text: &str, place: Range<usize>, style: ScalarStyle) -> Range<usize> {
    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
        return place;
    }
    let content = text.get(place.clone()).unwrap_or_default().trim_end();
    place.start..place.start + content.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every node's text, outermost first.
    fn places(text: &str) -> Vec<&str> {
        fn walk<'t>(node: &Node, text: &'t str, found: &mut Vec<&'t str>) {
            found.push(&text[node.place.clone()]);
            match &node.shape {
                Shape::Scalar { .. } | Shape::Alias(_) => {}
                Shape::Sequence { items, .. } => {
                    for item in items {
                        walk(item, text, found);
                    }
                }
                Shape::Mapping { entries, .. } => {
                    for (key, value) in entries {
                        walk(key, text, found);
                        walk(value, text, found);
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(&tree(text, Ok).unwrap().unwrap(), text, &mut found);
        found
    }

    #[test]
    fn every_node_knows_its_bytes() {
        assert_eq!(
            places("a: ü  # c\nb:\n- x\n- {k: 'v'}  # d\n\n# e\n"),
            [
                "a: ü  # c\nb:\n- x\n- {k: 'v'}",
                "a",
                "ü",
                "b",
                "x\n- {k: 'v'}",
                "x",
                "{k: 'v'}",
                "k",
                "'v'"
            ]
        );
        assert_eq!(places("{\"a\":[1,\r\n \"é\"]}\r\n")[2..], ["[1,\r\n \"é\"]", "1", "\"é\""]);
        assert_eq!(places("k: |\n  a\n  b\nl: 1\n")[2], "a\n  b\n");
        assert_eq!(places("k:\nl: 1\n")[2], "");
        assert_eq!(places("k: &a x\nl: *a\n")[1..], ["k", "x", "l", "*a"]);
    }

    #[test]
    fn what_is_not_one_document_has_no_tree() {
        for text in ["a: 1\n---\nb: 2\n", "a: [\n", "\t- x: {\n"] {
            assert!(tree(text, Ok).is_err(), "{text:?}");
        }
        for text in ["", "# only\n", "---\n", "---\n# x\n...\n"] {
            assert!(tree(text, Ok).is_ok_and(|root| root.is_none()), "{text:?}");
        }
    }
}
