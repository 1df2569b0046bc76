//! Random questions: random patterns over random texts, and expressions of the corpus with parts
//! of one another.
//! Never unrepeatable: the same seed gives the same questions. `LOGIN_TEST_CEL_SEED` sets another
//! seed, `LOGIN_TEST_CEL_RANDOM` the number of questions.

use login_common::schedules::Dice;
use login_tests::random;
use serde_json::json;

use crate::corpus::{Differences, Question};

const SEED: u64 = 20_261_201;
const COUNT: u64 = 1500;

pub(crate) const PATTERNS: &str = "random patterns";
pub(crate) const EXPRESSIONS: &str = "random expressions";

/// The parts of a pattern; some of them make it invalid.
const PIECES: [&str; 56] = [
    "a",
    "b",
    "é",
    ".",
    "\\\\d",
    "\\\\D",
    "\\\\w",
    "\\\\W",
    "\\\\s",
    "\\\\b",
    "\\\\B",
    "\\\\pL",
    "\\\\p{Greek}",
    "\\\\PN",
    "\\\\x41",
    "\\\\x{1F600}",
    "\\\\Qa.b\\\\E",
    "[ab]",
    "[^ab]",
    "[a-c]",
    "[\\\\d_]",
    "[[:alpha:]]",
    "[^[:space:]]",
    "[]a]",
    "[a",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?i:a)",
    "(?s)",
    "(?U)",
    "(?P<n>a)",
    "(?<n>b)",
    "(?=a)",
    "(?<!a)",
    "\\\\1",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "??",
    "{2}",
    "{1,2}",
    "{0,}",
    "{2,1}",
    "{1001}",
    "|",
    "^",
    "$",
    "\\\\A",
    "\\\\z",
    "\\\\Z",
    "\\\\.",
    "\\\\C",
];

const TEXTS: [&str; 10] = ["", "a", "ab", "aAbB1", "été Ω", "a.b", "a\nb", "_x9", "😀", "  aab  "];

/// Words that may replace one of an expression of the corpus.
const WORDS: [&str; 24] = [
    "1",
    "-1",
    "0",
    "1u",
    "1.5",
    "''",
    "'a'",
    "b'a'",
    "null",
    "true",
    "false",
    "[]",
    "[1]",
    "{}",
    "{'a': 1}",
    "claims.sub",
    "claims.none",
    "claims.groups",
    "duration('1s')",
    "int",
    "==",
    "+",
    "in",
    "optional.none()",
];

/// Questions in addition to the corpus; none uses an expression with a known difference.
pub(crate) fn questions(corpus: &[Question], differences: &Differences) -> Vec<Question> {
    let (mut random, count) = random::asked("LOGIN_TEST_CEL", SEED, COUNT);
    let agreeing: Vec<&Question> = corpus
        .iter()
        .filter(|question| {
            let key = (question.variable.clone(), question.expression.clone());
            question.variable == "claims"
                && question.theme != "limits"
                && !differences.contains_key(&key)
        })
        .collect();
    let mut questions = Vec::new();
    for _ in 0..count {
        let both = [Some(pattern(&mut random)), mixed(&mut random, &agreeing)];
        questions.extend(both.into_iter().flatten().filter(|question| !differs(question)));
    }
    questions
}

/// Kinds of `differences.json` that random questions have: a repeated flag, and values of one
/// library compared with anything else.
fn differs(question: &Question) -> bool {
    const LIBRARIES: [&str; 6] = ["ip(", "cidr(", "url(", "quantity(", "semver(", "format."];
    let text = &question.expression;
    let flag_is_repeated = ["(?i)", "(?s)", "(?U)"]
        .iter()
        .any(|flag| text.split(flag).skip(1).any(|rest| rest.starts_with(['*', '+', '?', '{'])));
    let compares = ["==", "!=", " in "].iter().any(|operator| text.contains(operator));
    flag_is_repeated || (compares && LIBRARIES.iter().any(|name| text.contains(name)))
}

fn pattern(random: &mut Dice) -> Question {
    let length = 1 + random.below(6);
    let pattern: String = (0..length).map(|_| random.one_of(&PIECES)).collect();
    let function = random.one_of(&["matches", "find", "findAll"]);
    Question {
        theme: PATTERNS.to_owned(),
        expression: format!("claims.t.{function}('{pattern}')"),
        variable: "claims".to_owned(),
        value: json!({ "t": random.one_of(&TEXTS) }),
        returns: String::new(),
    }
}

/// One word of an expression replaced, or two expressions joined.
fn mixed(random: &mut Dice, corpus: &[&Question]) -> Option<Question> {
    let (one, other) = (random.pick(corpus)?, random.pick(corpus)?);
    let expression = if random.below(3) == 0 {
        let join = random.one_of(&[" == ", " || ", " + ", " in "]);
        format!("({}){join}({})", one.expression, other.expression)
    } else {
        let mut words: Vec<&str> =
            one.expression.split_inclusive([' ', '(', ')', ',', '.']).collect();
        let place = random.below(words.len());
        let replaced = words.get_mut(place)?;
        let tail = replaced.trim_start_matches(|c: char| !" (),.".contains(c));
        let word = format!("{}{tail}", random.one_of(&WORDS));
        let mut text: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        *text.get_mut(place)? = word;
        text.concat()
    };
    Some(Question {
        theme: EXPRESSIONS.to_owned(),
        expression,
        variable: one.variable.clone(),
        value: one.value.clone(),
        returns: String::new(),
    })
}
