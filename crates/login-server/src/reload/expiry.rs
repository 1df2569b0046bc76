//! Warns before certificates expire, and again at each step towards it.
//! Never refuses anything: a clock may be wrong.

use std::time::Duration;

use login_common::UnixTime;

use crate::tls::{CertificateUse, certificate::Validity};

const DAY: Duration = Duration::from_hours(24);

/// How near the expiry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    NotYet,
    Month,
    Week,
    Day,
    Over,
}

/// Remembers what was logged.
#[derive(Debug, Default)]
pub(super) struct ExpiryWarnings {
    said: Vec<(CertificateUse, Validity, Step)>,
}

impl ExpiryWarnings {
    /// Logs what has not been logged about these certificates.
    pub(super) fn warn(&mut self, validity: &[(CertificateUse, Validity)], now: UnixTime) {
        let steps = validity.iter().filter_map(|(which, validity)| {
            step(*validity, now).map(|step| (*which, *validity, step))
        });
        let steps: Vec<_> = steps.collect();
        for (which, validity, step) in steps.iter().filter(|step| !self.said.contains(step)) {
            let (which, from, until) = (which.as_str(), validity.from, validity.until);
            match step {
                Step::Over => tracing::error!(which, %until, "a certificate has expired"),
                Step::NotYet => tracing::warn!(which, %from, "a certificate is not valid yet"),
                Step::Month | Step::Week | Step::Day => {
                    let days = until.since(now).as_secs() / DAY.as_secs();
                    tracing::warn!(which, %until, days, "a certificate expires soon");
                }
            }
        }
        self.said = steps;
    }
}

fn step(validity: Validity, now: UnixTime) -> Option<Step> {
    if now < validity.from {
        return Some(Step::NotYet);
    }
    if validity.until < now {
        return Some(Step::Over);
    }
    let left = validity.until.since(now);
    let steps = [(DAY, Step::Day), (DAY * 7, Step::Week), (DAY * 30, Step::Month)];
    steps.into_iter().find(|(limit, _)| left <= *limit).map(|(_, step)| step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_comes_in_steps_and_each_is_said_once() {
        let day = i64::try_from(DAY.as_secs()).unwrap();
        let at = |days: i64| UnixTime::from_seconds(days * day);
        let validity = Validity { from: at(100), until: at(200) };
        for (days, expected) in [
            (99, Some(Step::NotYet)),
            (100, None),
            (169, None),
            (170, Some(Step::Month)),
            (193, Some(Step::Week)),
            (199, Some(Step::Day)),
            (200, Some(Step::Day)),
            (201, Some(Step::Over)),
        ] {
            assert_eq!(step(validity, at(days)), expected, "{days}");
        }
        let mut warnings = ExpiryWarnings::default();
        warnings.warn(&[(CertificateUse::Serving, validity)], at(180));
        assert_eq!(warnings.said, [(CertificateUse::Serving, validity, Step::Month)]);
        let renewed = Validity { until: at(900), ..validity };
        warnings.warn(&[(CertificateUse::Serving, renewed)], at(180));
        assert_eq!(warnings.said, []);
    }
}
