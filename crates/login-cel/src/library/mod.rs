//! What Kubernetes adds to the language for `AuthenticationConfiguration`: one file per library.
//!
//! Never here: the standard functions and macros (`standard`, `syntax`).

use crate::function::Library;

mod authz;
mod cost;
mod formats;
mod list_extensions;
mod lists;
mod net;
mod quantity;
mod regex;
mod semver;
mod sets;
pub(crate) mod string_format;
mod strings;
#[cfg(test)]
mod tests;
mod url;

/// Every library, in the order in which kube-apiserver declares them.
pub(crate) fn libraries() -> Vec<Library> {
    vec![
        url::library(),
        regex::library(),
        authz::library(),
        quantity::library(),
        strings::library(),
        string_format::library(),
        sets::library(),
        net::addresses(),
        net::networks(),
        formats::library(),
        semver::library(),
        list_extensions::library(),
        lists::library(),
    ]
}
