//! The words that CEL keeps for itself. They are legal as names of fields, not of variables and
//! functions; a claim that is called so is selected as `__word__`.
//!
//! Never here: what follows from that.

/// All but the literals and `in`.
pub(crate) const RESERVED_WORDS: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
