//! Edits a YAML text in place and changes no byte that need not change: comments, order, quoting
//! and line ends stay.
//! Never trusted: the caller parses the new text and compares it.

use std::ops::Range;

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{ScalarStyle, StructureStyle};

use crate::{
    tree::{Node, Shape, tree},
    write::{self, Syntax},
};

/// A mapping at this depth or deeper (an item of `users` is 2) may have a value replaced as a
/// whole. Further up, that would lose comments on other entries.
const REPLACED_FROM: usize = 2;

/// The text cannot be changed in place.
#[derive(Debug)]
pub struct Unwritable;

/// Changes `text`, whose value is `old`, so that its value is `new`.
pub fn splice(text: &str, old: &Value, new: &Value) -> Result<String, Unwritable> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let Some(root) = tree(text, Ok).map_err(|_| Unwritable)? else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
        return Ok(format!("{text}{gap}{}{newline}", write::block(new, 0, newline)));
    };
    let is_json = matches!(&root.shape, Shape::Mapping { style: StructureStyle::Flow, entries }
        if entries.first().is_some_and(|(key, _)| is_double_quoted(key)));
    let syntax = if is_json { Syntax::Json } else { Syntax::Yaml };
    let mut writer = Writer { text, newline, syntax, cuts: Vec::new() };
    match &root.shape {
        Shape::Mapping { entries, .. } if entries.is_empty() => {
            writer.cut(root.place.clone(), write::block(new, 0, newline));
        }
        _ => writer.value(&root, old, new, 0)?,
    }
    writer.finish()
}

struct Writer<'t> {
    text: &'t str,
    newline: &'static str,
    syntax: Syntax,
    /// Byte ranges and their replacements.
    cuts: Vec<(Range<usize>, String)>,
}

impl Writer<'_> {
    fn cut(&mut self, place: Range<usize>, replacement: String) {
        self.cuts.push((place, replacement));
    }

    fn finish(mut self) -> Result<String, Unwritable> {
        self.cuts.sort_by_key(|(place, _)| (place.start, place.end));
        let (mut result, mut done) = (String::with_capacity(self.text.len() + 512), 0);
        for (place, replacement) in &self.cuts {
            result.push_str(self.text.get(done..place.start).ok_or(Unwritable)?);
            result.push_str(replacement);
            done = place.end;
        }
        result.push_str(self.text.get(done..).ok_or(Unwritable)?);
        Ok(result)
    }

    fn value(
        &mut self,
        node: &Node,
        old: &Value,
        new: &Value,
        depth: usize,
    ) -> Result<(), Unwritable> {
        if old == new {
            return Ok(());
        }
        match (&node.shape, old, new) {
            (Shape::Mapping { style, entries }, Value::Object(old), Value::Object(new)) => {
                self.mapping(*style, entries, (old, new), depth)
            }
            (Shape::Sequence { style, items }, Value::Array(old), Value::Array(new)) => {
                self.sequence(*style, items, (old, new), depth)
            }
            (Shape::Scalar { style, .. }, _, _)
                if write::is_inline(new) && !node.place.is_empty() =>
            {
                let replacement = match (style, new) {
                    (ScalarStyle::DoubleQuoted, Value::String(_)) => write::flow(new, Syntax::Json),
                    (ScalarStyle::SingleQuoted, Value::String(text))
                        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) =>
                    {
                        format!("'{}'", text.replace('\'', "''"))
                    }
                    (ScalarStyle::Literal | ScalarStyle::Folded, _) => return Err(Unwritable),
                    _ => write::flow(new, self.syntax),
                };
                self.cut(node.place.clone(), replacement);
                Ok(())
            }
            _ => Err(Unwritable),
        }
    }

    // --- mappings -----------------------------------------------------------------------------

    fn mapping(
        &mut self,
        style: StructureStyle,
        entries: &[(Node, Node)],
        (old, new): (&Map<String, Value>, &Map<String, Value>),
        depth: usize,
    ) -> Result<(), Unwritable> {
        let mut last_kept = None;
        // A merge key brings in the keys of another mapping; keys beside it override them.
        let is_merging = entries.iter().any(|(key, _)| is_merge_key(key));
        if !is_merging && entries.len() != old.len() {
            return Err(Unwritable);
        }
        let is_merged =
            |name: &str| is_merging && !entries.iter().any(|(key, _)| key.text() == Some(name));
        if old.keys().any(|name| is_merged(name) && !new.contains_key(name)) {
            return Err(Unwritable);
        }
        for (index, (key, value)) in entries.iter().enumerate() {
            if is_merge_key(key) {
                last_kept = Some((key, value));
                continue;
            }
            let name = key.text().ok_or(Unwritable)?;
            let before = old.get(name).ok_or(Unwritable)?;
            let Some(after) = new.get(name) else {
                self.remove(style, entries, index)?;
                continue;
            };
            last_kept = Some((key, value));
            let mark = self.cuts.len();
            if self.value(value, before, after, depth + 1).is_err() {
                self.cuts.truncate(mark);
                let holds_nothing = write::is_inline(before) && !before.is_string();
                // A merged mapping is shared: it is not expanded in place.
                if has_merge_key(value) || (depth < REPLACED_FROM && !holds_nothing) {
                    return Err(Unwritable);
                }
                self.put(style, (key, value), after)?;
            }
        }
        let (last_key, last_value) = last_kept.ok_or(Unwritable)?;
        let (first, _) = entries.first().ok_or(Unwritable)?;
        let mut end = self.end_of_entry(last_key, last_value)?;
        // Several additions at the same place keep their order.
        let is_added = |(name, value): &(&String, &Value)| match old.get(*name) {
            Some(before) => is_merged(name) && before != *value,
            None => true,
        };
        for (name, value) in new.iter().filter(is_added) {
            match style {
                StructureStyle::Block => {
                    let column = self.column(first.place.start);
                    let entry = write::entry(name, value, column, self.newline);
                    end = self.insert_line(end, column, &entry)?;
                }
                StructureStyle::Flow => {
                    let rendered = if self.syntax == Syntax::Json || is_double_quoted(first) {
                        write::quoted(name)
                    } else {
                        write::scalar(name)
                    };
                    let (between, value) = self.in_flow(first, value);
                    self.cut(end..end, format!(",{between}{rendered}: {value}"));
                }
            }
        }
        Ok(())
    }

    /// Replaces any value by another.
    fn put(
        &mut self,
        style: StructureStyle,
        (key, value): (&Node, &Node),
        new: &Value,
    ) -> Result<(), Unwritable> {
        let begin = self.after_colon(key)?;
        let end = self.end_of_entry(key, value)?;
        if style == StructureStyle::Flow {
            let (_, new) = self.in_flow(key, new);
            self.cut(begin..end, format!(" {new}"));
            return Ok(());
        }
        let ends_its_line = end > begin && self.text.get(..end).is_some_and(|t| t.ends_with('\n'));
        let tail = if ends_its_line { self.newline } else { "" };
        if write::is_inline(new) {
            self.cut(begin..end, format!(" {}{tail}", write::block(new, 0, self.newline)));
            return Ok(());
        }
        let column = self.column(key.place.start);
        let deeper = if new.is_array() { column } else { column + 2 };
        let lines = format!(
            "{}{:deeper$}{}{tail}",
            self.newline,
            "",
            write::block(new, deeper, self.newline)
        );
        let line_end = self.line_end(begin);
        let head = self.text.get(begin..line_end).unwrap_or_default();
        if head.trim_start().starts_with('#') && !value.place.is_empty() {
            // `key:  # comment`: the comment stays.
            self.cut(line_end..end, lines);
        } else if end < line_end {
            // `key: value  # comment`: the comment stays here, too.
            self.cut(begin..end, String::new());
            self.cut(line_end..line_end, lines);
        } else {
            self.cut(begin..end, lines);
        }
        Ok(())
    }

    fn remove(
        &mut self,
        style: StructureStyle,
        entries: &[(Node, Node)],
        index: usize,
    ) -> Result<(), Unwritable> {
        let (key, value) = entries.get(index).ok_or(Unwritable)?;
        let end = self.end_of_entry(key, value)?;
        if style == StructureStyle::Flow {
            let before = index.checked_sub(1).and_then(|before| entries.get(before));
            let place = match (entries.get(index + 1), before) {
                (Some((next, _)), _) => key.place.start..next.place.start,
                (None, Some((key, value))) => self.end_of_entry(key, value)?..end,
                (None, None) => return Err(Unwritable),
            };
            self.cut(place, String::new());
            return Ok(());
        }
        let begin = self.line_start(key.place.start);
        let stands_alone =
            self.text.get(begin..key.place.start).is_some_and(|text| text.trim().is_empty());
        if !stands_alone {
            return Err(Unwritable);
        }
        let end = self.end_of_line_after(end)?;
        let rest = self.text.get(end..).unwrap_or_default();
        let break_length = if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) };
        let is_at_line_start = self.line_start(end) == end && end > begin;
        self.cut(begin..end + if is_at_line_start { 0 } else { break_length }, String::new());
        Ok(())
    }

    // --- sequences ----------------------------------------------------------------------------

    fn sequence(
        &mut self,
        style: StructureStyle,
        items: &[Node],
        (old, new): (&[Value], &[Value]),
        depth: usize,
    ) -> Result<(), Unwritable> {
        if items.len() != old.len() || new.len() < old.len() {
            return Err(Unwritable);
        }
        for ((item, before), after) in items.iter().zip(old).zip(new) {
            self.value(item, before, after, depth + 1)?;
        }
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            return Err(Unwritable);
        };
        let mut end = last.place.end;
        for added in new.iter().skip(old.len()) {
            match style {
                StructureStyle::Block => {
                    let column = self.dash_column(first)?;
                    let item = write::block(added, column + 2, self.newline);
                    end = self.insert_line(end, column, &format!("- {item}"))?;
                }
                StructureStyle::Flow => {
                    let (between, added) = self.in_flow(first, added);
                    self.cut(end..end, format!(",{between}{added}"));
                }
            }
        }
        Ok(())
    }

    fn dash_column(&self, first: &Node) -> Result<usize, Unwritable> {
        let begin = self.line_start(first.place.start);
        let before = self.text.get(begin..first.place.start).ok_or(Unwritable)?;
        match before.trim_end().strip_suffix('-') {
            Some(indent) => Ok(self.column(begin + indent.len())),
            // `- &anchor` or `- !tag`
            None if before.trim_start().starts_with('-') => {
                Ok(before.len() - before.trim_start().len())
            }
            None => Err(Unwritable),
        }
    }

    // --- places -------------------------------------------------------------------------------

    /// Inserts lines after the line that contains `end`.
    fn insert_line(&mut self, end: usize, column: usize, lines: &str) -> Result<usize, Unwritable> {
        let place = self.end_of_line_after(end)?;
        let newline = self.newline;
        let text = if place > 0 && self.line_start(place) == place {
            // After a block scalar, which includes its last line break.
            format!("{:column$}{lines}{newline}", "")
        } else {
            format!("{newline}{:column$}{lines}", "")
        };
        self.cut(place..place, text);
        Ok(end)
    }

    /// The separator between members of the collection that begins with `first`, and `value` in the
    /// same layout: on one line, or on several.
    fn in_flow(&self, first: &Node, value: &Value) -> (String, String) {
        let begin = self.line_start(first.place.start);
        let before = self.text.get(begin..first.place.start).unwrap_or_default();
        if before.trim().is_empty() {
            let indent = before.len();
            let between = format!("{}{before}", self.newline);
            (between, write::json_lines(value, indent, self.newline))
        } else {
            (" ".to_owned(), write::flow(value, self.syntax))
        }
    }

    fn end_of_entry(&self, key: &Node, value: &Node) -> Result<usize, Unwritable> {
        // The parser is inconsistent about the place of an empty value.
        if value.place.is_empty() { self.after_colon(key) } else { Ok(value.place.end) }
    }

    fn after_colon(&self, key: &Node) -> Result<usize, Unwritable> {
        let rest = self.text.get(key.place.end..).ok_or(Unwritable)?;
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let colon = key.place.end + spaces;
        let follows = self.text.get(colon..).is_some_and(|text| text.starts_with(':'));
        if follows { Ok(colon + 1) } else { Err(Unwritable) }
    }

    fn line_start(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.rfind('\n').map_or(0, |place| place + 1)
    }

    /// The position of the line break after `at`, or the end of the text.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        at + rest.get(..length).map_or(length, |line| line.trim_end_matches('\r').len())
    }

    /// The end of the line of `at`, if only a comment comes before it.
    fn end_of_line_after(&self, at: usize) -> Result<usize, Unwritable> {
        if at > 0 && self.line_start(at) == at {
            return Ok(at);
        }
        let end = self.line_end(at);
        let rest = self.text.get(at..end).unwrap_or_default().trim_start();
        if rest.is_empty() || rest.starts_with('#') { Ok(end) } else { Err(Unwritable) }
    }

    fn column(&self, at: usize) -> usize {
        let before = self.text.get(self.line_start(at)..at).unwrap_or_default();
        before.trim_start_matches('\u{feff}').chars().count()
    }
}

/// `<<` (YAML 1.1, and kubectl): the mapping also has the keys of another mapping.
fn is_merge_key(key: &Node) -> bool {
    matches!(&key.shape, Shape::Scalar { text, style: ScalarStyle::Plain } if text == "<<")
}

fn has_merge_key(node: &Node) -> bool {
    match &node.shape {
        Shape::Mapping { entries, .. } => {
            entries.iter().any(|(key, value)| is_merge_key(key) || has_merge_key(value))
        }
        Shape::Sequence { items, .. } => items.iter().any(has_merge_key),
        Shape::Scalar { .. } | Shape::Alias(_) => false,
    }
}

fn is_double_quoted(node: &Node) -> bool {
    matches!(node.shape, Shape::Scalar { style: ScalarStyle::DoubleQuoted, .. })
}
