//! A template in its pieces: text, and clauses that stand for values.
//! Never a value: whether one fits its clause is checked where both are known.

use crate::error::EvaluationError;

/// The function that takes templates.
pub(crate) const NAME: &str = "format";

pub(super) fn failed(reason: &'static str) -> EvaluationError {
    EvaluationError::failed(NAME, reason)
}

/// Between two of the clauses, or a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    /// How a value is shown, and the number after the point: `%.3f`.
    Clause(Verb, Option<u32>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    String,
    Decimal,
    Fixed,
    Scientific,
    Binary,
    Hexadecimal { upper: bool },
    Octal,
}

/// Why a template is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Unfinished,
    Verb,
    Precision,
}

impl Fault {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Fault::Unfinished => "the template ends within a clause",
            Fault::Verb => "the template has a clause that does not exist",
            Fault::Precision => "the template has a precision that is no number up to 10000009",
        }
    }
}

/// Go's own formatting refuses more.
const PRECISION: u32 = 10_000_009;

/// All pieces in their order; nothing comes after a fault.
pub(super) fn pieces(template: &str) -> impl Iterator<Item = Result<Piece<'_>, Fault>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let piece = if let Some(after) = rest.strip_prefix("%%") {
            rest = after;
            Ok(Piece::Text("%"))
        } else if let Some(after) = rest.strip_prefix('%') {
            clause(after).map(|(piece, after)| {
                rest = after;
                piece
            })
        } else {
            let (text, after) = rest.split_at(rest.find('%').unwrap_or(rest.len()));
            rest = after;
            Ok(Piece::Text(text))
        };
        if piece.is_err() {
            rest = "";
        }
        Some(piece)
    })
}

/// What follows a percent sign.
fn clause(text: &str) -> Result<(Piece<'_>, &str), Fault> {
    let (precision, text) = match text.strip_prefix('.') {
        Some(after) => {
            let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if rest.is_empty() {
                return Err(Fault::Unfinished);
            }
            let digits = after.strip_suffix(rest).unwrap_or_default();
            let precision = digits.parse().ok().filter(|precision| *precision <= PRECISION);
            (Some(precision.ok_or(Fault::Precision)?), rest)
        }
        None => (None, text),
    };
    let mut characters = text.chars();
    let verb = match characters.next().ok_or(Fault::Unfinished)? {
        's' => Verb::String,
        'd' => Verb::Decimal,
        'f' => Verb::Fixed,
        'e' => Verb::Scientific,
        'b' => Verb::Binary,
        'x' => Verb::Hexadecimal { upper: false },
        'X' => Verb::Hexadecimal { upper: true },
        'o' => Verb::Octal,
        _ => return Err(Fault::Verb),
    };
    Ok((Piece::Clause(verb, precision), characters.as_str()))
}
