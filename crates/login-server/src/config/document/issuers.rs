//! `issuers`: settings for issuers of `AuthenticationConfiguration` that it has no key for.
//! Never adds an issuer: each entry names one that is configured there.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use login_common::{causes, names::without_secrets};
use login_protocols::jose::{Algorithm, KeySet, KeySetError};
use login_review::{
    IssuerPolicy, KeySource,
    config::{Below, Faults, Field, Key, Mapping, Problem},
};
use url::Url;

use super::bounded;
use crate::system::tracked_files::TrackedFiles;

const MAX_KEY_FILE: u64 = 1024 * 1024;

/// One entry; a setting that it omits keeps its value.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The `issuer.url` of an entry of `jwt`, byte for byte.
    pub url: String,
    /// The only algorithms accepted.
    pub algorithms: Option<Vec<Algorithm>>,
    /// The only values of `azp` accepted.
    pub authorized_parties: Vec<String>,
    /// The longest lifetime of a token.
    pub max_token_lifetime: Option<Duration>,
    /// Where groups of a distributed claim may be fetched.
    pub distributed_claims_endpoints: Vec<Url>,
    /// Keys that are configured instead of fetched.
    pub keys: Option<GivenKeys>,
    /// The maximum age of a fetched key set.
    pub key_set_max_age: Option<Duration>,
    /// The entry's key and line.
    pub place: (String, u64),
}

/// Where to read the keys of an issuer whose keys are not fetched.
#[derive(Clone, Debug)]
pub enum GivenKeys {
    /// In the configuration.
    Inline(KeySet),
    /// In a file with a JWK Set; with the line that names it.
    File(PathBuf, u64),
}

/// The keys of an entry.
pub(super) const KEYS: &[Key] = &[
    Key::of(
        "url",
        "The `issuer.url` of an entry of `--authentication-config`, byte for byte (required).",
    ),
    Key::of(
        "algorithms",
        "The only signature algorithms that are accepted (all that kube-apiserver accepts).",
    )
    .restricting(),
    Key::of("authorizedParties", "One of these must be `azp`.").restricting(),
    Key::of("maxTokenLifetime", "The longest time from `iat` to `exp` (1s to 365 days).")
        .restricting(),
    Key::of("distributedClaims", "Where groups may be fetched that a token only refers to.")
        .with(Below::Mapping(DISTRIBUTED_CLAIMS)),
    Key::of("jwksFile", "A file with its keys, as a JWK Set; the issuer is then never asked.")
        .restricting(),
    Key::of("jwks", "Its keys, as a JWK Set; the issuer is then never asked.").restricting(),
    Key::of(
        "keySetMaxAge",
        "How long its key set is used while it does not answer (24h, 1m to 365 days).",
    )
    .restricting(),
];

const DISTRIBUTED_CLAIMS: &[Key] = &[Key::of(
    "endpoints",
    "URLs beside those of the issuer's own scheme, host and port (required).",
)];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Vec<IssuerSettings> {
    let mut all: Vec<IssuerSettings> = Vec::new();
    for item in field.items(faults) {
        let Some(settings) = entry(&item, faults) else { continue };
        if let Some(earlier) = all.iter().find(|earlier| earlier.url == settings.url) {
            item.fault(faults, format!("is about the same issuer as `{}`", earlier.place.0));
        }
        all.push(settings);
    }
    all
}

fn entry(item: &Field<'_>, faults: &mut Faults) -> Option<IssuerSettings> {
    let keys = item.keys(KEYS, faults)?;
    let url = keys.required("url", faults).and_then(|field| field.text(faults));
    let algorithms = keys.field("algorithms").map(|field| algorithms(&field, faults));
    let parties = keys.field("authorizedParties").map(|field| parties(&field, faults));
    let (second, day) = (Duration::from_secs(1), Duration::from_hours(24));
    let max_token_lifetime = bounded(&keys, "maxTokenLifetime", second, day * 365, faults);
    let endpoints = keys.field("distributedClaims").map(|field| endpoints(&field, faults));
    let given = given_keys(&keys, faults);
    let max_age = bounded(&keys, "keySetMaxAge", Duration::from_mins(1), day * 365, faults);
    Some(IssuerSettings {
        url: url?.to_owned(),
        algorithms,
        authorized_parties: parties.unwrap_or_default(),
        max_token_lifetime,
        distributed_claims_endpoints: endpoints.unwrap_or_default(),
        keys: given,
        key_set_max_age: max_age,
        place: (item.key.clone(), item.line),
    })
}

fn algorithms(field: &Field<'_>, faults: &mut Faults) -> Vec<Algorithm> {
    let mut algorithms = Vec::new();
    for (item, name) in field.texts(faults) {
        match Algorithm::parse(name) {
            None => {
                let all = Algorithm::ALL.map(Algorithm::as_str).join("`, `");
                item.fault(faults, format!("`{name}` is none of `{all}`"));
            }
            Some(algorithm) if algorithms.contains(&algorithm) => {
                item.fault(faults, format!("`{name}` is listed already"));
            }
            Some(algorithm) => algorithms.push(algorithm),
        }
    }
    needs_items(field, faults);
    algorithms
}

fn parties(field: &Field<'_>, faults: &mut Faults) -> Vec<String> {
    let mut parties: Vec<String> = Vec::new();
    for (item, name) in field.texts(faults) {
        if name.is_empty() {
            item.fault(faults, "must not be empty");
        } else if parties.iter().any(|earlier| earlier == name) {
            item.fault(faults, format!("`{name}` is listed already"));
        } else {
            parties.push(name.to_owned());
        }
    }
    needs_items(field, faults);
    parties
}

fn endpoints(field: &Field<'_>, faults: &mut Faults) -> Vec<Url> {
    let mut endpoints = Vec::new();
    let Some(keys) = field.keys(DISTRIBUTED_CLAIMS, faults) else { return endpoints };
    let Some(list) = keys.required("endpoints", faults) else { return endpoints };
    for (item, text) in list.texts(faults) {
        match Url::parse(text) {
            Ok(url)
                if url.scheme() == "https"
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.fragment().is_none() =>
            {
                endpoints.push(url);
            }
            // The message omits the text, which may hold a password.
            Ok(_) | Err(_) => item.fault(
                faults,
                "must be a URL that begins with `https://`, without user information and fragment",
            ),
        }
    }
    endpoints
}

fn given_keys(keys: &Mapping<'_>, faults: &mut Faults) -> Option<GivenKeys> {
    let file = keys.field("jwksFile").and_then(|field| Some((field.text(faults)?, field)));
    let inline = keys.field("jwks");
    if let (Some(_), Some(inline)) = (&file, &inline) {
        inline.fault(faults, "stands beside `jwksFile`; one of both is enough");
    }
    if (file.is_some() || inline.is_some())
        && let Some(age) = keys.field("keySetMaxAge")
    {
        age.fault(faults, "is about key sets that are fetched; these keys are not");
    }
    if let Some((path, field)) = file {
        if path.is_empty() {
            field.fault(faults, "must not be empty");
        }
        return Some(GivenKeys::File(PathBuf::from(path), field.line));
    }
    let inline = inline?;
    // A JWK Set as a text or (JSON is YAML) as a mapping.
    let text = match inline.json(faults) {
        serde_json::Value::String(text) => text,
        tree => tree.to_string(),
    };
    match given(text.as_bytes()) {
        Ok(keys) => Some(GivenKeys::Inline(keys)),
        Err(fault) => {
            inline.fault(faults, format!("is no usable JWK Set: {fault}"));
            None
        }
    }
}

/// Parses a JWK Set from the operator. An empty one is valid: it withdraws the last key.
fn given(text: &[u8]) -> Result<KeySet, KeySetError> {
    match KeySet::parse(text) {
        Err(KeySetError::NoUsableKey { skipped: 0, .. }) => Ok(KeySet::empty()),
        read => read,
    }
}

fn needs_items(field: &Field<'_>, faults: &mut Faults) {
    if field.is_empty_list() {
        field.fault(faults, "needs at least one entry; leave it out otherwise");
    }
}

/// Applies the settings of `file` to the policies of their issuers; reads the files that they name
/// through `files`. Returns warnings. Settings for an issuer in `removed`, whose tokens were
/// accepted since the start, are only warned about, so that they do not block its removal; settings
/// for an issuer that is not configured are a fault, since the one that was meant would lack its
/// restrictions.
pub fn apply(
    all: &[IssuerSettings],
    policies: &mut [IssuerPolicy],
    (file, files): (&str, &TrackedFiles),
    removed: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for settings in all {
        let mut problem = |line: u64, key: &str, message: String| {
            let key = format!("{}.{key}", settings.place.0);
            problems.push(Problem { file: file.to_owned(), line: Some(line), key, message });
        };
        let policy = policies.iter_mut().find(|policy| policy.issuer.as_str() == settings.url);
        let Some(policy) = policy else {
            let mut message = format!(
                "`{}` is not the `issuer.url` of an entry of `jwt` in `--authentication-config`",
                without_secrets(&settings.url)
            );
            if removed.contains(&settings.url) {
                message.push_str(" any more; remove the entry, too, or the next start refuses it");
                warnings.push(Problem {
                    file: file.to_owned(),
                    line: Some(settings.place.1),
                    key: format!("{}.url", settings.place.0),
                    message,
                });
            } else {
                problem(settings.place.1, "url", message);
            }
            continue;
        };
        write(settings, policy);
        match &settings.keys {
            None => {}
            Some(GivenKeys::Inline(keys)) => policy.key_source = KeySource::Inline(keys.clone()),
            Some(GivenKeys::File(path, line)) => match key_set(path, files) {
                Ok(keys) => policy.key_source = KeySource::Inline(keys),
                Err(message) => problem(*line, "jwksFile", message),
            },
        }
    }
    warnings.append(&mut warn_of_unasked_parties(all, policies, file));
    warnings
}

fn write(settings: &IssuerSettings, policy: &mut IssuerPolicy) {
    if let Some(algorithms) = &settings.algorithms {
        policy.algorithms.clone_from(algorithms);
    }
    policy.authorized_parties.clone_from(&settings.authorized_parties);
    policy.max_token_lifetime = settings.max_token_lifetime;
    policy.distributed_claims_endpoints.clone_from(&settings.distributed_claims_endpoints);
    if let Some(age) = settings.key_set_max_age {
        policy.key_set_max_age = age;
    }
}

fn key_set(path: &Path, files: &TrackedFiles) -> Result<KeySet, String> {
    let text = files.read(path, MAX_KEY_FILE).map_err(|fault| causes::one_line(&fault))?;
    given(&text).map_err(|fault| format!("`{}` is no usable JWK Set: {fault}", path.display()))
}

/// An operator that restricts `azp` for one issuer probably wants to for every other issuer with
/// several clients.
fn warn_of_unasked_parties(
    all: &[IssuerSettings],
    policies: &[IssuerPolicy],
    file: &str,
) -> Vec<Problem> {
    if all.iter().all(|settings| settings.authorized_parties.is_empty()) {
        return Vec::new();
    }
    let is_unasked =
        |policy: &&IssuerPolicy| policy.audiences.len() > 1 && policy.authorized_parties.is_empty();
    let warning = |policy: &IssuerPolicy| Problem {
        file: file.to_owned(),
        line: None,
        key: "issuers".to_owned(),
        message: format!(
            "`{}` has several audiences and no `authorizedParties`: a token that any of its \
             clients got is accepted",
            policy.issuer
        ),
    };
    policies.iter().filter(is_unasked).map(warning).collect()
}

#[cfg(test)]
mod tests;
