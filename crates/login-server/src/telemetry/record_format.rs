//! Writes audit records, which are lines of JSON already, to the log unchanged.
//! Never changes any other line.

use std::fmt;

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::audit::TARGET;

/// The usual format, except for audit records.
pub(super) struct RecordsAsTheyAre<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for RecordsAsTheyAre<F>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != TARGET {
            return self.0.format_event(context, writer, event);
        }
        let mut line = Line { writer, result: Ok(()) };
        event.record(&mut line);
        line.result.and_then(|()| line.writer.write_char('\n'))
    }
}

/// Writes the texts of an event, and nothing else of it.
struct Line<'w> {
    writer: Writer<'w>,
    result: fmt::Result,
}

impl Visit for Line<'_> {
    fn record_str(&mut self, _: &Field, text: &str) {
        self.result = self.result.and_then(|()| self.writer.write_str(text));
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
