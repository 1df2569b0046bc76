//! Reads environment variables.
//! Never reads a secret: secrets come from files.

/// The variable's text; `None` when it is unset, empty or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
