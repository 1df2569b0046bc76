//! This program's own file, `kind: LoginServerConfiguration`.
//! Never ignores a key it does not know, never stops at the first fault.

use std::{path::PathBuf, time::Duration};

use login_common::names::{ClientId, IssuerUrl};
use login_issuer::IssuerSettings;
use login_review::{
    Guard,
    config::{Faults, Field, Mapping, Problem, located},
    guard::RESERVED_PREFIX,
};

use super::duration;
use crate::evidence::result_cache::ResultCacheSettings;

/// The `apiVersion` of the file.
pub const API_VERSION: &str = "kubectl-login/v1";
/// The `kind` of the file.
pub const KIND: &str = "LoginServerConfiguration";

/// The checked file. [`Document::default`] is what no file means.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// Names beginning with `system:` that are allowed.
    pub guard: Guard,
    /// How many answers are kept.
    pub result_cache: ResultCacheSettings,
    /// The embedded issuer, if it is wanted.
    pub issuer: Option<IssuerSection>,
    /// What people are told who sign in with nothing but the server's address.
    pub published_client: Option<PublishedClient>,
}

/// What the key `publishedClient` says; what it does not say is that of the embedded issuer.
#[derive(Clone, Debug, Default)]
pub struct PublishedClient {
    /// Another issuer.
    pub issuer: Option<IssuerUrl>,
    /// Another client.
    pub client_id: Option<ClientId>,
    /// Further scopes.
    pub scopes: Vec<String>,
    /// Where the certificate of the issuer's authority is, and the line that says so.
    pub certificate_authority: Option<(PathBuf, u64)>,
    /// The line of the key.
    pub line: u64,
}

/// The embedded issuer.
#[derive(Clone, Debug)]
pub struct IssuerSection {
    /// What the engine needs.
    pub settings: IssuerSettings,
    /// Put before `preferred_username`.
    pub username_prefix: String,
    /// Put before each of `groups`.
    pub groups_prefix: String,
}

impl IssuerSection {
    /// The embedded issuer at `url` with every default.
    pub fn new(url: IssuerUrl) -> Self {
        Self {
            settings: IssuerSettings::new(url, "kubernetes"),
            username_prefix: String::new(),
            groups_prefix: String::new(),
        }
    }
}

/// Reads `text`; `file` is named in problems only. Returns every fault at once.
pub fn parse(text: &str, file: &str) -> Result<Document, Vec<Problem>> {
    let mut faults = Faults::new(file);
    let document = match located::parse(text) {
        Ok(tree) => root(&Field::root(&tree), &mut faults),
        Err(fault) => {
            faults.add(fault.line, "", fault.message);
            None
        }
    };
    match document {
        Some(document) if faults.is_empty() => Ok(document),
        Some(_) | None => Err(faults.into_problems()),
    }
}

fn root(field: &Field<'_>, faults: &mut Faults) -> Option<Document> {
    let known =
        ["apiVersion", "kind", "allowedSystemNames", "resultCache", "issuer", "publishedClient"];
    let root = field.mapping(&known, faults)?;
    for (name, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        if let Some(field) = root.required(name, faults)
            && let Some(text) = field.text(faults)
            && text != expected
        {
            field.fault(faults, format!("must be `{expected}`"));
        }
    }
    let guard = root.field("allowedSystemNames").map(|field| guard(&field, faults));
    let cache = root.field("resultCache").map(|field| result_cache(&field, faults));
    let issuer = root.field("issuer").map(|field| issuer(&field, faults));
    let published = root.field("publishedClient").map(|field| published_client(&field, faults));
    Some(Document {
        guard: guard.unwrap_or_default(),
        result_cache: cache.unwrap_or_default(),
        issuer: match issuer {
            // What is wrong with it is in `faults`.
            Some(section) => Some(section?),
            None => None,
        },
        published_client: match published {
            Some(section) => Some(section?),
            None => None,
        },
    })
}

fn published_client(field: &Field<'_>, faults: &mut Faults) -> Option<PublishedClient> {
    let known = ["issuerURL", "clientID", "scopes", "certificateAuthorityFile"];
    let keys = field.mapping(&known, faults)?;
    let issuer = keys.field("issuerURL").and_then(|field| {
        let text = field.text(faults)?;
        IssuerUrl::parse(text).map_err(|fault| field.fault(faults, fault.to_string())).ok()
    });
    let client_id = keys.field("clientID").and_then(|field| {
        let text = field.text(faults)?;
        ClientId::parse(text).map_err(|fault| field.fault(faults, fault.to_string())).ok()
    });
    let mut scopes = Vec::new();
    for (item, scope) in keys.field("scopes").map(|field| field.texts(faults)).into_iter().flatten()
    {
        // RFC 6749 §3.3 `scope-token`
        let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if scope.is_empty() || !scope.bytes().all(allowed) || scope.contains(',') {
            item.fault(faults, "is not a scope: visible ASCII without quotes and commas");
        } else {
            scopes.push(scope.to_owned());
        }
    }
    let certificate_authority = keys.field("certificateAuthorityFile").and_then(|field| {
        let text = field.text(faults)?;
        Some((PathBuf::from(text), field.line))
    });
    Some(PublishedClient { issuer, client_id, scopes, certificate_authority, line: field.line })
}

fn guard(field: &Field<'_>, faults: &mut Faults) -> Guard {
    let Some(names) = field.mapping(&["users", "groups"], faults) else {
        return Guard::default();
    };
    let users = reserved_names(&names, "users", faults);
    let groups = reserved_names(&names, "groups", faults);
    Guard::new(users, groups)
}

fn reserved_names(names: &Mapping<'_>, key: &str, faults: &mut Faults) -> Vec<String> {
    let Some(field) = names.field(key) else { return Vec::new() };
    let mut allowed = Vec::new();
    for (item, name) in field.texts(faults) {
        if name.strip_prefix(RESERVED_PREFIX).is_none_or(str::is_empty) {
            let message = format!("must begin with `{RESERVED_PREFIX}`; other names need no leave");
            item.fault(faults, message);
        } else if name.contains('*') {
            item.fault(faults, "must be one exact name, not a pattern");
        } else {
            allowed.push(name.to_owned());
        }
    }
    allowed
}

fn result_cache(field: &Field<'_>, faults: &mut Faults) -> ResultCacheSettings {
    let mut settings = ResultCacheSettings::default();
    let Some(cache) = field.mapping(&["maxBytes", "ttl"], faults) else { return settings };
    if let Some(bytes) = cache.field("maxBytes").and_then(|field| field.number(faults)) {
        settings.max_bytes = bytes;
    }
    // kube-apiserver's own cache is two minutes; longer here only delays the operator.
    if let Some(ttl) = bounded(&cache, "ttl", Duration::ZERO, Duration::from_mins(10), faults) {
        settings.ttl = ttl;
    }
    settings
}

fn issuer(field: &Field<'_>, faults: &mut Faults) -> Option<IssuerSection> {
    let known = [
        "url",
        "clusterAudience",
        "idTokenLifetime",
        "refreshTokenLifetime",
        "sessionLifetime",
        "deviceCodeLifetime",
        "devicePollInterval",
        "usernamePrefix",
        "groupsPrefix",
    ];
    let keys = field.mapping(&known, faults)?;
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
    let token = bounded(&keys, "idTokenLifetime", second, day, faults);
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

fn bounded(
    keys: &Mapping<'_>,
    name: &str,
    least: Duration,
    most: Duration,
    faults: &mut Faults,
) -> Option<Duration> {
    let field = keys.field(name)?;
    let text = field.text(faults)?;
    let Some(duration) = duration::parse(text) else {
        field.fault(faults, format!("`{text}` is not a duration such as `90s`, `10m` or `1h30m`"));
        return None;
    };
    if duration < least || most < duration {
        let (least, most) = (least.as_secs(), most.as_secs());
        field.fault(faults, format!("must be between {least}s and {most}s"));
        return None;
    }
    Some(duration)
}

#[cfg(test)]
mod tests;
