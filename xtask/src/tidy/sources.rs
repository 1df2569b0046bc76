//! Checks every Rust file: a header, a readable length, no placeholder for missing code, and no
//! words that STYLE.md replaces.
//! Never checks layout: rustfmt and clippy do.

use crate::workspace;
use anyhow::Result;
use std::{fs, path::Path};

/// A longer file has more than one idea. Tests are not counted.
const LONGEST: usize = 600;

/// Written in two parts so that this file does not find itself.
const LEFT_OUT: [(&str, &str); 3] = [
    (concat!("#[", "ignore"), "a test that does not run proves nothing"),
    (concat!("todo", "!("), "finish it or leave it out"),
    (concat!("unimplemented", "!("), "finish it or leave it out"),
];

/// What STYLE.md replaces, and by what; refused in comments and in texts for users. Code in
/// backticks is not read. Written in two parts, as above.
const REPLACED: [(&str, &str); 8] = [
    (concat!("who", "ever"), "the caller, the client, the operator, the user"),
    (concat!("whom", "ever"), "the caller, the client, the operator, the user"),
    (concat!("nobody", " can tell"), "the verdict is unavailable"),
    (concat!("nobody", " can be asked"), "no user can be asked"),
    (concat!("some", "body"), "the caller, a user, another party"),
    (concat!("is", " told"), "is logged, is returned, is shown"),
    (concat!("are", " told"), "are logged, are returned, are shown"),
    (concat!("left alone", " for"), "the circuit breaker is open"),
];

pub(crate) fn check(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    for file in workspace::files(root)? {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        check_file(&name, &fs::read_to_string(&file)?, faults);
    }
    Ok(())
}

fn check_file(name: &str, text: &str, faults: &mut Vec<String>) {
    let job = text.lines().next().and_then(|line| line.strip_prefix("//! "));
    if job.is_none_or(|job| job.trim().is_empty()) {
        faults.push(format!("{name}:1: the first line says the file's job (`//! …`)"));
    }
    let length = length_without_tests(name, text);
    if length > LONGEST {
        faults.push(format!("{name}: {length} lines, at most {LONGEST}: find the seam"));
    }
    for (number, line) in text.lines().enumerate() {
        let is_comment = line.trim_start().starts_with("//");
        if is_comment || !is_test(name) {
            for (word, better) in replaced_words(line) {
                let number = number + 1;
                faults.push(format!("{name}:{number}: `{word}`: STYLE.md writes {better}"));
            }
        }
        if is_comment {
            continue;
        }
        if line.contains("Clock::HOST") && is_given_its_clock(name) {
            let number = number + 1;
            faults
                .push(format!("{name}:{number}: the server's clock is handed in by its commands"));
        }
        for (pattern, why) in LEFT_OUT {
            if line.contains(pattern) {
                faults.push(format!("{name}:{}: `{pattern}`: {why}", number + 1));
            }
        }
    }
}

/// The words of a line that STYLE.md replaces.
pub(super) fn replaced_words(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let prose = line.split('`').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase();
    let is_whole = |prose: &str, word: &str| {
        prose.match_indices(word).any(|(at, _)| {
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !joins(prose[..at].chars().next_back())
                && !joins(prose[at + word.len()..].chars().next())
        })
    };
    REPLACED.into_iter().filter(move |(word, _)| is_whole(&prose, word))
}

/// Whether the code of a file gets the time, or a clock, from its caller.
fn is_given_its_clock(name: &str) -> bool {
    let place = name.strip_prefix("crates/login-server/src/");
    place.is_some_and(|place| !place.starts_with("commands/") && !place.starts_with("system/"))
}

fn is_test(name: &str) -> bool {
    let path = Path::new(name);
    path.components().any(|part| part.as_os_str() == "tests")
        || path.file_name().is_some_and(|file| file == "tests.rs")
}

fn length_without_tests(name: &str, text: &str) -> usize {
    if is_test(name) {
        return 0;
    }
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text).lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(name: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        check_file(name, text, &mut faults);
        faults
    }

    const HEADER: &str = "//! Does this.\n//! Never that.\n";

    #[test]
    fn a_file_with_header_and_nothing_left_out_is_tidy() {
        assert!(faults_of("a.rs", &format!("{HEADER}\nfn a() {{}}\n")).is_empty());
    }

    #[test]
    fn the_first_line_says_the_job() {
        assert!(faults_of("src/a/tests.rs", "//! What a promises.\n\nfn a() {}\n").is_empty());
        assert!(faults_of("a.rs", "//! Does this.\n\nfn a() {}\n").is_empty());
        assert_eq!(faults_of("a.rs", "//! \n\nfn a() {}\n").len(), 1);
        assert_eq!(faults_of("a.rs", "fn a() {}\n").len(), 1);
    }

    #[test]
    fn what_is_left_out_is_named_with_its_line() {
        let text = format!("{HEADER}    {}]\n// {}\n", LEFT_OUT[0].0, LEFT_OUT[1].0);
        let faults = faults_of("a.rs", &text);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("a.rs:3:"), "{faults:?}");
    }

    #[test]
    fn only_commands_make_the_clock_of_a_server() {
        let text = format!("{HEADER}let clock = Clock::HOST;\n");
        for (name, expected) in [
            ("crates/login-server/src/reload/mod.rs", 1),
            ("crates/login-server/src/commands/serve.rs", 0),
            ("crates/login-server/src/system/process.rs", 0),
            ("tests/src/a.rs", 0),
        ] {
            assert_eq!(faults_of(name, &text).len(), expected, "{name}");
        }
    }

    #[test]
    fn replaced_words_are_named_with_what_to_write() {
        let word = REPLACED[0].0;
        for (line, expected) in [
            (format!("// {word} asks"), 1),
            (format!("    let text = \"{word} asks\";"), 1),
            (format!("// `{word}` is a name"), 0),
            (format!("fn {word}_asks() {{}}"), 0),
        ] {
            assert_eq!(faults_of("a.rs", &format!("{HEADER}{line}\n")).len(), expected, "{line}");
        }
    }

    #[test]
    fn tests_do_not_count_for_the_length() {
        let body = "\n".repeat(LONGEST + 1);
        assert_eq!(faults_of("src/a.rs", &format!("{HEADER}{body}")).len(), 1);
        assert!(faults_of("src/a/tests.rs", &format!("{HEADER}{body}")).is_empty());
        let inline = format!("{HEADER}\n#[cfg(test)]\nmod tests {{{body}}}\n");
        assert!(faults_of("src/a.rs", &inline).is_empty());
    }
}
