//! `resultCache`: how many answers are cached, and for how long.
//! Never longer than ten minutes.

use std::time::Duration;

use login_review::config::{Faults, Field, Key};

use super::bounded;
use crate::evidence::result_cache::ResultCacheSettings;

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[
    Key::of("maxBytes", "The size of the cache in bytes (33554432); 0 turns it off."),
    Key::of(
        "ttl",
        "How long an accepting answer is cached (60s, at most 10m, until its token expires).",
    ),
    Key::of("negativeTTL", "How long a refusal is cached (10s, at most 10m)."),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> ResultCacheSettings {
    let mut settings = ResultCacheSettings::default();
    let Some(cache) = field.keys(KEYS, faults) else {
        return settings;
    };
    if let Some(bytes) = cache.field("maxBytes").and_then(|field| field.number(faults)) {
        settings.max_bytes = bytes;
    }
    // kube-apiserver's own cache is two minutes; a longer time here only delays the operator's
    // changes.
    let (least, most) = (Duration::ZERO, Duration::from_mins(10));
    if let Some(ttl) = bounded(&cache, "ttl", least, most, faults) {
        settings.ttl = ttl;
    }
    if let Some(ttl) = bounded(&cache, "negativeTTL", least, most, faults) {
        settings.negative_ttl = ttl;
    }
    settings
}
