//! The groups of files that are replaced together: configuration, revocations, TLS, caller tokens.
//! Never decides whether a file is good: `config`, `tls` and `callers` do.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use arc_swap::ArcSwapOption;
use login_common::{UnixTime, causes, names::IssuerUrl};
use login_review::{Revocations, config::Problem};

use super::{
    status::Kind,
    watched::ConfigurationFiles,
    watched_group::{SeenFiles, Source},
};
use crate::{
    callers,
    config::{
        authenticators::{ListInForce, read_revocations, unknown_issuers},
        exposure::not_covered,
        load::{Beside, Loaded, load_beside},
        running::Running,
    },
    in_force::{Configurations, InForce},
    progress,
    system::{clock::Clock, tracked_files::TrackedFiles},
    tls::{self, CertificateUse, Prepared, ServingTls, TlsFiles},
};

/// The list of revocations that the configuration in force names.
type ListPlace = Arc<ArcSwapOption<PathBuf>>;

pub(super) struct ConfigurationSource {
    configurations: Arc<Configurations>,
    configuration: Option<PathBuf>,
    authentication: Option<PathBuf>,
    list: ListPlace,
    running: Running,
    /// Every issuer whose tokens were accepted since the server started.
    known_issuers: BTreeSet<String>,
}

/// A source, and the files as read at the start.
type FirstRead<S> = (S, SeenFiles);

impl ConfigurationFiles {
    /// The list is its own group: a revocation is an emergency measure, and must not wait until a
    /// mistake elsewhere in the configuration is fixed.
    pub(super) fn sources(
        self,
        configurations: &Arc<Configurations>,
    ) -> (FirstRead<ConfigurationSource>, FirstRead<RevocationSource>) {
        let Self { configuration, authentication, revocations, running, mut seen } = self;
        let of_list = revocations.as_ref().and_then(|list| seen.remove_entry(list));
        let list = Arc::new(ArcSwapOption::new(revocations.map(Arc::new)));
        let revocations = RevocationSource {
            configurations: Arc::clone(configurations),
            list: Arc::clone(&list),
        };
        let known_issuers = issuers_of(&configurations.current());
        let source = ConfigurationSource {
            configurations: Arc::clone(configurations),
            configuration,
            authentication,
            list,
            running,
            known_issuers,
        };
        ((source, seen), (revocations, of_list.into_iter().collect()))
    }
}

impl Source for ConfigurationSource {
    type Read = Loaded;

    fn kind(&self) -> Kind {
        Kind::Configuration
    }

    fn read(&self, files: &TrackedFiles) -> Result<Loaded, Vec<String>> {
        let (own, kubernetes) = (self.configuration.as_deref(), self.authentication.as_deref());
        let (in_force, list) = (self.configurations.current(), self.list.load_full());
        let revocations = ListInForce {
            file: list.as_deref().map(PathBuf::as_path),
            list: in_force.policy.revocations(),
        };
        let known_issuers = &self.known_issuers;
        let beside = Beside { running: &self.running, revocations, known_issuers };
        load_beside(files, own, kubernetes, Some(beside)).map_err(told)
    }

    fn put_in_force(&mut self, loaded: Loaded) {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        self.list.store(loaded.revocations_file.clone().map(Arc::new));
        let before = issuers_of(&self.configurations.current());
        self.configurations.replace(loaded.bundle);
        let in_force = self.configurations.current();
        let now = issuers_of(&in_force);
        for issuer in before.difference(&now) {
            tracing::warn!(issuer, "tokens are not accepted any more");
        }
        self.known_issuers.extend(now);
        progress::tell(&in_force);
    }
}

fn issuers_of(in_force: &InForce) -> BTreeSet<String> {
    in_force.policy.issuers().iter().map(|issuer| issuer.issuer.as_str().to_owned()).collect()
}

pub(super) struct RevocationSource {
    pub(super) configurations: Arc<Configurations>,
    pub(super) list: ListPlace,
}

impl Source for RevocationSource {
    type Read = Revocations;

    fn kind(&self) -> Kind {
        Kind::Revocations
    }

    fn read(&self, files: &TrackedFiles) -> Result<Revocations, Vec<String>> {
        match self.list.load_full() {
            None => Ok(Revocations::default()),
            Some(list) => read_revocations(&list, files).map_err(told),
        }
    }

    fn is_elsewhere(&self, files: &SeenFiles) -> bool {
        files.keys().ne(self.list.load_full().as_deref())
    }

    fn put_in_force(&mut self, list: Revocations) {
        self.configurations.replace_revocations(list);
        let (in_force, file) = (self.configurations.current(), self.list.load_full());
        let file = file.as_deref().map(PathBuf::as_path);
        for warning in unknown_issuers(&in_force.policy, file) {
            tracing::warn!("{warning}");
        }
    }
}

fn told(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

pub(super) struct TlsSource {
    pub(super) files: TlsFiles,
    pub(super) serving: ServingTls,
    /// The embedded issuer, whose pages are reached under this certificate.
    pub(super) issuer: Option<IssuerUrl>,
    pub(super) clock: Clock,
}

impl Source for TlsSource {
    type Read = Prepared;

    fn kind(&self) -> Kind {
        Kind::Tls
    }

    fn read(&self, files: &TrackedFiles) -> Result<Prepared, Vec<String>> {
        let prepared =
            tls::prepare(&self.files, files).map_err(|fault| vec![causes::one_line(&fault)])?;
        let now = self.clock.now();
        // At the start there is nothing better to serve; here there is. A certificate that is not
        // valid yet is refused, too, and so is read again until it is. Only our own certificate
        // counts: a client CA that was removed from its file must not stay in force because the
        // certificate beside it has expired.
        if !is_shown_in_time(&prepared, now) && is_shown_in_time(&self.serving.current(), now) {
            return Err(vec![format!(
                "`{}` has expired or does not count yet, unlike what is in force",
                self.files.certificate.display()
            )]);
        }
        Ok(prepared)
    }

    fn put_in_force(&mut self, prepared: Prepared) {
        if let (Some(issuer), Some(shown)) = (&self.issuer, &prepared.shown)
            && let Some(warning) = not_covered(issuer, shown)
        {
            tracing::warn!("{warning}");
        }
        self.serving.replace(prepared);
    }
}

/// Whether every certificate of the served chain is valid now.
fn is_shown_in_time(prepared: &Prepared, now: UnixTime) -> bool {
    let shown = prepared.validity.iter().filter(|(which, _)| *which == CertificateUse::Serving);
    shown.into_iter().all(|(_, validity)| validity.from <= now && now <= validity.until)
}

pub(super) struct CallerTokenSource {
    pub(super) file: PathBuf,
    pub(super) callers: Arc<callers::Callers>,
}

impl Source for CallerTokenSource {
    type Read = callers::Tokens;

    fn kind(&self) -> Kind {
        Kind::CallerTokens
    }

    fn read(&self, files: &TrackedFiles) -> Result<callers::Tokens, Vec<String>> {
        callers::Tokens::read(&self.file, files).map_err(|fault| vec![causes::one_line(&fault)])
    }

    fn put_in_force(&mut self, tokens: callers::Tokens) {
        if tokens.is_empty() {
            let file = self.file.display();
            tracing::warn!(%file, "holds no token any more; no caller is identified by one");
        }
        self.callers.replace(tokens);
    }
}
