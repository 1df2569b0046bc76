//! `audit`: where decisions are recorded, and whether kube-apiserver gets their IDs.
//! Never turns the records off: the log's filter does that.

use std::path::PathBuf;

use login_review::config::{Faults, Field};

use crate::telemetry::audit::AuditSettings;

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> AuditSettings {
    let mut settings = AuditSettings::default();
    let Some(keys) = field.mapping(&["file", "decisionIDInExtra", "everyNthRepeat"], faults) else {
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
