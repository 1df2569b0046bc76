//! Finds lines that are indented by a tab: go-yaml, the YAML parser of Kubernetes, refuses them,
//! and our parser does not.
//! Never reports a tab inside a text, inside brackets, or after the indentation.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, ScalarStyle, Span, StructureStyle};

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
    /// First lines of open brackets.
    flows: Vec<Option<usize>>,
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
        Self { lines, flows: Vec::new() }
    }

    /// Processes `event`, which covers `span`.
    pub(super) fn pass(&mut self, event: &Event<'_>, span: Span) {
        if self.lines.is_empty() {
            return;
        }
        let (start, end) = (span.start.line(), span.end.line());
        let is_block =
            matches!(event, Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..));
        let is_node = matches!(
            event,
            Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::Alias(..)
        );
        if is_node && !is_block && !self.flows.last().is_some_and(Option::is_some)
            // A value that begins here does not continue a text, so the tab indents it.
            && let Some(spaces) = self.lines.get_mut(&start)
        {
            *spaces = 0;
        }
        match event {
            Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) => {
                self.allow(start + 1, end);
            }
            // It ends where the next line begins. A line that is not part of it is indented less,
            // which a tab may not do.
            Event::Scalar(text, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
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
            Event::SequenceStart(style, ..) | Event::MappingStart(style, ..) => {
                self.flows.push((*style == StructureStyle::Flow).then_some(start));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Some(start)) = self.flows.pop() {
                    self.allow(start + 1, end);
                }
            }
            _ => {}
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
