//! The words that CEL reserves. They are legal as names of fields, not of variables and functions;
//! a field of that name in JSON is selected as `__word__`.

/// The literals and `in`, which the lexer distinguishes from names.
const LITERALS: [&str; 4] = ["true", "false", "null", "in"];

/// All other reserved words.
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

/// Whether it is a literal, an operator or another reserved word.
pub(crate) fn is_reserved(word: &str) -> bool {
    LITERALS.contains(&word) || RESERVED_WORDS.contains(&word)
}

/// Whether it can be the name of a variable: an identifier that is not reserved, or several of them
/// with dots between.
pub(crate) fn is_name(name: &str) -> bool {
    name.split('.').all(|part| {
        part.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
            && part.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
            && !is_reserved(part)
    })
}
