//! Builds what a review needs, without sockets: the configuration in force, and the known keys.
//! Never writes into the issuer's database, nor anything else into the state folder that `serve`
//! would not.

use std::{path::Path, sync::Arc};

use login_issuer::{Issuer, store::SqliteStore};

use crate::{
    commands::administration::{DATABASE, not_usable},
    config::{Limits, ServerConfig, load::Loaded},
    evidence::{KeySets, key_sets::KeySetIntervals, result_cache::ResultCacheSettings},
    in_force::InForce,
    reload::Watched,
    report::Failure,
    start::State,
    system::clock,
    telemetry::audit::AuditSettings,
    tls::ClientCertificate,
};

/// See the head of this file.
pub(super) struct Bench {
    pub(super) state: State,
    pub(super) in_force: Arc<InForce>,
}

impl Bench {
    /// Without `is_online`, no request is sent.
    pub(super) fn new(
        loaded: Loaded,
        state_dir: Option<&Path>,
        api_audiences: Option<Vec<String>>,
        is_online: bool,
    ) -> Result<Self, Failure> {
        if let Some(folder) = state_dir.filter(|folder| !folder.is_dir()) {
            let message = format!("there is no state folder `{}`", folder.display());
            return Err(Failure::configuration(message)
                .hint("give the `--state-dir` of `serve`, or leave it out to know no keys"));
        }
        let issuer = match (&loaded.issuer, state_dir) {
            (Some(section), Some(folder)) if folder.join(DATABASE).exists() => {
                let store = SqliteStore::open_to_read(&folder.join(DATABASE))
                    .map_err(|fault| not_usable(&fault, folder))?;
                let issuer = Issuer::open(section.settings.clone(), Box::new(store), clock::now());
                let failed = "could not read the embedded issuer's database";
                Some(Arc::new(issuer.map_err(|fault| Failure::runtime(failed).because(&fault))?))
            }
            _ => None,
        };
        let folder = state_dir.map(|folder| folder.join("key-sets"));
        let offline = (!is_online).then(|| {
            let local = issuer.as_ref().map(|issuer| {
                (
                    issuer.settings().issuer.as_str(),
                    login_protocols::jose::KeySet::clone(&issuer.key_set()),
                )
            });
            let pace = KeySetIntervals::default();
            KeySets::stored_only(&loaded.bundle.policy, local, folder.as_deref(), pace)
        });
        let policy = loaded.bundle.policy.clone();
        let state = State::new(ServerConfig {
            tls: None,
            client_certificate: ClientCertificate::NotAsked,
            caller_tokens: None,
            bundle: loaded.bundle,
            api_audiences,
            issuer,
            state_dir: state_dir.map(Path::to_owned),
            key_set_intervals: KeySetIntervals::default(),
            result_cache: ResultCacheSettings { max_bytes: 0, ..ResultCacheSettings::default() },
            audit: AuditSettings::default(),
            traces: None,
            limits: Limits::default(),
            watched: Watched::default(),
        })
        .map_err(|fault| Failure::runtime("could not prepare").because(&fault))?;
        let in_force = match offline {
            None => state.in_force(),
            Some(keys) => Arc::new(InForce {
                generation: 0,
                policy,
                keys: Arc::new(keys),
                // Offline, no endpoint is asked.
                groups: Arc::default(),
                remotes: Arc::default(),
                published_client: None,
            }),
        };
        Ok(Self { state, in_force })
    }
}
