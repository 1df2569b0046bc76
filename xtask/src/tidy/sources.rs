//! Checks every Rust file: a header, a readable length, no placeholder for missing code.
//! Never checks style: rustfmt and clippy do.

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
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (pattern, why) in LEFT_OUT {
            if line.contains(pattern) {
                faults.push(format!("{name}:{}: `{pattern}`: {why}", number + 1));
            }
        }
    }
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
    fn tests_do_not_count_for_the_length() {
        let body = "\n".repeat(LONGEST + 1);
        assert_eq!(faults_of("src/a.rs", &format!("{HEADER}{body}")).len(), 1);
        assert!(faults_of("src/a/tests.rs", &format!("{HEADER}{body}")).is_empty());
        let inline = format!("{HEADER}\n#[cfg(test)]\nmod tests {{{body}}}\n");
        assert!(faults_of("src/a.rs", &inline).is_empty());
    }
}
