//! Builds what a review needs, without sockets: the configuration in force, and the known keys.
//! Never writes into the issuer's database, nor anything else into the state folder that `serve`
//! would not.

use std::{path::Path, sync::Arc};

use login_issuer::{Issuer, store::SqliteStore};
use login_review::EndedSessions;

use super::advice::Network;
use crate::{
    commands::administration::{DATABASE, not_usable},
    config::{Limits, load::Loaded},
    evidence::{
        EndedSessionsInForce,
        key_sets::{KeySetIntervals, KeySources},
    },
    gather::Judge,
    in_force::InForce,
    report::Failure,
    system::clock::Clock,
};

/// See the head of this file.
pub(super) struct Bench {
    pub(super) judge: Judge,
    pub(super) in_force: InForce,
}

impl Bench {
    /// Offline, no request is sent.
    pub(super) fn new(
        loaded: Loaded,
        state_dir: Option<&Path>,
        api_audiences: Option<Vec<String>>,
        network: Network,
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
                let issuer =
                    Issuer::open(section.settings.clone(), Box::new(store), Clock::HOST.now());
                let failed = "could not read the embedded issuer's database";
                Some(issuer.map_err(|fault| Failure::runtime(failed).because(&fault))?)
            }
            _ => None,
        };
        let sources =
            KeySources::new(issuer.as_ref(), state_dir, KeySetIntervals::default(), Clock::HOST);
        let in_force = if network == Network::Online {
            InForce::new(loaded.bundle, None, &sources)
        } else {
            InForce::offline(loaded.bundle.policy, &sources)
        };
        let url = issuer.as_ref().map(|issuer| issuer.settings().issuer.as_str());
        let ended_sessions = EndedSessionsInForce::new(url);
        // Where they cannot be read they stay unknown, as at a server.
        if let (Some(url), Some(Ok(ended))) =
            (url, issuer.as_ref().map(|issuer| issuer.ended_sessions(Clock::HOST.now())))
        {
            ended_sessions.learn(EndedSessions::new(url, ended));
        }
        let judge = Judge::new(api_audiences, Arc::new(ended_sessions), &Limits::default());
        Ok(Self { judge, in_force })
    }
}
