//! `audit`: where decisions are recorded, and whether kube-apiserver gets their IDs.
//! Never turns the records off: the log's filter does that.

use std::path::PathBuf;

use login_review::config::{Faults, Field, Key};

use crate::telemetry::audit::AuditSettings;

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[
    Key::of("file", "Where records are written; without it, they go to the log."),
    Key::of(
        "decisionIDInExtra",
        "Whether kube-apiserver gets the ID of the decision in `extra` (`true`).",
    ),
    Key::of(
        "everyNthRepeat",
        "Of the answers from the cache, every n-th is recorded; 0 (the default) records none.",
    ),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> AuditSettings {
    let mut settings = AuditSettings::default();
    let Some(keys) = field.keys(KEYS, faults) else {
        return settings;
    };
    if let Some(field) = keys.field("file")
        && let Some(text) = field.text(faults)
    {
        if text.is_empty() {
            field.fault(faults, "must name a file");
        } else {
            settings.file = Some(PathBuf::from(text));
        }
    }
    if let Some(told) = keys.field("decisionIDInExtra").and_then(|field| field.flag(faults)) {
        settings.decision_id_in_extra = told;
    }
    if let Some(every) = keys.field("everyNthRepeat").and_then(|field| field.number(faults)) {
        settings.every_nth_repeat = every;
    }
    settings
}
