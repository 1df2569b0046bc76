//! The settings that only a restart changes: the embedded issuer, the size of the result cache,
//! where records and traces go.
//! Never ignores a change to them without a warning, and never goes on trusting a removed issuer.

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
    /// How many answers are cached, and for how long.
    pub result_cache: ResultCacheSettings,
    /// Which decisions are recorded, and where.
    pub audit: AuditSettings,
    /// Where traces are sent.
    pub traces: Option<TraceSettings>,
}

impl Running {
    /// Restores the running settings in `document`, and returns a warning for each that differs.
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
        let is_removed = self.issuer.as_ref().is_some_and(|running| {
            let named = document.issuer.as_ref().map(|section| &section.settings.issuer);
            named != Some(&running.settings.issuer)
        });
        stays("issuer", !is_removed && document.issuer != self.issuer);
        stays("resultCache", document.result_cache != self.result_cache);
        stays("audit", document.audit != self.audit);
        stays("telemetry", document.traces != self.traces);
        document.traces.clone_from(&self.traces);
        document.audit.clone_from(&self.audit);
        document.result_cache = self.result_cache;
        if !is_removed {
            document.issuer.clone_from(&self.issuer);
        } else if let Some(running) = &self.issuer {
            // Trust is withdrawn at once. The issuer goes on issuing tokens until the process ends.
            document.issuer = None;
            kept.push(Problem {
                file: file.map(|file| file.display().to_string()).unwrap_or_default(),
                line: None,
                key: "issuer".to_owned(),
                message: format!(
                    "`{}` is not there any more: its tokens are refused from now on; the rest of \
                     this change takes a restart",
                    running.settings.issuer
                ),
            });
        }
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
        let longer = || {
            let mut section = section("https://one.example")?;
            section.settings.session_lifetime *= 2;
            Some(section)
        };
        let running = Running {
            issuer: section("https://one.example"),
            result_cache: ResultCacheSettings::default(),
            audit: AuditSettings::default(),
            traces: None,
        };
        let other_cache = ResultCacheSettings { max_bytes: 1, ..ResultCacheSettings::default() };
        for (issuer, result_cache, expected) in [
            (section("https://one.example"), running.result_cache, &[][..]),
            (longer(), running.result_cache, &["issuer"][..]),
            (section("https://one.example"), other_cache, &["resultCache"][..]),
        ] {
            let mut document = Document { result_cache, issuer, ..Document::default() };
            let kept = running.keep(&mut document, Some(Path::new("own.yaml")));
            let kept: Vec<_> = kept.iter().map(|problem| problem.key.as_str()).collect();
            assert_eq!(kept, expected);
            assert_eq!(document.issuer, running.issuer);
            assert_eq!(document.result_cache, running.result_cache);
        }
        // Another issuer, or none: the running one is no longer trusted.
        for issuer in [section("https://two.example"), None] {
            let mut document = Document { issuer, ..Document::default() };
            let told = running.keep(&mut document, None);
            assert!(told.len() == 1 && told[0].message.contains("refused from now on"), "{told:?}");
            assert_eq!(document.issuer, None);
        }
        // An issuer that was not there at the start takes a restart.
        let running = Running { issuer: None, ..running };
        let issuer = section("https://two.example");
        let mut document = Document { issuer, ..Document::default() };
        assert_eq!(running.keep(&mut document, None).len(), 1);
        assert_eq!(document.issuer, None);
    }
}
