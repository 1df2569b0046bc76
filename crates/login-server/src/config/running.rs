//! What only a restart changes: the embedded issuer, the size of the result cache, where records and traces go.
//! Never lets a change of it pass in silence.

use std::path::Path;

use login_review::config::Problem;

use super::document::{Document, IssuerSection};
use crate::{
    evidence::result_cache::ResultCacheSettings,
    telemetry::{audit::AuditSettings, traces::TraceSettings},
};

/// What a running server was started with.
#[derive(Clone, Debug)]
pub struct Running {
    /// The embedded issuer.
    pub issuer: Option<IssuerSection>,
    /// How much is remembered.
    pub result_cache: ResultCacheSettings,
    /// What is recorded, and where.
    pub audit: AuditSettings,
    /// Where traces go.
    pub traces: Option<TraceSettings>,
}

impl Running {
    /// Puts into `document` what stays as it is, and tells what was asked for instead.
    pub(super) fn keep(&self, document: &mut Document, file: Option<&Path>) -> Vec<Problem> {
        let mut kept = Vec::new();
        let mut stays = |key: &str, is_changed: bool| {
            if is_changed {
                kept.push(Problem {
                    file: file.map(|file| file.display().to_string()).unwrap_or_default(),
                    line: None,
                    key: key.to_owned(),
                    message: "is changed by a restart only; it stays as it was".to_owned(),
                });
            }
        };
        stays("issuer", document.issuer != self.issuer);
        stays("resultCache", document.result_cache != self.result_cache);
        stays("audit", document.audit != self.audit);
        stays("telemetry", document.traces != self.traces);
        document.traces.clone_from(&self.traces);
        document.audit.clone_from(&self.audit);
        document.issuer.clone_from(&self.issuer);
        document.result_cache = self.result_cache;
        kept
    }
}

#[cfg(test)]
mod tests {
    use login_common::names::IssuerUrl;

    use super::*;

    #[test]
    fn what_needs_a_restart_stays_and_is_named() {
        let section = |url| Some(IssuerSection::new(IssuerUrl::parse(url).unwrap()));
        let running = Running {
            issuer: section("https://one.example"),
            result_cache: ResultCacheSettings::default(),
            audit: AuditSettings::default(),
            traces: None,
        };
        let other_cache = ResultCacheSettings { max_bytes: 1, ..ResultCacheSettings::default() };
        for (issuer, result_cache, expected) in [
            (section("https://one.example"), running.result_cache, &[][..]),
            (section("https://two.example"), running.result_cache, &["issuer"][..]),
            (None, other_cache, &["issuer", "resultCache"][..]),
        ] {
            let mut document = Document { result_cache, issuer, ..Document::default() };
            let kept = running.keep(&mut document, Some(Path::new("own.yaml")));
            let kept: Vec<_> = kept.iter().map(|problem| problem.key.as_str()).collect();
            assert_eq!(kept, expected);
            assert_eq!(document.issuer, running.issuer);
            assert_eq!(document.result_cache, running.result_cache);
        }
    }
}
