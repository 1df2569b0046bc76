//! What may differ between our YAML readers and those of Kubernetes, by kind.
//! Never lists a kind without a reason that holds for every text of it.

use serde_json::Value;

use crate::ours;
use crate::same::same_value;
use crate::world::{Answered, Reader};

/// A kind of difference.
pub(crate) struct Difference {
    reader: Reader,
    /// Why it is right, or harmless.
    reason: &'static str,
    is_met: fn(&Answered) -> bool,
}

impl Difference {
    pub(crate) fn explains(&self, answered: &Answered) -> bool {
        self.reader == answered.reader && (self.is_met)(answered)
    }
}

impl std::fmt::Debug for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?}: {}", self.reader, self.reason)
    }
}

/// The first kind of difference that applies to a text.
pub(crate) fn of(answered: &Answered) -> Option<&'static Difference> {
    ALL.iter().find(|kind| kind.explains(answered))
}

fn ours_says(answered: &Answered, words: &str) -> bool {
    answered.theirs.is_ok() && answered.ours.as_ref().is_err_and(|error| error.contains(words))
}

fn theirs_says(answered: &Answered, words: &str) -> bool {
    answered.ours.is_ok() && answered.theirs.as_ref().is_err_and(|error| error.contains(words))
}

/// Whether we refuse what follows the first document: Kubernetes reads the value of what
/// precedes it.
fn is_behind_the_end(answered: &Answered) -> bool {
    let (Err(_), Ok(theirs)) = (&answered.ours, &answered.theirs) else { return false };
    answered.text.char_indices().any(|(end, _)| {
        let begin = answered.text.get(..end).unwrap_or_default();
        ours::reading(answered.reader, begin).is_ok_and(|ours| same_value(&ours, theirs))
    })
}

/// The same except for scalars, which YAML 1.1 and 1.2 may read as different types.
fn has_the_same_form(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| has_the_same_form(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, value)| {
                    let is_text = theirs.contains_key(key);
                    theirs.iter().any(|(other, expected)| {
                        (!is_text || key == other) && has_the_same_form(value, expected)
                    })
                })
        }
        (Value::String(ours), Value::String(theirs)) => ours == theirs,
        (ours, theirs) => {
            let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
            is_scalar(ours) && is_scalar(theirs)
        }
    }
}

const fn lenient(reason: &'static str, is_met: fn(&Answered) -> bool) -> Difference {
    Difference { reader: Reader::Lenient, reason, is_met }
}

const fn strict(reason: &'static str, is_met: fn(&Answered) -> bool) -> Difference {
    Difference { reader: Reader::Strict, reason, is_met }
}

pub(crate) const ALL: &[Difference] = &[
    strict("Kubernetes does not look at what follows the first document", is_behind_the_end),
    strict("a tag that says something else than what is there", |answered| {
        ours_says(answered, "this tag (`!…`) is not supported here")
            || ours_says(answered, "while scanning a tag")
            || ours_says(answered, "while parsing a tag")
    }),
    strict("our parser knows other directives than go-yaml", |answered| {
        ours_says(answered, "directives (`%…`) are not supported here")
    }),
    strict("a line ends there in YAML 1.1 only", |answered| {
        ours_says(answered, " ends a line in YAML 1.1 and nowhere else")
    }),
    strict("go-yaml makes a text of it, which no key of ours is", |answered| {
        ours_says(answered, "a key must be a text")
    }),
    strict("in brackets a question mark begins a key, but only in YAML 1.1", |answered| {
        ours_says(answered, "in brackets, a text with a question mark")
    }),
    strict("a byte order mark that does not begin the file", |answered| {
        ours_says(answered, "has a byte order mark")
    }),
    strict("a character that JSON has and YAML has not", |answered| {
        answered.text.starts_with('{') && ours_says(answered, "unexpected character")
    }),
    strict("in brackets, a key without a value", |answered| {
        ours_says(answered, "in brackets, a key must have a value")
            || ours_says(answered, "while parsing a flow mapping")
    }),
    strict("a key of several lines", |answered| {
        ours_says(answered, "a key must end in the line where it begins")
    }),
    strict("YAML 1.2 is stricter about comments, hyphens and indentation", |answered| {
        [
            "comments must be separated from other tokens by whitespace",
            "comment intercepting the multiline text",
            "plain scalar cannot start with '-'",
            "invalid indentation in multiline quoted scalar",
            "wrongly indented line in block scalar",
            "simple key expected ':'",
            "found unknown escape character",
        ]
        .into_iter()
        .any(|words| ours_says(answered, words))
    }),
    strict("an anchor before the key of a mapping names nothing here", |answered| {
        ours_says(answered, "an alias inside its own anchor")
    }),
    strict(
        "no blank behind an anchor, or a tab behind a hyphen: it is read all the same",
        |answered| {
            answered.text.contains(['&', '\t'])
                && (theirs_says(answered, "did not find expected alphabetic or numeric character")
                    || theirs_says(answered, "found character that cannot start any token"))
        },
    ),
    strict("escapes that JSON or YAML 1.2 has: they mean one thing only", |answered| {
        theirs_says(answered, "found unknown escape character")
            || theirs_says(answered, "found invalid Unicode character escape code")
    }),
    strict(
        "a tab before a text that goes on, or in a block whose depth is written down",
        |answered| ours_says(answered, "begins with a tab"),
    ),
    lenient("go-yaml does not look at what follows the first document", is_behind_the_end),
    lenient(
        "numbers and booleans of YAML 1.1: no text of a kubeconfig is read as one",
        |answered| {
            matches!((&answered.ours, &answered.theirs), (Ok(ours), Ok(theirs))
            if has_the_same_form(ours, theirs))
        },
    ),
    lenient("a number beyond all numbers, where no type is asked for", |answered| {
        answered.text.contains("1e400") && ours_says(answered, "")
    }),
    lenient("a line ends there in YAML 1.1 only", |answered| {
        answered.text.contains(['\u{85}', '\u{2028}'])
    }),
    lenient("YAML 1.2 is stricter about hyphens, comments and quoted texts", |answered| {
        ours_says(answered, "it cannot be read from here on")
    }),
    lenient("in brackets a question mark begins a key, but only in YAML 1.1", |answered| {
        answered.text.contains('?')
    }),
    lenient("a tag that says something else than what is there", |answered| {
        answered.text.contains('!') && ours_says(answered, "")
    }),
    lenient("only we take it, and nobody who uses kubectl has it", |answered| {
        theirs_says(answered, "")
    }),
];
