//! Where a text is no expression, and why.
//! Never a line or column: those are counted once, for all faults of a text (`program`).

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
