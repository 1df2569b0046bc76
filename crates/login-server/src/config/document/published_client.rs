//! `publishedClient`: the client configuration for users that know only the server's address.
//! Never a confidential client: the document is public, so it cannot hold a secret.

use login_common::names::{ClientId, IssuerUrl};
use login_review::config::{Faults, Field, Key};

use super::named_file::NamedFile;

/// The key `publishedClient`; what it omits is taken from the embedded issuer.
#[derive(Clone, Debug, Default)]
pub struct PublishedClient {
    /// The issuer, if not the embedded one.
    pub issuer: Option<IssuerUrl>,
    /// The client, if not the embedded issuer's.
    pub client_id: Option<ClientId>,
    /// Further scopes.
    pub scopes: Vec<String>,
    /// The file with the authority of the issuer's certificate.
    pub certificate_authority: Option<NamedFile>,
    /// The line of the key.
    pub line: u64,
}

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[
    Key::of("issuerURL", "The issuer (that of the embedded one)."),
    Key::of("clientID", "The client (the public one of the embedded issuer)."),
    Key::of("scopes", "Further scopes that clients request."),
    Key::of(
        "certificateAuthorityFile",
        "The authority of the issuer's certificate, which is published, too.",
    ),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Option<PublishedClient> {
    let keys = field.keys(KEYS, faults)?;
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
    let certificate_authority =
        keys.field("certificateAuthorityFile").and_then(|field| NamedFile::read(&field, faults));
    Some(PublishedClient { issuer, client_id, scopes, certificate_authority, line: field.line })
}
