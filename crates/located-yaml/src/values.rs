//! Gives the nodes of a tree the values that Kubernetes reads there, duplicate keys included.
//! Never drops a key, never follows an include, never exceeds `MAX_NODES`.
//!
//! `scalars` decides which plain texts are numbers and booleans, `tabs` which tabs are refused.

mod scalars;
mod tabs;

use std::collections::HashMap;

use serde_saphyr::granit_parser::{ScalarStyle, StructureStyle, Tag};

use crate::tree::{self, Node, Part, Shape, SyntaxFault, fault, number};

/// Maximum length of a file in bytes.
pub const MAX_LENGTH: usize = 1024 * 1024;
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
    let mut resolver = Resolver::of(text, max_length, max_nodes)?;
    let (mut root, mut next) = (Root::Other(NOTHING), 0..);
    let mut pass = |item| next.next().map_or((), |index| each(index, item));
    tree::parts(text, &mut |part| {
        match part {
            Part::List(line) => {
                resolver.count(1, line)?;
                root = Root::List(number(line));
            }
            Part::Item(item) => pass(resolver.top(&item)?),
            Part::Root(node) => {
                root = match resolver.top(&node)? {
                    Located { line, value: Value::Sequence(items), .. } => {
                        items.into_iter().for_each(&mut pass);
                        Root::List(line)
                    }
                    other => Root::Other(other),
                }
            }
        }
        Ok(())
    })?;
    resolver.finish()?;
    Ok(root)
}

/// The value of a text without any.
const NOTHING: Located = Located { line: 1, literal_line: None, value: Value::Null };

fn parse_within(text: &str, max_length: usize, max_nodes: usize) -> Result<Located, SyntaxFault> {
    let mut resolver = Resolver::of(text, max_length, max_nodes)?;
    let root = tree::tree(text, |root| resolver.top(&root))?;
    resolver.finish()?;
    Ok(root.unwrap_or(NOTHING))
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

/// Turns nodes into values, in the order of the text.
struct Resolver {
    /// Anchored values and their node counts.
    anchors: HashMap<usize, (Located, usize)>,
    nodes: usize,
    max_nodes: usize,
    /// The end of the text, if its last line has content and no newline.
    open_end: Option<usize>,
    tabs: tabs::Tabs,
}

/// Whether a value is inside brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Blocks,
    Brackets,
}

impl Resolver {
    /// Checks what concerns the whole text.
    fn of(text: &str, max_length: usize, max_nodes: usize) -> Result<Self, SyntaxFault> {
        if text.len() > max_length {
            let message = format!("the file is longer than {max_length} bytes");
            return Err(SyntaxFault { line: None, message });
        }
        // Kubernetes parses a text that begins with a brace as JSON, which lacks YAML's other
        // syntax.
        if text.trim_start().starts_with('{') {
            if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
                return Err(fault(error.line(), "begins with `{` and is not JSON"));
            }
        } else {
            refuse_yaml_1_1_only(text)?;
        }
        let has_open_end = text.split('\n').next_back().is_some_and(|line| !line.trim().is_empty());
        Ok(Self {
            anchors: HashMap::new(),
            nodes: 0,
            max_nodes,
            open_end: has_open_end.then_some(text.len()),
            tabs: tabs::Tabs::of(text),
        })
    }

    fn finish(self) -> Result<(), SyntaxFault> {
        match self.tabs.refused() {
            Some(line) => Err(fault(line, "begins with a tab, which does not indent in YAML")),
            None => Ok(()),
        }
    }

    /// The value of a root, or of an item of one.
    fn top(&mut self, node: &Node) -> Result<Located, SyntaxFault> {
        self.tabs.pass(node, Inside::Blocks);
        self.value(node, Inside::Blocks)
    }

    fn value(&mut self, node: &Node, inside: Inside) -> Result<Located, SyntaxFault> {
        let (line, _) = node.lines;
        self.count(1, line)?;
        let before = self.nodes;
        let mut literal_line = None;
        let value = match &node.shape {
            Shape::Alias(anchor) => {
                let known = self.anchors.get(anchor).cloned();
                let Some((target, size)) = known else {
                    return Err(fault(line, "an alias inside its own anchor"));
                };
                self.count(size, line)?;
                return Ok(Located { line: number(line), ..target });
            }
            Shape::Scalar { text, style } => {
                if *style == ScalarStyle::Literal {
                    // The event begins at the first non-empty line.
                    let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
                    literal_line = Some(number(line.saturating_sub(empty)));
                }
                check_plain(text, *style, inside, line)?;
                let is_text = node.tag.as_ref().is_some_and(|tag| is_core(tag, "str"));
                match style {
                    ScalarStyle::Plain if !is_text => scalars::plain(text),
                    _ => Value::Text(self.as_go_yaml_ends_it(node, text, *style).to_owned()),
                }
            }
            Shape::Sequence { style, items } => {
                let inside = within(*style, inside);
                let items = items.iter().map(|item| self.value(item, inside));
                Value::Sequence(items.collect::<Result<_, _>>()?)
            }
            Shape::Mapping { style, entries } => {
                self.mapping(entries, *style, within(*style, inside))?
            }
        };
        if let Some(tag) = &node.tag
            && !is_core(tag, core_tag(&value))
        {
            return Err(fault(line, "this tag (`!…`) is not supported here"));
        }
        if matches!(&value, Value::Number(text) if !scalars::is_finite(text)) {
            return Err(fault(line, "JSON, as which Kubernetes reads this, has no such number"));
        }
        let located = Located { line: number(line), literal_line, value };
        if let Some(anchor) = node.anchor {
            self.anchors.insert(anchor, (located.clone(), self.nodes - before + 1));
        }
        Ok(located)
    }

    fn mapping(
        &mut self,
        nodes: &[(Node, Node)],
        style: StructureStyle,
        inside: Inside,
    ) -> Result<Value, SyntaxFault> {
        let mut entries = Vec::new();
        for (key, value) in nodes {
            let (line, last_line) = key.lines;
            let Shape::Scalar { text, style: key_style } = &key.shape else {
                return Err(fault(line, "a key must be a text"));
            };
            check_plain(text, *key_style, inside, line)?;
            if line != last_line {
                return Err(fault(line, "a key must end in the line where it begins"));
            }
            let is_text = match &key.tag {
                None if *key_style == ScalarStyle::Plain => {
                    matches!(scalars::plain(text), Value::Text(_))
                }
                None => true,
                Some(tag) => is_core(tag, "str"),
            };
            if !is_text {
                return Err(fault(line, "a key must be a text; quote it to make it one"));
            }
            if style == StructureStyle::Flow && value.is_empty() {
                return Err(fault(line, "in brackets, a key must have a value"));
            }
            let value = self.value(value, inside)?;
            if text == "<<" && *key_style == ScalarStyle::Plain {
                merge(value, line, &mut entries)?;
            } else {
                entries.push(Entry { key: text.clone(), line: number(line), value });
            }
        }
        Ok(Value::Mapping(entries))
    }

    /// At the end of a file, go-yaml adds no newline to a block whose last line has none.
    fn as_go_yaml_ends_it<'t>(&self, node: &Node, text: &'t str, style: ScalarStyle) -> &'t str {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        match text.strip_suffix('\n') {
            Some(shorter) if is_block && Some(node.place.end) == self.open_end => shorter,
            _ => text,
        }
    }

    fn count(&mut self, more: usize, line: usize) -> Result<(), SyntaxFault> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > self.max_nodes {
            return Err(fault(line, format!("more than {} values", self.max_nodes)));
        }
        Ok(())
    }
}

fn within(style: StructureStyle, outside: Inside) -> Inside {
    match style {
        StructureStyle::Flow => Inside::Brackets,
        StructureStyle::Block => outside,
    }
}

/// In brackets, YAML 1.1 reads any question mark as the start of a key, and no text may begin with
/// a colon.
fn check_plain(
    text: &str,
    style: ScalarStyle,
    inside: Inside,
    line: usize,
) -> Result<(), SyntaxFault> {
    let is_odd = text.contains('?') || text.starts_with(':');
    if inside == Inside::Brackets && style == ScalarStyle::Plain && is_odd {
        let message = "in brackets, a text with a question mark, or with a colon at its begin, \
                       must be quoted";
        return Err(fault(line, message));
    }
    Ok(())
}

/// YAML 1.1 merge keys. A key that is both merged and written is a duplicate, as in Kubernetes.
fn merge(value: Located, line: usize, entries: &mut Vec<Entry>) -> Result<(), SyntaxFault> {
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
