//! `issuer`: the embedded OpenID provider.
//! Never accepts a prefix that would make its users Kubernetes' own.

use std::time::Duration;

use login_common::names::IssuerUrl;
use login_issuer::{IssuerSettings, LONGEST_TOKEN_LIFETIME};
use login_review::{
    config::{Faults, Field, Key},
    guard::RESERVED_PREFIX,
};

use super::bounded;

/// The embedded issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSection {
    /// The settings of `login_issuer`.
    pub settings: IssuerSettings,
    /// Put before `preferred_username`.
    pub username_prefix: String,
    /// Put before each of `groups`.
    pub groups_prefix: String,
}

impl IssuerSection {
    /// The embedded issuer at `url` with all defaults.
    pub fn new(url: IssuerUrl) -> Self {
        Self {
            settings: IssuerSettings::new(url, "kubernetes"),
            username_prefix: String::new(),
            groups_prefix: String::new(),
        }
    }
}

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[
    Key::of("url", "Its URL, as users and kube-apiserver reach it (required)."),
    Key::of("clusterAudience", "The audience of access tokens for the cluster (`kubernetes`)."),
    Key::of("idTokenLifetime", "How long an ID token and an access token are valid (10m)."),
    Key::of("refreshTokenLifetime", "How long a refresh token is valid (24h, at most 90 days)."),
    Key::of("sessionLifetime", "How long a session lasts (168h, at most 365 days)."),
    Key::of("deviceCodeLifetime", "How long a device sign-in may take (10m, at most 1h)."),
    Key::of("devicePollInterval", "How often a device may ask (5s, at most 1m)."),
    Key::of("usernamePrefix", "Precedes each username; must not begin with `system:`.")
        .restricting(),
    Key::of("groupsPrefix", "Precedes each group; must not begin with `system:`.").restricting(),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Option<IssuerSection> {
    let keys = field.keys(KEYS, faults)?;
    let url = keys.required("url", faults).and_then(|field| {
        let text = field.text(faults)?;
        IssuerUrl::parse(text).map_err(|fault| field.fault(faults, fault.to_string())).ok()
    });
    let audience = keys.field("clusterAudience").and_then(|field| {
        let text = field.text(faults)?;
        if text.trim().is_empty() || text.len() > 255 {
            field.fault(faults, "must have 1 to 255 characters");
            return None;
        }
        Some(text.to_owned())
    });
    let prefix = |name: &str, faults: &mut Faults| {
        let field = keys.field(name)?;
        let text = field.text(faults)?;
        if text.starts_with(RESERVED_PREFIX) {
            let message = format!("must not begin with `{RESERVED_PREFIX}`");
            field.fault(faults, message);
        }
        Some(text.to_owned())
    };
    let username_prefix = prefix("usernamePrefix", faults);
    let groups_prefix = prefix("groupsPrefix", faults);
    let second = Duration::from_secs(1);
    let day = Duration::from_hours(24);
    let longest = LONGEST_TOKEN_LIFETIME;
    let token = bounded(&keys, "idTokenLifetime", second, longest, faults);
    let refresh = bounded(&keys, "refreshTokenLifetime", second, day * 90, faults);
    let session = bounded(&keys, "sessionLifetime", second, day * 365, faults);
    let device = bounded(&keys, "deviceCodeLifetime", second, Duration::from_hours(1), faults);
    let poll = bounded(&keys, "devicePollInterval", second, Duration::from_mins(1), faults);

    let mut section = IssuerSection::new(url?);
    let settings = &mut section.settings;
    for (chosen, place) in [
        (token, &mut settings.token_lifetime),
        (refresh, &mut settings.refresh_token_lifetime),
        (session, &mut settings.session_lifetime),
        (device, &mut settings.device_code_lifetime),
        (poll, &mut settings.device_poll_interval),
    ] {
        if let Some(chosen) = chosen {
            *place = chosen;
        }
    }
    if let Some(audience) = audience {
        settings.cluster_audience = audience;
    }
    section.username_prefix = username_prefix.unwrap_or_default();
    section.groups_prefix = groups_prefix.unwrap_or_default();
    Some(section)
}
