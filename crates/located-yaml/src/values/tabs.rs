//! Finds lines that are indented by a tab: go-yaml, the YAML parser of Kubernetes, refuses them,
//! and our parser does not.
//! Never reports a tab inside a text, inside brackets, or after the indentation.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{ScalarStyle, StructureStyle};

use super::{Inside, within};
use crate::tree::{Node, Shape};

/// Instead of spaces: the tab indents only if a value begins after it.
const BEHIND_A_SIGN: usize = usize::MAX;

/// Whether a tab follows the signs of entries (`- `, `? `) directly.
fn begins_with_tab(line: &str) -> bool {
    let mut rest = line;
    while let Some(behind) = rest.strip_prefix(['-', '?']) {
        if behind.starts_with('\t') {
            return true;
        }
        let next = behind.trim_start_matches(' ');
        if next.len() == behind.len() {
            return false;
        }
        rest = next;
    }
    rest.len() < line.len() && rest.starts_with('\t')
}

/// The lines that are still to be refused.
pub(super) struct Tabs {
    /// The number of spaces before the tab.
    lines: BTreeMap<usize, usize>,
}

impl Tabs {
    /// Every line of `text` that begins with a tab, after optional spaces and signs of entries.
    pub(super) fn of(text: &str) -> Self {
        let indented = |(line, number): (&str, usize)| {
            let line = line.strip_prefix('\u{feff}').unwrap_or(line);
            let rest = line.trim_start_matches(' ');
            let spaces = line.len() - rest.len();
            if rest.starts_with('\t') {
                return Some((number, spaces));
            }
            begins_with_tab(rest).then_some((number, BEHIND_A_SIGN))
        };
        let lines = if text.contains('\t') {
            text.split('\n').zip(1..).filter_map(indented).collect()
        } else {
            BTreeMap::new()
        };
        Self { lines }
    }

    /// Allows the lines of `node` in which a tab does not indent.
    pub(super) fn pass(&mut self, node: &Node, inside: Inside) {
        if self.lines.is_empty() {
            return;
        }
        let (start, end) = node.lines;
        let is_block = matches!(
            node.shape,
            Shape::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. }
        );
        if !is_block && inside == Inside::Blocks
            // A value that begins here does not continue a text, so the tab indents it.
            && let Some(spaces) = self.lines.get_mut(&start)
        {
            *spaces = 0;
        }
        match &node.shape {
            Shape::Sequence { style, items } => {
                let inside = within(*style, inside);
                for item in items {
                    self.pass(item, inside);
                }
                self.close(*style, node);
            }
            Shape::Mapping { style, entries } => {
                let inside = within(*style, inside);
                for (key, value) in entries {
                    self.pass(key, inside);
                    self.pass(value, inside);
                }
                self.close(*style, node);
            }
            Shape::Scalar {
                style: ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..
            } => {
                self.allow(start + 1, end);
            }
            // It ends where the next line begins. A line that is not part of it is indented less,
            // which a tab may not do.
            Shape::Scalar { text, style: ScalarStyle::Literal | ScalarStyle::Folded } => {
                // The first line sets the indentation of the text, so no tab may follow there.
                if text.trim_start_matches('\n').starts_with('\t') {
                    self.lines.insert(start, 0);
                    self.allow(start + 1, end.saturating_sub(1));
                } else {
                    self.allow(start, end.saturating_sub(1));
                }
                if let Some(spaces) = self.lines.get_mut(&end) {
                    *spaces = 0;
                }
            }
            Shape::Scalar { .. } | Shape::Alias(_) => {}
        }
    }

    fn close(&mut self, style: StructureStyle, node: &Node) {
        let (start, end) = node.lines;
        if style == StructureStyle::Flow {
            self.allow(start + 1, end);
        }
    }

    /// The first line that go-yaml refuses, after all events.
    pub(super) fn refused(&self) -> Option<usize> {
        // After spaces a tab may continue a plain text.
        self.lines.iter().find(|(_, spaces)| **spaces == 0).map(|(line, _)| *line)
    }

    fn allow(&mut self, from: usize, to: usize) {
        self.lines.retain(|line, _| *line < from || to < *line);
    }
}
