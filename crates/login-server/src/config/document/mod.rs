//! Reads this program's own configuration file, `kind: LoginServerConfiguration`.
//! Never ignores an unknown key, never stops at the first fault.
//!
//! Each key of the document has a file; this one joins them.

mod audit;
mod embedded_issuer;
mod guard;
mod introspection;
pub mod issuers;
mod named_file;
mod published_client;
#[cfg(test)]
mod reference;
pub mod remotes;
mod result_cache;
mod revocations;
mod static_tokens;
mod telemetry;

use std::{path::Path, time::Duration};

use login_protocols::jose::MAX_TOKEN_LENGTH;
use login_review::{
    Guard,
    config::{Below, Faults, Field, Key, Mapping, Problem},
};

pub use self::{
    embedded_issuer::IssuerSection, issuers::IssuerSettings, named_file::NamedFile,
    published_client::PublishedClient, remotes::RemoteSection, static_tokens::StaticTokensSection,
};
use super::duration;
use crate::{
    evidence::result_cache::ResultCacheSettings,
    telemetry::{audit::AuditSettings, traces::TraceSettings},
};

/// The `apiVersion` of the file.
pub const API_VERSION: &str = "kubectl-login/v1";
/// The `kind` of the file.
pub const KIND: &str = "LoginServerConfiguration";

const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = 4096..=MAX_TOKEN_LENGTH;

/// The checked file. [`Document::default`] stands for no file.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// Reserved names that are allowed.
    pub guard: Guard,
    /// How many answers are cached, and for how long.
    pub result_cache: ResultCacheSettings,
    /// Settings beyond `AuthenticationConfiguration`, per issuer.
    pub issuers: Vec<IssuerSettings>,
    /// Which decisions are recorded, and where.
    pub audit: AuditSettings,
    /// The authenticators that ask another party.
    pub remotes: Vec<RemoteSection>,
    /// The files with static tokens.
    pub static_tokens: Option<StaticTokensSection>,
    /// The file with the list of revocations.
    pub revocations: Option<NamedFile>,
    /// The embedded issuer, if configured.
    pub issuer: Option<IssuerSection>,
    /// The client configuration for users that know only the server's address.
    pub published_client: Option<PublishedClient>,
    /// The longest token in bytes; none means the default.
    pub max_token_bytes: Option<usize>,
    /// Where traces are sent, if any.
    pub traces: Option<TraceSettings>,
    /// What is unusual but not wrong.
    pub warnings: Vec<Problem>,
}

impl Document {
    /// Resolves every relative path against `folder`, the configuration file's: a service's working
    /// directory is arbitrary.
    pub fn resolve(&mut self, folder: &Path) {
        self.audit.file.iter_mut().for_each(|path| *path = folder.join(&*path));
        let of_remotes = self.remotes.iter_mut();
        let of_remotes = of_remotes.flat_map(|section| {
            section.secret.iter_mut().chain(&mut section.certificate_authority)
        });
        let of_tokens = self.static_tokens.iter_mut();
        let of_tokens =
            of_tokens.flat_map(|section| section.file.iter_mut().chain(&mut section.hashed_file));
        let of_client = self.published_client.iter_mut();
        let of_client = of_client.flat_map(|section| &mut section.certificate_authority);
        let files = of_remotes.chain(of_tokens).chain(of_client).chain(&mut self.revocations);
        files.for_each(|file| file.resolve(folder));
        for settings in &mut self.issuers {
            if let Some(issuers::GivenKeys::File(path, _)) = &mut settings.keys {
                *path = folder.join(&*path);
            }
        }
    }
}

/// Parses `text`; `file` appears only in problems. Returns all faults at once.
pub fn parse(text: &str, file: &str) -> Result<Document, Vec<Problem>> {
    let (mut faults, mut warnings) = (Faults::new(file), Faults::new(file));
    let document = match located_yaml::parse(text) {
        Ok(tree) => root(&Field::root(&tree), &mut faults, &mut warnings),
        Err(fault) => {
            faults.add(fault.line, "", fault.message);
            None
        }
    };
    match document {
        Some(document) if faults.is_empty() => {
            Ok(Document { warnings: warnings.into_problems(), ..document })
        }
        Some(_) | None => Err(faults.into_problems()),
    }
}

/// The keys of the document. Null accepts no token, or means the default, where it is allowed.
const KEYS: &[Key] = &[
    Key::of("apiVersion", "`kubectl-login/v1` (required)."),
    Key::of("kind", "`LoginServerConfiguration` (required)."),
    Key::of("allowedSystemNames", "Names of Kubernetes itself that tokens may carry all the same.")
        .with(Below::Mapping(guard::KEYS)),
    Key::of("resultCache", "How many answers are cached, and for how long.")
        .with(Below::Mapping(result_cache::KEYS)),
    Key::of("issuers", "Settings for issuers of `--authentication-config` that it has no key for.")
        .with(Below::List(issuers::KEYS))
        .restricting(),
    Key::of("audit", "Where decisions are recorded.").with(Below::Mapping(audit::KEYS)),
    // recipe: authenticator
    Key::of(
        "introspection",
        "Authorization servers that are asked about opaque tokens (RFC 7662).",
    )
    .with(Below::List(introspection::KEYS)),
    Key::of("staticTokens", "Files with tokens that the operator issued.")
        .with(Below::Mapping(static_tokens::KEYS)),
    Key::of("revocations", "What is revoked.")
        .with(Below::Mapping(revocations::KEYS))
        .restricting(),
    Key::of("issuer", "The embedded issuer; without this key there is none.")
        .with(Below::Mapping(embedded_issuer::KEYS)),
    Key::of(
        "publishedClient",
        "What `kubectl-login login SERVER-URL` learns; the embedded issuer is the default.",
    )
    .with(Below::Mapping(published_client::KEYS)),
    Key::of("telemetry", "Traces, in a build with the feature `otel`.")
        .with(Below::Mapping(telemetry::KEYS)),
    Key::of("maxTokenBytes", "The longest token in bytes (65536, from 4096 to 131072)."),
];

fn root(field: &Field<'_>, faults: &mut Faults, warnings: &mut Faults) -> Option<Document> {
    let root = field.keys(KEYS, faults)?;
    for (name, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        if let Some(field) = root.required(name, faults)
            && let Some(text) = field.text(faults)
            && text != expected
        {
            field.fault(faults, format!("must be `{expected}`"));
        }
    }
    let guard = root.field("allowedSystemNames").map(|field| guard::read(&field, faults, warnings));
    let cache = root.field("resultCache").map(|field| result_cache::read(&field, faults));
    let issuers = root.field("issuers").map(|field| issuers::read(&field, faults));
    let audit = root.field("audit").map(|field| audit::read(&field, faults));
    let remotes = root.field("introspection").map(|field| introspection::read(&field, faults));
    let remotes = remotes.unwrap_or_default();
    remotes::refuse_overlaps(&remotes, faults);
    let static_tokens = root.field("staticTokens").map(|field| static_tokens::read(&field, faults));
    let revocations = root.field("revocations").and_then(|field| revocations::read(&field, faults));
    let issuer = root.field("issuer").map(|field| embedded_issuer::read(&field, faults));
    let published =
        root.field("publishedClient").map(|field| published_client::read(&field, faults));
    let traces = root.field("telemetry").and_then(|field| telemetry::read(&field, faults));
    let max_token_bytes =
        root.field("maxTokenBytes").and_then(|field| token_length(&field, faults));
    Some(Document {
        max_token_bytes,
        guard: guard.unwrap_or_default(),
        result_cache: cache.unwrap_or_default(),
        issuers: issuers.unwrap_or_default(),
        audit: audit.unwrap_or_default(),
        remotes,
        static_tokens,
        traces,
        warnings: Vec::new(),
        revocations,
        issuer: match issuer {
            // Its faults are in `faults`.
            Some(section) => Some(section?),
            None => None,
        },
        published_client: match published {
            Some(section) => Some(section?),
            None => None,
        },
    })
}

/// Reads the longest token length. Less than the token of a user in a few groups, or more than the
/// longest token of kubectl-login, is a mistake.
fn token_length(field: &Field<'_>, faults: &mut Faults) -> Option<usize> {
    let length = field.number(faults)?;
    let within = usize::try_from(length).ok().filter(|length| TOKEN_LENGTHS.contains(length));
    if within.is_none() {
        let (least, most) = (TOKEN_LENGTHS.start(), TOKEN_LENGTHS.end());
        field.fault(faults, format!("must be from {least} to {most}"));
    }
    within
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
