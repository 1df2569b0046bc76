//! Lines that a tab indents: go-yaml, which reads the files of Kubernetes, refuses them where our
//! parser passes over them.
//! Never about a tab inside of a text, of brackets, or after what indents.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, ScalarStyle, Span, StructureStyle};

/// The lines that are left to be refused.
pub(super) struct Tabs {
    /// How many spaces stand before the tab.
    lines: BTreeMap<usize, usize>,
    /// Lines of brackets that are open.
    flows: Vec<Option<usize>>,
}

impl Tabs {
    /// Every line of `text` that begins with a tab, perhaps after spaces.
    pub(super) fn of(text: &str) -> Self {
        let indented = |(line, number): (&str, usize)| {
            let rest = line.trim_start_matches(' ');
            rest.starts_with('\t').then(|| (number, line.len() - rest.len()))
        };
        let lines = if text.contains('\t') {
            text.split('\n').zip(1..).filter_map(indented).collect()
        } else {
            BTreeMap::new()
        };
        Self { lines, flows: Vec::new() }
    }

    /// Goes past `event`, which lies at `span`.
    pub(super) fn pass(&mut self, event: &Event<'_>, span: Span) {
        if self.lines.is_empty() {
            return;
        }
        let (start, end) = (span.start.line(), span.end.line());
        match event {
            Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) => {
                self.allow(start + 1, end);
            }
            // It ends where the next line begins. What it does not take as its own is indented less,
            // which no tab may do.
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                self.allow(start, end.saturating_sub(1));
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

    /// The first line that go-yaml refuses, when all events were passed.
    pub(super) fn refused(&self) -> Option<usize> {
        // With spaces before it a tab may continue a plain text.
        self.lines.iter().find(|(_, spaces)| **spaces == 0).map(|(line, _)| *line)
    }

    fn allow(&mut self, from: usize, to: usize) {
        self.lines.retain(|line, _| *line < from || to < *line);
    }
}
