//! Answers from a cached token that is still fresh: reads the options and one file, and nothing
//! else (for a job also its identity, which decides whose token it may get).
//! Takes no lock, starts no thread or runtime, opens no socket, does not parse the token, and
//! returns no error: everything unusual goes to the slow path, which reports it. So do a token that
//! is due for renewal and a caller that comes back too soon (`cache::refusal_hint`).

use std::ffi::OsString;

use login_cache::{entry::Entry, freshness::Freshness, refusal_hint::LastCaller, store::Directory};
use login_common::{UnixTime, exec_credential::ExecApiVersion};

use crate::{
    exec_info,
    options::{
        layers::{Layers, Settings},
        target::Target,
        typed,
    },
    system::{configuration, environment::Environment, file},
    workload_identity,
};

/// A cached answer.
pub struct CachedAnswer {
    entry: Entry,
    version: ExecApiVersion,
}

impl CachedAnswer {
    /// The line for stdout.
    pub fn answer(&self) -> &str {
        self.entry.answer(self.version)
    }
}

/// Finds the cached answer, if the call has nothing unusual and the token is fresh at `now`.
/// `parent` is the calling process.
pub fn find(
    arguments: &[OsString],
    environment: &dyn Environment,
    now: UnixTime,
    parent: Option<u32>,
) -> Option<CachedAnswer> {
    let typed = typed::strict(arguments)?;
    let info = exec_info::from_environment(environment).ok()?;
    let configuration = configuration::read_plain(environment).ok()?;
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &exec_info::typed_origin(info.as_ref()),
        environment,
        cluster: exec_info::cluster_settings(info.as_ref()),
        configuration: configuration.as_ref(),
    })
    .ok()?;
    let mut target = Target::check(&settings, environment).ok()?;
    if target.force_refresh {
        return None;
    }
    if let Some(options) = target.unknown_identity() {
        // A pipe can be read once: the slow path would find it empty.
        if options.file.as_deref().is_some_and(file::is_pipe) {
            return None;
        }
        let taken = workload_identity::at_once(environment, options).ok()??;
        target = target.known_as(taken);
    }
    let directory = Directory::new(target.cache_directory?);
    let (entry, opened) = Entry::open(&directory, &target.cache_key)?;
    if entry.lifetime.at(now) != Freshness::Fresh {
        return None;
    }
    // Only for kubectl: when the program is run by hand, a repeated call from the same shell is no
    // sign of a refusal.
    if let Some(to) = parent.filter(|_| info.is_some()) {
        let asker = LastCaller { at: now, to };
        let refused = opened
            .served
            .filter(|last| last.hints_at_refusal(asker, &entry.lifetime, entry.suspicions));
        // Reading the file has changed its access time; on suspicion, restore it for the slow path.
        opened.note(refused.unwrap_or(asker));
        if refused.is_some() {
            return None;
        }
    }
    Some(CachedAnswer { entry, version: exec_info::api_version(info.as_ref()) })
}

#[cfg(test)]
mod tests {
    use login_cache::freshness::Lifetime;
    use login_common::Secret;

    use super::*;
    use crate::{
        options::target::cache_key::Identifying,
        system::environment::{NoEnvironment, Overlay},
    };

    const V1BETA1: &str = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;

    /// Stores a token that is fresh until 1000, then requests it at `now`.
    fn found(line: &str, variables: &[(&str, &str)], now: i64) -> Option<String> {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().to_owned());
        let (issuer, client_id) = ("https://id.example", "k");
        let key = Identifying { issuer, client_id, ..Identifying::default() }.key();
        let at = UnixTime::from_seconds;
        let lifetime = Lifetime {
            issued_at: at(0),
            tried_at: at(0),
            renew_at: at(900),
            fresh_until: at(1000),
            valid_until: at(1060),
        };
        Entry::save(&directory, &key, &Secret::new("t"), lifetime, 0).unwrap();
        let mut variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        variables.push((
            "KUBECTL_LOGIN_TOKEN_CACHE_DIR".to_owned(),
            scratch.path().to_str().unwrap().to_owned(),
        ));
        let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        find(&words, &environment, at(now), None).map(|found| found.answer().to_owned())
    }

    const PLAIN: &str = "get-token --issuer-url https://id.example --client-id k";

    #[test]
    fn a_fresh_token_is_answered_in_the_version_asked_for() {
        let v1 = found(PLAIN, &[], 899).unwrap();
        assert_eq!(
            v1,
            "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\
             \"spec\":{\"interactive\":false},\"status\":{\"expirationTimestamp\":\
             \"1970-01-01T00:16:40Z\",\"token\":\"t\"}}\n"
        );
        let v1beta1 = found(PLAIN, &[("KUBERNETES_EXEC_INFO", V1BETA1)], 899).unwrap();
        assert_eq!(v1beta1, v1.replace("k8s.io/v1\"", "k8s.io/v1beta1\""));
    }

    #[test]
    fn variables_and_the_clusters_settings_count_here_too() {
        let variable = ("KUBECTL_LOGIN_CLIENT_ID", "k");
        assert!(found("get-token --issuer-url https://id.example", &[variable], 0).is_some());
        let cluster = V1BETA1.replace(
            "\"interactive\":false",
            r#""interactive":false,"cluster":{"server":"https://k8s","config":{"issuer-url":"https://id.example","client-id":"k"}}"#,
        );
        let info = ("KUBERNETES_EXEC_INFO", cluster.as_str());
        assert!(found("get-token", &[info], 0).is_some());
        // The cluster's audience does not apply to an issuer that the entry itself names.
        assert!(found("get-token --issuer-url https://id.example", &[info], 0).is_none());
        assert!(found(PLAIN, &[("KUBECTL_LOGIN_AUDIENCE", "x")], 0).is_none());
    }

    #[test]
    fn everything_else_takes_the_long_way() {
        assert!(found(PLAIN, &[], 900).is_none());
        assert!(found("login --issuer-url https://id.example --client-id k", &[], 0).is_none());
        for extra in [
            "--force-refresh",
            "--scope groups",
            "--account a",
            "--use-access-token",
            "--flow client-credentials",
            "--flow nonsense",
            "--token-cache-storage none",
            "--interactive nonsense",
            "-v",
            "--help",
        ] {
            assert!(found(&format!("{PLAIN} {extra}"), &[], 0).is_none(), "{extra}");
        }
        assert!(found(PLAIN, &[("KUBERNETES_EXEC_INFO", "{")], 0).is_none());
    }
}
