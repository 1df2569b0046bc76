//! Holds the options typed after `get-token`, and has the small strict parser for the cached path.
//! Never accepts what clap would read differently: anything unusual is left to clap.

use std::ffi::OsString;

use super::table::{self, Applies, Name, Row, Shape, row_named, row_of};

/// Options as typed, unchecked; the values may hold secrets, so there is no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Typed {
    values: Vec<(Name, String)>,
    /// How often `-v` was given.
    pub verbosity: u8,
}

impl Typed {
    /// Only `-v`, that many times.
    pub fn with_verbosity(verbosity: u8) -> Self {
        Self { values: Vec::new(), verbosity }
    }

    /// Adds one occurrence; a switch has an empty value.
    pub fn push(&mut self, name: Name, value: String) {
        self.values.push((name, value));
    }

    /// The values of one option, in the order typed.
    pub fn of(&self, name: Name) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the option was typed.
    pub fn has(&self, name: Name) -> bool {
        self.of(name).next().is_some()
    }

    /// Replaces the options that `other` has by their values there.
    pub fn replace_by(&mut self, other: &Self) {
        self.values.retain(|(name, _)| !other.has(*name));
        self.values.extend(other.values.iter().cloned());
        self.verbosity = other.verbosity;
    }

    /// Returns a copy without these options.
    #[must_use]
    pub fn without(&self, names: &[Name]) -> Self {
        let mut rest = self.clone();
        rest.values.retain(|(name, _)| !names.contains(name));
        rest
    }

    /// Returns a copy with the options that apply at least as long as `least`.
    #[must_use]
    pub fn applying(&self, least: Applies) -> Self {
        let mut rest = self.clone();
        rest.values.retain(|(name, _)| row_of(*name).applies >= least);
        rest
    }

    /// Returns a copy without the options that `above` has.
    #[must_use]
    pub fn beneath(&self, above: &Self) -> Self {
        let mut rest = self.clone();
        rest.values.retain(|(name, _)| !above.has(*name));
        rest
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Sorts the options in the order of the table, as clap reports them.
    #[must_use]
    pub fn in_table_order(mut self) -> Self {
        self.values.sort_by_key(|(name, _)| *name);
        self
    }
}

/// Parses arguments (without the program's name) if they are `get-token` and simple, complete,
/// known options: `--name value`, `--name=value` or `--switch`. Else `None`: use clap.
pub fn strict(arguments: &[OsString]) -> Option<Typed> {
    let mut words = arguments.iter().map(|word| word.to_str());
    if words.next()?? != "get-token" {
        return None;
    }
    let mut typed = Typed::default();
    let mut is_kubelogins = false;
    while let Some(word) = words.next() {
        is_kubelogins |= table::is_kubelogins(word?);
        let option = word?.strip_prefix("--")?;
        let (long, attached) = match option.split_once('=') {
            Some((long, value)) => (long, Some(value)),
            None => (option, None),
        };
        let row: &Row = row_named(long)?;
        if !row.is_list() && typed.has(row.name) {
            return None;
        }
        let value = match (row.shape, attached) {
            (Shape::Switch, None) => "",
            (Shape::Switch, Some(_)) => return None,
            (_, Some(value)) => value,
            // A value that begins with a dash may be the next option, after one whose value was
            // forgotten.
            (_, None) => words.next()?.filter(|value| !value.starts_with('-'))?,
        };
        typed.push(row.name, value.to_owned());
    }
    if is_kubelogins && !typed.has(Name::KubeloginPorts) {
        typed.push(Name::KubeloginPorts, String::new());
    }
    Some(typed.in_table_order())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::options::{arguments, table::OPTIONS};

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn plain_options_are_read() {
        let typed = strict(&words(
            "get-token --issuer-url https://a --oidc-client-id=k --scope a --scope=b,c --force-refresh",
        ))
        .unwrap();
        assert_eq!(typed.of(Name::IssuerUrl).collect::<Vec<_>>(), ["https://a"]);
        assert_eq!(typed.of(Name::ClientId).collect::<Vec<_>>(), ["k"]);
        assert_eq!(typed.of(Name::Scope).collect::<Vec<_>>(), ["a", "b,c"]);
        assert!(typed.has(Name::ForceRefresh) && !typed.has(Name::Audience));
    }

    #[test]
    fn anything_unusual_is_left_to_clap() {
        for line in [
            "",
            "login",
            "--issuer-url x get-token",
            "get-token x",
            "get-token --",
            "get-token -v",
            "get-token --help",
            "get-token --unknown x",
            "get-token --issuer-url",
            "get-token --issuer-url --client-id x",
            "get-token --issuer-url -x",
            "get-token --issuer-url a --issuer-url b",
            "get-token --issuer-url a --oidc-issuer-url b",
            "get-token --force-refresh=true",
            "get-token --force-refresh --force-refresh",
            "get-token --issuer x",
        ] {
            assert!(strict(&words(line)).is_none(), "{line}");
        }
    }

    fn word() -> impl Strategy<Value = String> {
        let name = (0..OPTIONS.len(), any::<prop::sample::Index>()).prop_map(|(row, alias)| {
            let row = &OPTIONS[row];
            let names: Vec<&str> = row.aliases.iter().copied().chain([row.long]).collect();
            format!("--{}", names[alias.index(names.len())])
        });
        let value = "[a-z0-9,=: .-]{0,6}";
        prop_oneof![
            4 => name.clone(),
            4 => (name, value).prop_map(|(name, value)| format!("{name}={value}")),
            4 => value,
            1 => Just("-v".to_owned()),
            1 => Just("--".to_owned()),
            1 => "-{1,2}[a-z-]{0,5}",
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_strict_parser_accepts_clap_reads_alike(
            words in prop::collection::vec(word(), 0..8)
        ) {
            let arguments: Vec<OsString> =
                std::iter::once("get-token".to_owned()).chain(words).map(OsString::from).collect();
            if let Some(typed) = strict(&arguments) {
                match arguments::of_get_token(&arguments) {
                    Ok(by_clap) => prop_assert!(by_clap == typed, "{arguments:?}"),
                    Err(_) => prop_assert!(false, "clap refuses {arguments:?}"),
                }
            }
        }
    }
}
