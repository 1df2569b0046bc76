//! The texts: the seeds of the fuzzer as they are, mutated, and documents built from parts.
//! Never unrepeatable: the same seed gives the same texts. `LOGIN_TEST_YAML_SEED` sets another
//! seed, `LOGIN_TEST_YAML_RANDOM` the number of texts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use login_common::schedules::Dice;
use login_tests::random;

const SEED: u64 = 20_261_201;
const COUNT: u64 = 3000;

/// Folders of seeds whose files are YAML.
const FOLDERS: [&str; 5] =
    ["configuration", "kubeconfig", "revocations", "server_configuration", "static_tokens"];

/// Scalars in valid and invalid forms.
const SCALARS: [&str; 78] = [
    "a",
    "b",
    "a b",
    "a.b",
    "1",
    "-1",
    "+1",
    "0",
    "-0",
    "007",
    "017",
    "08",
    "0x1F",
    "0o17",
    "0b11",
    "1_000",
    "1__0",
    "_1",
    ".5",
    "1.",
    "1.50",
    "1e3",
    "1E+3",
    "9223372036854775808",
    "1e400",
    ".inf",
    "-.Inf",
    ".nan",
    "12:30",
    "12:30:45",
    "190:20:30",
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "~",
    "null",
    "Null",
    "NULL",
    "nULL",
    "true",
    "True",
    "yes",
    "Yes",
    "YES",
    "no",
    "on",
    "Off",
    "y",
    "N",
    "=",
    "<<",
    "-",
    "?",
    "@a",
    "`a",
    "%a",
    "!!str 1",
    "!!int 1",
    "!!int a",
    "!!float 1",
    "!!bool yes",
    "!!binary aGk=",
    "!!null ''",
    "! a",
    "!x a",
    "''",
    "\"\"",
    "'a''b'",
    "'a\n\n  b'",
    "\"a\\n\\u00e9\\x41\\/\\_\"",
    "\"a\\\n  b\"",
    "\"\\q\"",
    "'# a'",
    "a #b",
    "a#b",
    "a: b",
    "é",
    "\"\\ud83d\\ude00\"",
    "\u{1f600}",
];

/// What a mutation may insert anywhere.
const TOKENS: [&str; 52] = [
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "\r",
    "\r\n",
    ":",
    ": ",
    "- ",
    "-",
    "? ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "#",
    " # c",
    "&a ",
    "*a",
    "&b ",
    "*b",
    "!!str ",
    "!",
    "|",
    "|2",
    "|+",
    "|-",
    ">",
    ">-",
    ">1",
    "---",
    "\n---\n",
    "--- ",
    "\n...\n",
    "%YAML 1.1\n---\n",
    "<<: ",
    "<<: *a\n",
    "\\",
    "\\n",
    "~",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{0}",
    "\u{7}",
    "\u{7f}",
    "é",
];

const KEYS: [&str; 15] = [
    "a", "b", "c", "users", "name", "'d'", "\"e\"", "1", "yes", "~", "<<", "? f", "[g]", "a b", "é",
];

/// All of them, each once.
pub(crate) fn all() -> anyhow::Result<Vec<String>> {
    let seeds = seeds_of(&FOLDERS)?;
    let configurations = seeds_of(&["configuration"])?;
    let (mut random, count) = random::asked("LOGIN_TEST_YAML", SEED, COUNT);
    let mut texts = seeds.clone();
    // Kinds of differences that random texts rarely have.
    let seldom = [
        "[?a]",
        "? a\n  b\n: c\n",
        "'a'# b",
        "- &a@ b\n",
        "[&a: b]\n",
        " a b\n\tc\n",
        "- &a[b]\n",
        "- &a b: c\n- *a\n",
    ];
    texts.extend(seldom.map(str::to_owned));
    // Each scalar by itself, in each place.
    for scalar in SCALARS {
        texts.extend([scalar.to_owned(), format!("a: {scalar}\n"), format!("{scalar}: a\n")]);
        texts.extend([
            format!("- {scalar}\n"),
            format!("[{scalar}, a]\n"),
            format!("a: {{b: {scalar}}}\n"),
        ]);
    }
    for _ in 0..count {
        let mut text = match random.below(3) {
            0 => random.pick(&seeds).unwrap_or_default(),
            _ => document(&mut random),
        };
        for _ in 0..random.below(3) {
            text = mutated(&mut random, &text);
        }
        texts.push(text);
    }
    for _ in 0..count / 2 {
        let text = random.pick(&configurations).unwrap_or_default();
        texts.push(mutated(&mut random, &text));
    }
    texts.sort();
    texts.dedup();
    Ok(texts)
}

fn seeds_of(folders: &[&str]) -> anyhow::Result<Vec<String>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(corpus.join(folder)).context("the corpus is missing")?;
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    // Some inputs that the fuzzer found are not UTF-8: our readers never get such a text.
    Ok(files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect())
}

fn document(random: &mut Dice) -> String {
    let mut text =
        random.one_of(&["", "", "", "---\n", "# c\n", "%YAML 1.2\n---\n", "\u{feff}"]).to_owned();
    block(random, 0, 0, &mut text);
    text + random.one_of(&["", "", "", "...\n", "# c", "---\n"])
}

/// A mapping or a list in lines of their own, `indent` spaces deep.
fn block(random: &mut Dice, indent: usize, depth: usize, text: &mut String) {
    let is_list = random.below(3) == 0;
    for _ in 0..=random.below(3) {
        text.push_str(&" ".repeat(indent));
        if is_list {
            text.push('-');
        } else {
            text.push_str(random.one_of(&KEYS));
            text.push(':');
        }
        value(random, indent, depth, text);
    }
}

fn value(random: &mut Dice, indent: usize, depth: usize, text: &mut String) {
    text.push_str(random.one_of(&["", "", "", " &a", " &b", " !!map", " !!seq", " !!str"]));
    match random.below(12) {
        0..=2 if depth < 3 => {
            text.push_str(random.one_of(&["\n", "\n", " # c\n", "\n\n"]));
            let deeper = indent + 1 + random.below(3) - usize::from(random.below(8) == 0);
            block(random, deeper, depth + 1, text);
            return;
        }
        3..=4 => {
            text.push(' ');
            flow(random, depth, text);
        }
        5 => text.push_str(random.one_of(&[" *a", " *b"])),
        6 => {
            text.push(' ');
            text.push_str(random.one_of(&["|", ">", "|-", ">-", "|+", ">+", "|1", ">2", "|2-"]));
            for _ in 0..random.below(4) {
                text.push('\n');
                let deep = indent + random.below(4);
                text.push_str(&" ".repeat(deep));
                text.push_str(random.one_of(&["", "x", "x y", "- z", "# d", "\tx", "k: v"]));
            }
        }
        7 => {
            // A plain text over several lines.
            for _ in 0..random.below(3) {
                text.push_str(random.one_of(&[" x", " y z", " 1"]));
                text.push('\n');
                text.push_str(&" ".repeat(indent + random.below(3)));
            }
            text.push_str(" w");
        }
        _ => {
            text.push(' ');
            text.push_str(random.one_of(&SCALARS));
        }
    }
    text.push_str(random.one_of(&["\n", "\n", "\n", "\n", "\n\n", " # c\n", "\r\n"]));
}

fn flow(random: &mut Dice, depth: usize, text: &mut String) {
    let is_list = random.below(2) == 0;
    text.push(if is_list { '[' } else { '{' });
    for _ in 0..random.below(4) {
        if !is_list {
            text.push_str(random.one_of(&KEYS));
            text.push_str(random.one_of(&[": ", ": ", ": ", ":", " : ", ""]));
        }
        if depth < 3 && random.below(4) == 0 {
            flow(random, depth + 1, text);
        } else {
            text.push_str(random.one_of(&SCALARS));
        }
        text.push_str(random.one_of(&[", ", ", ", ",", "", ",\n "]));
    }
    text.push(if is_list { ']' } else { '}' });
}

/// One change of a character, a word or a line.
fn mutated(random: &mut Dice, text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let place = random.below(lines.len());
    let characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len() + 1);
    let (before, after) = characters.split_at(at);
    let (before, after): (String, String) = (before.iter().collect(), after.iter().collect());
    match random.below(7) {
        0 => before + after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or(""),
        1 | 2 => before + random.one_of(&TOKENS) + &after,
        3 => before + random.one_of(&SCALARS) + &after,
        4 if !lines.is_empty() => {
            lines.remove(place);
            lines.concat()
        }
        5 if !lines.is_empty() => {
            let other = random.pick(&lines).unwrap_or_default();
            lines.insert(place, other);
            lines.concat()
        }
        _ => {
            let line = lines.get(place).copied().unwrap_or_default();
            let shifted = match random.below(3) {
                0 => line.strip_prefix(' ').unwrap_or(line).to_owned(),
                1 => format!(" {line}"),
                _ => format!("{}{line}", " ".repeat(random.below(9))),
            };
            let mut owned: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            if let Some(line) = owned.get_mut(place) {
                *line = shifted;
            }
            owned.concat()
        }
    }
}
