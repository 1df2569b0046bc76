//! Faults and warnings of configuration files, each with its file, line and key.
//! Never loses one: they are collected, and reported together.

use std::fmt;

/// One fault (or warning) of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, by the operator's name for it.
    pub file: String,
    /// Line number, from 1; `None` for the whole file.
    pub line: Option<u64>,
    /// The path of the key, such as `jwt[0].issuer.url`; empty for the whole file.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `file:line: key: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// The faults found so far in one file.
#[derive(Debug)]
pub struct Faults {
    file: String,
    problems: Vec<Problem>,
}

impl Faults {
    /// An empty list of faults in `file`.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new() }
    }

    /// Adds one fault.
    pub fn add(&mut self, line: Option<u64>, key: &str, message: impl Into<String>) {
        let (file, key, message) = (self.file.clone(), key.to_owned(), message.into());
        self.problems.push(Problem { file, line, key, message });
    }

    /// Whether there are no faults.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// All faults, ordered by line.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_the_whole_file_has_neither_line_nor_key() {
        let mut faults = Faults::new("f.yaml");
        assert!(faults.is_empty());
        faults.add(None, "", "is too long");
        assert_eq!(faults.into_problems()[0].to_string(), "f.yaml: is too long");
    }
}
