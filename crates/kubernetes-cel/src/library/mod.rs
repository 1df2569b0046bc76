//! The libraries that an environment may have: one file for each, and their names.
//! Never a function of the standard environment: those are in `standard`.

use crate::function::Declarations;

mod authz;
mod comprehensions;
mod cost;
mod formats;
mod list_extensions;
mod lists;
mod net;
mod optionals;
mod quantity;
mod regex;
mod semver;
mod sets;
pub(crate) mod string_format;
mod strings;
#[cfg(test)]
mod tests;
mod url;

/// A library: functions, macros and types beyond the standard ones, as Kubernetes 1.37 has them.
///
/// The functions of Kubernetes' own libraries are described in [Common Expression Language in
/// Kubernetes](https://kubernetes.io/docs/reference/using-api/cel/), those of the others in
/// [cel-go](https://pkg.go.dev/github.com/google/cel-go/ext).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Library {
    /// `cel.OptionalTypes` of cel-go: `a.?b`, `a[?b]`, `optional.of`, `orValue`, `optMap`, `first`.
    Optionals,
    /// `ext.TwoVarComprehensions` of cel-go: `all(k, v, …)`, `transformMap`.
    TwoVariableComprehensions,
    /// `kubernetes.urls`: `url`, `isURL`, `getHost`.
    Urls,
    /// `kubernetes.regex`: `find`, `findAll`. (`matches` is standard.)
    Regex,
    /// `kubernetes.authz`: the functions are declared and can be compiled; no value is an
    /// authorizer, so that no call of them gives a value.
    Authz,
    /// `kubernetes.quantity`: `quantity`, `isQuantity`, `asInteger`.
    Quantity,
    /// `ext.Strings` of cel-go, version 2: `split`, `join`, `lowerAscii`, `replace`, `format`.
    Strings,
    /// `ext.Sets` of cel-go: `sets.contains`, `sets.intersects`, `sets.equivalent`.
    Sets,
    /// `kubernetes.net.ip`: `ip`, `isIP`, `family`.
    Ip,
    /// `kubernetes.net.cidr`: `cidr`, `containsIP`, `prefixLength`.
    Cidr,
    /// `kubernetes.format`: `format.dns1123Label().validate(…)`, `format.named`.
    Formats,
    /// `kubernetes.semver`: `semver`, `isSemver`, `isGreaterThan`.
    Semver,
    /// `ext.Lists` of cel-go, version 3: `slice`, `flatten`, `sort`, `sortBy`, `distinct`.
    ExtendedLists,
    /// `kubernetes.lists`: `isSorted`, `sum`, `min`, `max`, `indexOf`.
    Lists,
}

impl Library {
    /// Every library that Kubernetes 1.37 enables for the expressions of an
    /// `AuthenticationConfiguration`, in the order in which it declares them.
    pub const KUBERNETES_1_37: [Library; 14] = [
        Library::Optionals,
        Library::TwoVariableComprehensions,
        Library::Urls,
        Library::Regex,
        Library::Authz,
        Library::Quantity,
        Library::Strings,
        Library::Sets,
        Library::Ip,
        Library::Cidr,
        Library::Formats,
        Library::Semver,
        Library::ExtendedLists,
        Library::Lists,
    ];

    pub(crate) fn declarations(self) -> Declarations {
        match self {
            Library::Optionals => optionals::library(),
            Library::TwoVariableComprehensions => comprehensions::library(),
            Library::Urls => url::library(),
            Library::Regex => regex::library(),
            Library::Authz => authz::library(),
            Library::Quantity => quantity::library(),
            Library::Strings => {
                let mut strings = strings::library();
                strings.functions.extend(string_format::library().functions);
                strings
            }
            Library::Sets => sets::library(),
            Library::Ip => net::addresses(),
            Library::Cidr => net::networks(),
            Library::Formats => formats::library(),
            Library::Semver => semver::library(),
            Library::ExtendedLists => list_extensions::library(),
            Library::Lists => lists::library(),
        }
    }
}
