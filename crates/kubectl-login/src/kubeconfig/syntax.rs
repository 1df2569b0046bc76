//! Locates each key and value of a YAML (or JSON) text, in bytes.
//! Never interprets a value: `serde-saphyr` does.

use std::ops::Range;

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle,
};

/// Maximum nesting of mappings and sequences; kubeconfigs need eight.
const MAX_DEPTH: usize = 64;

/// A value and its position.
pub(super) struct Node {
    /// From its first byte to after its last, without properties (`&a`, `!t`), the indicator of a
    /// block scalar, the dash of a first item, and comments.
    pub(super) place: Range<usize>,
    pub(super) shape: Shape,
}

pub(super) enum Shape {
    Scalar { text: String, style: ScalarStyle },
    Alias,
    Sequence { style: StructureStyle, items: Vec<Node> },
    Mapping { style: StructureStyle, entries: Vec<(Node, Node)> },
}

impl Node {
    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, .. } => Some(text),
            Shape::Alias | Shape::Sequence { .. } | Shape::Mapping { .. } => None,
        }
    }
}

/// The text has no such tree: several documents, nesting too deep, or invalid YAML.
pub(super) struct NoTree;

/// Parses the only document of `text`; `None` if it has nothing but comments.
pub(super) fn tree(text: &str) -> Result<Option<Node>, NoTree> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut reader = Reader { events: Parser::new_from_str_with_options(text, options), text };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(root),
            (Event::DocumentStart(..), _) if root.is_some() => return Err(NoTree),
            (Event::DocumentStart(..), _) => {
                let (event, place) = reader.next()?;
                root = Some(reader.node(&event, place, 0)?).filter(|node| {
                    // A document without content is an empty plain scalar.
                    !node.place.is_empty()
                });
            }
            _ => {}
        }
    }
}

struct Reader<'t, Events> {
    events: Events,
    text: &'t str,
}

impl<'t, Events: Iterator<Item = Result<(Event<'t>, Span), ScanError>>> Reader<'t, Events> {
    fn next(&mut self) -> Result<(Event<'t>, Range<usize>), NoTree> {
        let Some(Ok((event, span))) = self.events.next() else { return Err(NoTree) };
        let start = span.start.byte_offset().ok_or(NoTree)?;
        let end = span.end.byte_offset().ok_or(NoTree)?.max(start);
        let fits = self.text.is_char_boundary(start) && self.text.is_char_boundary(end);
        if fits { Ok((event, start..end)) } else { Err(NoTree) }
    }

    fn node(
        &mut self,
        event: &Event<'t>,
        place: Range<usize>,
        depth: usize,
    ) -> Result<Node, NoTree> {
        if depth > MAX_DEPTH {
            return Err(NoTree);
        }
        match event {
            Event::Alias(_) => Ok(Node { place, shape: Shape::Alias }),
            Event::Scalar(text, style, ..) => {
                let place = trimmed(self.text, place, *style);
                Ok(Node { place, shape: Shape::Scalar { text: text.to_string(), style: *style } })
            }
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                let end = loop {
                    let (event, place) = self.next()?;
                    if event == Event::SequenceEnd {
                        break place.end;
                    }
                    items.push(self.node(&event, place, depth + 1)?);
                };
                let last = items.last().map(|item: &Node| item.place.end);
                let place = place.start..end_of(*style, end, last.unwrap_or(place.end));
                Ok(Node { place, shape: Shape::Sequence { style: *style, items } })
            }
            Event::MappingStart(style, ..) => {
                let mut entries = Vec::new();
                let end = loop {
                    let (event, place) = self.next()?;
                    if event == Event::MappingEnd {
                        break place.end;
                    }
                    let key = self.node(&event, place, depth + 1)?;
                    let (event, place) = self.next()?;
                    entries.push((key, self.node(&event, place, depth + 1)?));
                };
                let last = entries
                    .last()
                    .map(|(key, value): &(Node, Node)| value.place.end.max(key.place.end));
                let place = place.start..end_of(*style, end, last.unwrap_or(place.end));
                Ok(Node { place, shape: Shape::Mapping { style: *style, entries } })
            }
            _ => Err(NoTree),
        }
    }
}

/// A block ends with its last value: the parser reports its end where the next item begins.
fn end_of(style: StructureStyle, told: usize, last: usize) -> usize {
    match style {
        StructureStyle::Flow => told,
        StructureStyle::Block => last,
    }
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
                Shape::Scalar { .. } | Shape::Alias => {}
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
        walk(&tree(text).ok().unwrap().unwrap(), text, &mut found);
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
            assert!(tree(text).is_err(), "{text:?}");
        }
        for text in ["", "# only\n", "---\n", "---\n# x\n...\n"] {
            assert!(tree(text).is_ok_and(|root| root.is_none()), "{text:?}");
        }
    }
}
