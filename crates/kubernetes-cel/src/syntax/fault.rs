//! Where a text is not a valid expression, and why.
//! Never a line or column: `program` counts those once, for all faults of a text.

/// One fault, found by the parser, the checker or the planner.
#[derive(Clone, Debug)]
pub(crate) struct SyntaxError {
    /// In bytes.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl SyntaxError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError { offset, message: message.into() }
    }
}
