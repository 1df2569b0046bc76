//! Errors of a renewal, apart from those of its flow.
//! Never contain a token or a part of one.

use login_cache::{backoff::Effect, refresh_secret::Sealed, renewal_lock::LockError};
use login_common::{causes, names::IssuerUrl};
use thiserror::Error;

use crate::report::{Failure, Fault, Report, Reported};

/// Why there is no token although no flow failed in this process.
#[derive(Debug, Error)]
pub(super) enum RenewalError {
    /// A recent failure that is still in force.
    #[error("{}", report.error)]
    Remembered {
        /// The report of that failure.
        report: Box<Report>,
        /// How many seconds it stays in force; zero if only waiting processes share it.
        seconds_left: u64,
    },
    /// The process that was signing in ended without a result.
    #[error("the sign-in that process {process} had begun was given up")]
    Abandoned {
        /// The process.
        process: u32,
    },
    /// The cluster refuses the token, and the issuer refuses to renew it.
    #[error("the session at `{issuer}` has ended; the issuer does not renew it any more")]
    Ended {
        /// The issuer that refused.
        issuer: IssuerUrl,
    },
    /// The refresh token cannot be read, and no user can sign in anew.
    #[error("the session at `{issuer}` cannot be renewed now, and no user can be asked to sign in")]
    Sealed {
        /// The issuer of the session.
        issuer: IssuerUrl,
        /// Why.
        #[source]
        source: Sealed,
    },
}

impl Reported for RenewalError {
    fn fault(&self) -> Fault {
        match self {
            Self::Remembered { report, .. } => report.fault,
            Self::Abandoned { .. } => Fault::Refused,
            Self::Ended { .. } | Self::Sealed { .. } => Fault::NeedsPerson,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Remembered { seconds_left: 0, report } => report.hint.clone(),
            Self::Remembered { seconds_left, .. } => Some(format!(
                "this is the last attempt's outcome; the next one is made in {seconds_left} s, \
                 `kubectl-login login` makes one now"
            )),
            Self::Abandoned { .. } => {
                Some("`kubectl-login login` makes another attempt at once".into())
            }
            Self::Ended { .. } => Some("sign in again with `kubectl-login login`".into()),
            Self::Sealed { source, .. } => Some(source.hint().into()),
        }
    }

    fn causes(&self) -> Vec<String> {
        match self {
            Self::Remembered { report, .. } => report.causes.clone(),
            Self::Sealed { source, .. } => causes::chain(source),
            Self::Abandoned { .. } | Self::Ended { .. } => Vec::new(),
        }
    }
}

impl Reported for LockError {
    fn fault(&self) -> Fault {
        Fault::Refused
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Busy { .. } => {
                Some("finish that sign-in in the browser, or end that process".into())
            }
            Self::Store(_) | Self::Unsupported { .. } => None,
        }
    }
}

/// A failure, and what it does to other processes.
pub(super) struct Unrenewed {
    pub(super) failure: Failure,
    /// `None` if no other process adopts it.
    pub(super) effect: Option<Effect>,
}

impl Unrenewed {
    pub(super) fn alone(failure: Failure) -> Self {
        Self { failure, effect: None }
    }

    pub(super) fn shared(failure: Failure) -> Self {
        Self { failure, effect: Some(Effect::Shared) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use login_cache::store::StoreError;

    #[test]
    fn a_remembered_failure_reads_like_the_first_but_for_its_hint() {
        let report = Report {
            fault: Fault::Refused,
            error: "e".to_owned(),
            causes: vec!["c".to_owned()],
            hint: Some("h".to_owned()),
        };
        let shown = |seconds_left| {
            let report = Box::new(report.clone());
            Report::from(&Failure::from(RenewalError::Remembered { report, seconds_left }))
        };
        assert_eq!(shown(0), report);
        assert_eq!((shown(7).error, shown(7).causes), ("e".to_owned(), vec!["c".to_owned()]));
        assert!(shown(7).hint.unwrap().contains("in 7 s"));
    }

    #[test]
    fn every_cause_of_a_sealed_refresh_token_is_shown() {
        let disk = StoreError::Write {
            path: "key".into(),
            source: std::io::Error::other("the disk is full"),
        };
        let failure = RenewalError::Sealed {
            issuer: IssuerUrl::parse("https://id.example.com").unwrap(),
            source: Sealed::NoPlace(disk.into()),
        };
        let causes = Report::from(&Failure::from(failure)).causes;
        let expected = [
            "a renewed refresh token could not be kept",
            "could not write `key`",
            "the disk is full",
        ];
        assert_eq!(causes, expected);
    }
}
