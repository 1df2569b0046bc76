//! Checks what the program needs from the host: cache, loopback, proxies, keyring.
//! Never inspects the host itself: the facts are passed in.

use std::path::Path;

use login_cache::refresh_secret::Storage;
use login_common::proxy::Proxy;

use super::finding::Finding;
use crate::{report::Fault, system::inspection::DirectoryFacts};

/// With less free space, tokens soon cannot be cached.
const LITTLE_ROOM: u64 = 1024 * 1024;

/// Whether tokens can be cached, and whether locks let one process at a time renew them.
pub(super) fn cache(facts: Option<(&Path, &DirectoryFacts)>) -> Finding {
    const CHECK: &str = "cache";
    let Some((path, facts)) = facts else {
        return Finding::warning(
            CHECK,
            "nothing is kept: each call gets a new token",
            "choose another `--token-cache-storage` than `none`",
        );
    };
    let place = format!("`{}`", path.display());
    if let Some(fault) = &facts.fault {
        return Finding::problem(
            CHECK,
            Fault::Usage,
            format!("{place} cannot be used: {fault}"),
            "mend it, or name another one with `--token-cache-dir`",
        );
    }
    if facts.locks == Some(false) {
        return Finding::warning(
            CHECK,
            format!("{place} is on a file system without locks: two kubectls may both sign in"),
            "name a local directory with `--token-cache-dir`",
        );
    }
    if facts.room.is_some_and(|room| room < LITTLE_ROOM) {
        return Finding::warning(
            CHECK,
            format!("the disk of {place} is full"),
            "make room, or name another directory with `--token-cache-dir`",
        );
    }
    if facts.readable_by_others {
        return Finding::warning(
            CHECK,
            format!("others may see the names of the files in {place}"),
            format!("chmod 700 {}", path.display()),
        );
    }
    Finding::ok(CHECK, format!("{place} is private, writable, and locks"))
}

/// Whether the browser could come back. `addresses` were tried in order, and the first free one is
/// used; an empty list means any port.
pub(super) fn loopback(addresses: &[(String, u16)], outcome: &Result<u16, String>) -> Finding {
    const CHECK: &str = "redirect";
    match outcome {
        Ok(port) if addresses.is_empty() => {
            Finding::ok(CHECK, format!("a browser can come back to 127.0.0.1 (tried port {port})"))
        }
        Ok(port) => Finding::ok(CHECK, format!("a browser can come back to port {port}")),
        Err(fault) => Finding::problem(
            CHECK,
            Fault::Refused,
            format!("no browser can come back: {fault}"),
            if addresses.is_empty() {
                "use `--flow device` or `--flow paste`"
            } else {
                "end the program that has the port, or give another `--listen-address`"
            },
        ),
    }
}

/// Which proxies apply, by the variables that are set.
pub(super) fn proxies(variables: &[(&'static str, String)]) -> Finding {
    const CHECK: &str = "proxy";
    let set: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={}", without_credentials(value)))
        .collect();
    if set.is_empty() {
        return Finding::ok(CHECK, "no proxy variable is set");
    }
    let fault = variables
        .iter()
        .filter(|(name, value)| !name.eq_ignore_ascii_case("NO_PROXY") && !value.is_empty())
        .find_map(|(name, value)| Proxy::parse(value, name).err());
    if let Some(fault) = fault {
        let hint = format!("correct `{}`", fault.named_by);
        return Finding::problem(CHECK, Fault::Usage, fault.to_string(), hint);
    }
    Finding::ok(CHECK, format!("in force: {}", set.join(", ")))
}

/// Removes the credentials that a proxy's URL may hold.
fn without_credentials(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
            format!("{}…@{host}", scheme.unwrap_or_default())
        }
        None => value.to_owned(),
    }
}

/// Whether refresh tokens are stored as requested. `fault` is why the keyring cannot be used, if
/// so.
pub(super) fn keyring(storage: Storage, built_in: bool, fault: Option<&str>) -> Finding {
    const CHECK: &str = "keyring";
    match (storage, built_in, fault) {
        (
            Storage::AutoWithoutKeyring | Storage::EncryptedFile | Storage::File | Storage::None,
            _,
            _,
        ) => Finding::skipped(CHECK, "`--token-cache-storage` does not ask for it"),
        (Storage::Auto, false, _) => {
            Finding::skipped(CHECK, "this program was built without it; an encrypted file is used")
        }
        (Storage::Keyring, false, _) => Finding::problem(
            CHECK,
            Fault::Usage,
            "this program was built without it",
            "use `--token-cache-storage encrypted-file`",
        ),
        (_, true, None) => Finding::ok(CHECK, "it keeps and gives back what it is given"),
        (Storage::Auto, true, Some(fault)) => {
            Finding::ok(CHECK, format!("{fault}; an encrypted file is used instead"))
        }
        (Storage::Keyring, true, Some(fault)) => Finding::warning(
            CHECK,
            format!("{fault}; an encrypted file is used instead"),
            "unlock or start the keyring, or use `--token-cache-storage encrypted-file`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Outcome;

    #[test]
    fn a_cache_is_private_writable_and_locks() {
        let good = DirectoryFacts { locks: Some(true), ..DirectoryFacts::default() };
        for (facts, outcome, words) in [
            (None, Outcome::Warning, "nothing is kept"),
            (Some(good.clone()), Outcome::Ok, "is private"),
            (
                Some(DirectoryFacts { fault: Some("read-only".to_owned()), ..good.clone() }),
                Outcome::Problem,
                "read-only",
            ),
            (
                Some(DirectoryFacts { locks: Some(false), ..good.clone() }),
                Outcome::Warning,
                "without locks",
            ),
            (Some(DirectoryFacts { room: Some(10), ..good.clone() }), Outcome::Warning, "full"),
            (Some(DirectoryFacts { readable_by_others: true, ..good }), Outcome::Warning, "names"),
        ] {
            let finding = cache(facts.as_ref().map(|facts| (Path::new("/c"), facts)));
            assert_eq!(finding.outcome, outcome, "{finding:?}");
            assert!(finding.message.contains(words), "{finding:?}");
        }
    }

    #[test]
    fn a_port_that_is_taken_is_a_problem() {
        let fixed = [("127.0.0.1".to_owned(), 8000)];
        for (addresses, outcome, expected, hint) in [
            (&[][..], Ok(4), Outcome::Ok, None),
            (&fixed[..], Ok(8000), Outcome::Ok, None),
            (&fixed[..], Err("in use".to_owned()), Outcome::Problem, Some("--listen-address")),
            (&[][..], Err("no loopback".to_owned()), Outcome::Problem, Some("--flow device")),
        ] {
            let finding = loopback(addresses, &outcome);
            assert_eq!(finding.outcome, expected, "{finding:?}");
            assert!(hint.is_none_or(|hint| finding.hint.unwrap().contains(hint)));
        }
    }

    #[test]
    fn passwords_of_proxies_are_not_shown() {
        let set = [("HTTPS_PROXY", "http://me:secret@proxy:3128".to_owned())];
        let finding = proxies(&set);
        assert_eq!(finding.message, "in force: HTTPS_PROXY=http://…@proxy:3128");
        assert!(proxies(&[]).message.contains("no proxy"));
        for (value, outcome) in [
            ("socks5://127.0.0.1:1080", Outcome::Ok),
            ("proxy:3128", Outcome::Ok),
            ("ftp://proxy", Outcome::Problem),
        ] {
            let finding =
                proxies(&[("https_proxy", value.to_owned()), ("NO_PROXY", "*".to_owned())]);
            assert_eq!(finding.outcome, outcome, "{value}: {}", finding.message);
        }
    }

    #[test]
    fn a_keyring_matters_as_far_as_it_is_asked_for() {
        for (storage, built_in, fault, outcome) in [
            (Storage::Auto, true, None, Outcome::Ok),
            (Storage::Auto, true, Some("locked"), Outcome::Ok),
            (Storage::Auto, false, None, Outcome::Skipped),
            (Storage::Keyring, true, None, Outcome::Ok),
            (Storage::Keyring, true, Some("locked"), Outcome::Warning),
            (Storage::Keyring, false, None, Outcome::Problem),
            (Storage::File, true, None, Outcome::Skipped),
        ] {
            assert_eq!(keyring(storage, built_in, fault).outcome, outcome, "{storage:?}");
        }
    }
}
