//! Reads environment variables.
//! Never reads a secret, other than the credentials of a proxy: secrets come from files.

use std::sync::OnceLock;

use login_common::proxy::Proxies;

/// The variable's text; `None` when it is unset, empty or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The proxies that the variables name, read once.
pub fn proxies() -> &'static Proxies {
    static PROXIES: OnceLock<Proxies> = OnceLock::new();
    PROXIES.get_or_init(|| Proxies::from_variables(variable))
}
