//! Reads the operator's files and joins them into one policy.
//! Never uses one file while the other has faults.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use login_common::causes;
use login_issuer::PUBLIC_CLIENT_ID;
use login_protocols::jose::DEFAULT_TOKEN_LENGTH;
use login_review::{
    ClaimMapping, IssuerPolicy, Policy, PrefixedClaim, SessionClaim, StaticTokens,
    config::{Problem, authentication_configuration},
};

use super::{
    Bundle,
    authenticators::{self, Authenticators, ListInForce, Notes},
    document::{self, Document, IssuerSection, issuers},
    published,
    running::Running,
};
use crate::{
    evidence::result_cache::ResultCacheSettings,
    system::tracked_files::TrackedFiles,
    telemetry::{audit::AuditSettings, traces::TraceSettings},
};

/// The key of `extra` under which kube-apiserver gets the embedded issuer's session ID, so that its
/// audit log can be joined with ours. `.internal` is reserved for private use (ICANN resolution
/// 2024.07.29.06), so the prefix cannot belong to another party.
pub const SESSION_ID_KEY: &str = "kubectl-login.internal/session-id";

const MAX_FILE: u64 = 1024 * 1024;

/// The joined content of the files.
#[derive(Debug)]
pub struct Loaded {
    /// What a reload replaces.
    pub bundle: Bundle,
    /// The embedded issuer.
    pub issuer: Option<IssuerSection>,
    /// How many answers are cached, and for how long.
    pub result_cache: ResultCacheSettings,
    /// Which decisions are recorded, and where.
    pub audit: AuditSettings,
    /// Where traces are sent, if any.
    pub traces: Option<TraceSettings>,
    /// The file with the list of revocations, if any.
    pub revocations_file: Option<PathBuf>,
    /// What is unusual but not wrong.
    pub warnings: Vec<Problem>,
}

/// What a running server uses already.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'r> {
    /// The settings that only a restart changes.
    pub running: &'r Running,
    /// The list of revocations; its file is not read again.
    pub revocations: ListInForce<'r>,
    /// Every issuer of the other file whose tokens were accepted since the start.
    pub known_issuers: &'r BTreeSet<String>,
}

impl Loaded {
    /// Whether no token could be accepted. Such a configuration is valid: a running server applies
    /// it; one that starts would have nothing to do.
    pub fn accepts_nobody(&self) -> bool {
        let policy = &self.bundle.policy;
        policy.issuers().is_empty()
            && policy.remotes().is_empty()
            && policy.static_tokens().is_none_or(StaticTokens::is_empty)
    }
}

/// Reads both files and those that they name; either may be omitted. Returns all faults of all
/// files at once. All reads go through `files`, from which a running server knows what to watch.
pub fn load(
    files: &TrackedFiles,
    configuration: Option<&Path>,
    authentication_configuration: Option<&Path>,
) -> Result<Loaded, Vec<Problem>> {
    load_beside(files, configuration, authentication_configuration, None)
}

/// The same for a running server: settings that only a restart changes stay, with a warning, and so
/// does the list of revocations, unless another file is named.
pub fn load_beside(
    files: &TrackedFiles,
    configuration: Option<&Path>,
    authentication_configuration: Option<&Path>,
    beside: Option<Beside<'_>>,
) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut document = match configuration {
        None => Document::default(),
        Some(path) => read(files, path, &mut problems, document::parse).unwrap_or_default(),
    };
    if let Some(folder) = configuration.and_then(Path::parent) {
        document.resolve(folder);
    }
    let mut stays =
        beside.map(|beside| beside.running.keep(&mut document, configuration)).unwrap_or_default();
    let authentication = authentication_configuration
        .and_then(|path| read(files, path, &mut problems, authentication_configuration::parse));
    let (mut external, mut warnings) =
        authentication.map(|file| (file.issuers, file.warnings)).unwrap_or_default();
    warnings.append(&mut document.warnings);
    warnings.append(&mut stays);
    if let (Some(section), Some(path)) = (&document.issuer, authentication_configuration) {
        let embedded = &section.settings.issuer;
        if let Some(index) = external.iter().position(|issuer| issuer.issuer == *embedded) {
            problems.push(Problem {
                file: path.display().to_string(),
                line: None,
                key: format!("jwt[{index}].issuer.url"),
                message: format!("`{embedded}` is the embedded issuer, which needs no entry"),
            });
        }
    }
    if let Some(path) = configuration {
        let (name, settings) = (path.display().to_string(), &document.issuers);
        let source = (name.as_str(), files);
        let none = BTreeSet::new();
        let known = beside.map_or(&none, |beside| beside.known_issuers);
        let mut odd = issuers::apply(settings, &mut external, source, known, &mut problems);
        warnings.append(&mut odd);
    }
    let mut authenticators = configuration.map_or_else(Authenticators::default, |path| {
        let mut notes = Notes { problems: &mut problems, warnings: &mut warnings };
        let list = beside.map(|beside| beside.revocations);
        authenticators::load(&document, path, files, list, &mut notes)
    });
    let published_client = configuration.and_then(|path| {
        published::client(&document, path, files).map_err(|problem| problems.push(problem)).ok()?
    });
    warnings.extend(published_elsewhere(&document, configuration, &external));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut issuers: Vec<IssuerPolicy> = document.issuer.iter().map(embedded_policy).collect();
    issuers.append(&mut external);
    let remotes = std::mem::take(&mut authenticators.parties);
    let policy = Policy::new(issuers, document.guard.clone());
    let longest = document.max_token_bytes.unwrap_or(DEFAULT_TOKEN_LENGTH);
    let policy = authenticators.join(policy.with_max_token_length(longest));
    let revocations_file = document.revocations.map(|file| file.path);
    let list = revocations_file.as_deref();
    warnings.append(&mut authenticators::unknown_issuers(&policy, list));
    let mut loaded = Loaded {
        bundle: Bundle { policy, remotes, published_client },
        issuer: document.issuer,
        result_cache: document.result_cache,
        audit: document.audit,
        revocations_file,
        traces: document.traces,
        warnings,
    };
    if loaded.accepts_nobody() {
        let warning = nothing_to_accept(configuration, authentication_configuration);
        loaded.warnings.push(warning);
    }
    Ok(loaded)
}

/// The policy for tokens of the embedded issuer: access tokens for the cluster, and ID tokens of
/// the public client, which kubectl sends.
pub fn embedded_policy(section: &IssuerSection) -> IssuerPolicy {
    let settings = &section.settings;
    let claim = |claim: &str, prefix: &String| PrefixedClaim {
        claim: claim.to_owned(),
        prefix: prefix.clone(),
    };
    // The uid is `<issuer>#<sub>`; a user's `sub` is not reused when the name passes to another.
    let mut mapping = ClaimMapping::of_claims(
        claim("preferred_username", &section.username_prefix),
        Some(claim("groups", &section.groups_prefix)),
    );
    mapping.session =
        Some(SessionClaim { claim: "sid".to_owned(), extra_key: SESSION_ID_KEY.to_owned() });
    let audiences = vec![settings.cluster_audience.clone(), PUBLIC_CLIENT_ID.to_owned()];
    IssuerPolicy::new(settings.issuer.clone(), audiences, mapping)
}

fn read<T>(
    files: &TrackedFiles,
    path: &Path,
    problems: &mut Vec<Problem>,
    parse: impl Fn(&str, &str) -> Result<T, Vec<Problem>>,
) -> Option<T> {
    let file = path.display().to_string();
    let text = match files.read_text(path, MAX_FILE) {
        Ok(text) => text,
        Err(fault) => {
            let message = causes::one_line(&fault);
            problems.push(Problem { file, line: None, key: String::new(), message });
            return None;
        }
    };
    parse(&text, &file).map_err(|mut found| problems.append(&mut found)).ok()
}

/// Warns if the published issuer's tokens are not accepted here. kube-apiserver may accept them
/// itself, so it is no fault.
fn published_elsewhere(
    document: &Document,
    file: Option<&Path>,
    external: &[IssuerPolicy],
) -> Option<Problem> {
    let section = document.published_client.as_ref()?;
    let published = section.issuer.as_ref()?;
    let embedded = document.issuer.as_ref().map(|section| &section.settings.issuer);
    let is_accepted = Some(published) == embedded
        || external.iter().any(|accepted| accepted.issuer == *published);
    (!is_accepted).then(|| Problem {
        file: file.map_or_else(String::new, |file| file.display().to_string()),
        line: Some(section.line),
        key: "publishedClient.issuerURL".to_owned(),
        message: format!("tokens of `{published}` are not accepted here"),
    })
}

fn nothing_to_accept(configuration: Option<&Path>, authentication: Option<&Path>) -> Problem {
    let (file, key) = match (authentication, configuration) {
        (Some(path), _) => (path.display().to_string(), "jwt"),
        (None, Some(path)) => (path.display().to_string(), "issuer"),
        (None, None) => ("command line".to_owned(), ""),
    };
    Problem {
        file,
        line: None,
        key: key.to_owned(),
        message:
            "no issuer and no other source of tokens is configured: give `--config` with `issuer`, \
                  `introspection` or `staticTokens`, or `--authentication-config` with an entry \
                  in `jwt`"
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests write their input files")]

    use super::*;

    fn load_texts(own: Option<&str>, kubernetes: Option<&str>) -> Result<Loaded, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str, text: Option<&str>| {
            let path = folder.path().join(name);
            text.map(|text| {
                std::fs::write(&path, text).unwrap();
                path
            })
        };
        let (own, kubernetes) = (place("own.yaml", own), place("kubernetes.yaml", kubernetes));
        let folder = format!("{}/", folder.path().display());
        load(&TrackedFiles::default(), own.as_deref(), kubernetes.as_deref())
            .map_err(|found| found.iter().map(|p| p.to_string().replace(&folder, "")).collect())
    }

    const OWN: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";
    const EMBEDDED: &str = "issuer: {url: \"https://id.example\"}\n";

    fn kubernetes(issuer: &str) -> String {
        format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n\
             - issuer: {{url: \"{issuer}\", audiences: [a]}}\n  \
             claimMappings: {{username: {{claim: sub, prefix: \"\"}}}}\n"
        )
    }

    #[test]
    fn the_published_client_is_that_of_the_embedded_issuer_unless_another_is_configured() {
        let published = |own: &str, kubernetes: Option<&str>| {
            load_texts(Some(own), kubernetes)
                .map(|loaded| loaded.bundle.published_client.map(|client| client.render()))
        };
        let embedded = format!("{OWN}{EMBEDDED}");
        let client = published(&embedded, None).unwrap().unwrap();
        assert!(client.contains(r#""clientID":"kubectl-login""#), "{client}");
        assert!(client.contains(r#""issuerURL":"https://id.example""#), "{client}");
        let more = format!("{embedded}publishedClient: {{scopes: [groups]}}\n");
        assert!(published(&more, None).unwrap().unwrap().contains(r#""scopes":["groups"]"#));

        let other = kubernetes("https://other.example");
        assert_eq!(published(OWN, Some(&other)).unwrap(), None);
        let text = format!(
            "{OWN}publishedClient: {{issuerURL: \"https://other.example\", clientID: k}}\n"
        );
        let client = published(&text, Some(&other)).unwrap().unwrap();
        assert!(client.contains(r#""clientID":"k""#), "{client}");
        for (keys, fault) in [
            ("{clientID: k}", "publishedClient.issuerURL: is required without an embedded issuer"),
            (
                "{issuerURL: \"https://other.example\"}",
                "publishedClient.clientID: is required for another issuer",
            ),
        ] {
            let text = format!("{OWN}publishedClient: {keys}\n");
            let expected = [format!("own.yaml:3: {fault}")];
            assert_eq!(published(&text, Some(&other)).unwrap_err(), expected);
        }
        let text = format!("{embedded}publishedClient:\n  certificateAuthorityFile: own.yaml\n");
        let faults = published(&text, None).unwrap_err();
        assert!(faults.len() == 1 && faults[0].starts_with("own.yaml:5: "), "{faults:?}");
    }

    #[test]
    fn both_files_make_one_policy() {
        let own = format!("{OWN}{EMBEDDED}");
        let loaded = load_texts(Some(&own), Some(&kubernetes("https://other.example"))).unwrap();
        let issuers: Vec<_> =
            loaded.bundle.policy.issuers().iter().map(|issuer| issuer.issuer.as_str()).collect();
        assert_eq!(issuers, ["https://id.example", "https://other.example"]);
        let embedded = loaded.bundle.policy.issuers().first().unwrap();
        assert_eq!(embedded.audiences, ["kubernetes", "kubectl-login"]);
    }

    #[test]
    fn the_embedded_issuer_may_not_be_configured_twice() {
        let own = format!("{OWN}{EMBEDDED}");
        assert_eq!(
            load_texts(Some(&own), Some(&kubernetes("https://id.example"))).unwrap_err(),
            [
                "kubernetes.yaml: jwt[0].issuer.url: `https://id.example` is the embedded issuer, which needs no entry"
            ]
        );
    }

    #[test]
    fn faults_of_both_files_come_together() {
        let found = load_texts(Some("kind: x\n"), Some("kind: y\n")).unwrap_err();
        assert!(found.iter().any(|fault| fault.starts_with("own.yaml:1: kind:")), "{found:?}");
        assert!(
            found.iter().any(|fault| fault.starts_with("kubernetes.yaml:1: kind:")),
            "{found:?}"
        );
    }

    #[test]
    fn a_revocation_for_an_issuer_that_nobody_knows_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.yaml");
        let entries = "- {issuer: \"https://id.example\", jti: a}\n\
                       - {issuer: \"https://id.example/\", jti: a}\n- {jti: b}\n";
        std::fs::write(&list, entries).unwrap();
        let own = format!("{OWN}{EMBEDDED}revocations: {{file: \"{}\"}}\n", list.display());
        let loaded = load_texts(Some(&own), None).unwrap();
        let warned: Vec<&str> =
            loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
        let expected = "`https://id.example/` is not configured, so its entries end no token";
        assert_eq!(warned, [expected]);
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "s").unwrap();
        let introspection = format!(
            "introspection:\n- url: https://as.example/introspect\n  clientID: kube\n  \
             clientSecretFile: \"{}\"\n  audiences: [cluster]\n  claimMappings:\n    \
             username: {{claim: sub, prefix: \"as:\"}}\n",
            secret.display()
        );
        let loaded = load_texts(Some(&(own + &introspection)), None).unwrap();
        let warned: Vec<&str> =
            loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
        let expected = "`https://id.example/` is not configured, so its entries end only tokens \
                        of which `https://as.example/introspect` names it";
        assert!(warned.contains(&expected), "{warned:?}");
    }

    #[test]
    fn a_file_that_names_nobody_is_right_and_told() {
        let kubernetes = |rest: &str| {
            let head =
                "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
            format!("{head}{rest}")
        };
        let anonymous = "anonymous: {enabled: true, conditions: [{path: /livez}]}\n";
        for (own, other) in [
            (None, None),
            (Some(OWN.to_owned()), None),
            (Some(format!("{OWN}introspection: []\nstaticTokens: {{}}\nissuers: []\n")), None),
            (Some(format!("{OWN}introspection:\nstaticTokens:\nissuer:\n")), None),
            (None, Some(kubernetes("jwt: []\n"))),
            (None, Some(kubernetes("jwt:\n"))),
            (None, Some(kubernetes(""))),
            (None, Some(kubernetes("anonymous: {enabled: false}\n"))),
            (None, Some(kubernetes(anonymous))),
        ] {
            let loaded = load_texts(own.as_deref(), other.as_deref()).unwrap();
            assert!(loaded.accepts_nobody(), "{own:?} {other:?}");
            let last = loaded.warnings.last().unwrap();
            assert!(
                last.message.contains("no issuer and no other source of tokens is configured"),
                "{last}"
            );
        }
        let accepted = load_texts(Some(&format!("{OWN}{EMBEDDED}")), None).unwrap();
        assert!(!accepted.accepts_nobody() && accepted.warnings.is_empty());
    }

    #[test]
    fn a_restriction_without_a_value_is_no_absent_one() {
        let issuers = "issuers:\n- url: https://other.example\n";
        let introspection = "introspection:\n- url: https://as.example/i\n";
        for (text, key) in [
            ("issuers:\n", "issuers"),
            ("revocations:\n", "revocations"),
            ("revocations: ~\n", "revocations"),
            (&format!("{issuers}  algorithms:\n"), "issuers[0].algorithms"),
            (&format!("{issuers}  authorizedParties:\n"), "issuers[0].authorizedParties"),
            (&format!("{issuers}  maxTokenLifetime: null\n"), "issuers[0].maxTokenLifetime"),
            (&format!("{issuers}  jwks:\n"), "issuers[0].jwks"),
            (&format!("{issuers}  jwksFile:\n"), "issuers[0].jwksFile"),
            (&format!("{issuers}  keySetMaxAge:\n"), "issuers[0].keySetMaxAge"),
            (&format!("{introspection}  issuer:\n"), "introspection[0].issuer"),
            (&format!("{introspection}  tokenPrefix:\n"), "introspection[0].tokenPrefix"),
            (&format!("{introspection}  requiredScopes:\n"), "introspection[0].requiredScopes"),
            (
                &format!("{introspection}  certificateAuthorityFile:\n"),
                "introspection[0].certificateAuthorityFile",
            ),
            ("issuer:\n  url: https://id.example\n  usernamePrefix:\n", "issuer.usernamePrefix"),
        ] {
            let kubernetes = kubernetes("https://other.example");
            let faults = load_texts(Some(&format!("{OWN}{text}")), Some(&kubernetes)).unwrap_err();
            let expected = format!("{key}: has no value; leave the key out, or give it one");
            assert!(faults.iter().any(|fault| fault.ends_with(&expected)), "{text}: {faults:?}");
        }
    }

    #[test]
    fn relative_paths_begin_where_the_configuration_lies() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("below");
        std::fs::create_dir(&below).unwrap();
        let write = |name: &str, text: &str| std::fs::write(below.join(name), text).unwrap();
        write("list.yaml", "- {jti: a}\n");
        write("tokens.csv", "0123456789abcdefghijklmnop,jane,1\n");
        write("hashed.yaml", "[]\n");
        write("secret", "s\n");
        write("keys.json", "{\"keys\": []}");
        write("kubernetes.yaml", &kubernetes("https://other.example"));
        write(
            "own.yaml",
            &format!(
                "{OWN}revocations: {{file: list.yaml}}\naudit: {{file: audit.log}}\n\
                 staticTokens: {{file: ./tokens.csv, hashedFile: ../below/hashed.yaml}}\n\
                 issuers: [{{url: \"https://other.example\", jwksFile: keys.json}}]\n\
                 introspection:\n- url: https://as.example/i\n  clientID: k\n  \
                 clientSecretFile: secret\n  audiences: [c]\n  claimMappings: \
                 {{username: {{claim: sub, prefix: \"as:\"}}}}\n"
            ),
        );
        let (own, other) = (below.join("own.yaml"), below.join("kubernetes.yaml"));
        let loaded = load(&TrackedFiles::default(), Some(&own), Some(&other)).unwrap();
        assert_eq!(loaded.bundle.policy.revocations().len(), 1);
        assert_eq!(loaded.revocations_file, Some(below.join("list.yaml")));
        assert_eq!(loaded.audit.file, Some(below.join("audit.log")));
        assert_eq!(loaded.bundle.policy.static_tokens().unwrap().len(), 1);
    }

    #[test]
    fn settings_of_an_issuer_that_was_removed_do_not_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (folder.path().join("own.yaml"), folder.path().join("k.yaml"));
        let url = "https://other.example";
        std::fs::write(&own, format!("{OWN}issuers: [{{url: \"{url}\"}}]\n")).unwrap();
        std::fs::write(&other, kubernetes("https://third.example")).unwrap();
        let load = |known: &[&str]| {
            let running = Running {
                issuer: None,
                result_cache: ResultCacheSettings::default(),
                audit: AuditSettings::default(),
                traces: None,
            };
            let list = std::sync::Arc::default();
            let beside = Beside {
                running: &running,
                revocations: ListInForce { file: None, list: &list },
                known_issuers: &known.iter().map(ToString::to_string).collect(),
            };
            load_beside(&TrackedFiles::default(), Some(&own), Some(&other), Some(beside))
        };
        let loaded = load(&[url]).unwrap();
        assert!(loaded.warnings[0].message.contains("any more; remove the entry"));
        // The issuer that was meant would lack its restrictions.
        assert!(load(&["https://third.example"]).is_err() && load(&[]).is_err());
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing = Path::new("/dev/null/s.yaml");
        let found = load(&TrackedFiles::default(), Some(missing), None).unwrap_err();
        assert!(found.iter().any(|fault| fault.to_string().contains("could not read")));
    }
}
