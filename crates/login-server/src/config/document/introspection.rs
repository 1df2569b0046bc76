//! `introspection`: authorization servers that are asked about opaque tokens (RFC 7662).
//! Never accepts an entry for tokens that another authenticator knows by their shape.

use std::time::Duration;

use login_common::{
    Secret,
    names::{ClientId, IssuerUrl},
};
use login_review::{
    IntrospectionRules, RemoteAuthenticator, RemoteRules,
    config::{Faults, Field, Key, Mapping, authentication_configuration::claim_mappings},
    route::{AWS_PREFIX, JOSE_PREFIX},
};
use url::Url;

use super::{bounded, named_file::NamedFile, remotes::RemoteSection};
use crate::evidence::remote_authenticators::{
    MAX_CACHE_TTL, MAX_NEGATIVE_CACHE_TTL, Protocol, RemoteParty, TIMEOUT,
};

/// The keys of an entry.
pub(super) const KEYS: &[Key] = &[
    Key::of("url", "The introspection endpoint (required): `https`, or `http` on this machine."),
    Key::of("clientID", "Our client ID there (required)."),
    Key::of("clientSecretFile", "The file with our client secret, sent by HTTP Basic (required)."),
    Key::of(
        "certificateAuthorityFile",
        "The authority of the endpoint's certificate (those of the system).",
    )
    .restricting(),
    Key::of(
        "tokenPrefix",
        "The prefix of the tokens that are sent there; one entry at most may have none.",
    )
    .restricting(),
    Key::of("issuer", "If the response has `iss`, it must be this.").restricting(),
    Key::of("audiences", "One of these must be in `aud` (required)."),
    Key::of("requiredScopes", "Each of these must be in `scope`.").restricting(),
    Key::of(
        "claimMappings",
        "How the response maps to a user, as in AuthenticationConfiguration (required).",
    ),
    Key::of(
        "cacheTTL",
        "How long the response about an active token is cached (30s, which is the most).",
    ),
    Key::of(
        "negativeCacheTTL",
        "How long the response about an inactive token is cached (5s, which is the most).",
    ),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Vec<RemoteSection> {
    field.items(faults).iter().filter_map(|item| entry(item, faults)).collect()
}

fn entry(item: &Field<'_>, faults: &mut Faults) -> Option<RemoteSection> {
    let keys = item.keys(KEYS, faults)?;
    let url = keys.required("url", faults).and_then(|field| name(&field, faults));
    let client_id = keys.required("clientID", faults).and_then(|field| {
        let text = field.text(faults)?;
        ClientId::parse(text).map_err(|fault| field.fault(faults, fault.to_string())).ok()
    });
    let secret =
        keys.required("clientSecretFile", faults).and_then(|field| NamedFile::read(&field, faults));
    let certificate_authority =
        keys.field("certificateAuthorityFile").and_then(|field| NamedFile::read(&field, faults));
    let token_prefix = keys.field("tokenPrefix").and_then(|field| prefix(&field, faults));
    let issuer = keys.field("issuer").and_then(|field| name(&field, faults));
    let audiences = required_list(&keys, "audiences", faults);
    let required_scopes = keys.field("requiredScopes").map(|field| scopes(&field, faults));
    let mapping = claim_mappings(&keys, faults);
    let ttl = bounded(&keys, "cacheTTL", Duration::ZERO, MAX_CACHE_TTL, faults);
    let negative =
        bounded(&keys, "negativeCacheTTL", Duration::ZERO, MAX_NEGATIVE_CACHE_TTL, faults);
    let endpoint = url?;
    Some(RemoteSection {
        key: item.key.clone(),
        line: item.line,
        party: RemoteParty {
            url: Url::parse(endpoint.as_str()).ok()?,
            protocol: Protocol::Introspection { client_id: client_id? },
            secret: Secret::default(),
            certificate_authority_pem: None,
            cache_ttl: ttl.unwrap_or(MAX_CACHE_TTL),
            negative_cache_ttl: negative.unwrap_or(MAX_NEGATIVE_CACHE_TTL),
            timeout: TIMEOUT,
        },
        authenticator: RemoteAuthenticator {
            name: issuer.clone().unwrap_or(endpoint),
            token_prefix: token_prefix.unwrap_or_default(),
            rules: RemoteRules::Introspection(IntrospectionRules {
                issuer,
                audiences: audiences?,
                required_scopes: required_scopes.unwrap_or_default(),
            }),
            mapping: mapping?,
        },
        secret: Some(secret?),
        certificate_authority,
    })
}

/// `https`, or `http` for loopback, as for an issuer.
fn name(field: &Field<'_>, faults: &mut Faults) -> Option<IssuerUrl> {
    let text = field.text(faults)?;
    IssuerUrl::parse(text).map_err(|fault| field.fault(faults, fault.to_string())).ok()
}

fn prefix(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let text = field.text(faults)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        field.fault(faults, "must be visible ASCII, as tokens are");
    } else if !text.is_empty() && (JOSE_PREFIX.starts_with(text) || text.starts_with(JOSE_PREFIX)) {
        field.fault(faults, "is how JWTs begin, which go to the issuer they name");
    } else if text.starts_with(AWS_PREFIX) {
        field.fault(faults, "is how AWS tokens begin, which no introspection endpoint knows");
    }
    Some(text.to_owned())
}

fn required_list(keys: &Mapping<'_>, name: &str, faults: &mut Faults) -> Option<Vec<String>> {
    let list = keys.required(name, faults)?;
    let mut texts = Vec::new();
    for (item, text) in list.texts(faults) {
        if text.is_empty() {
            item.fault(faults, "must not be empty");
        } else {
            texts.push(text.to_owned());
        }
    }
    if list.is_empty_list() {
        list.fault(faults, "needs at least one entry");
    }
    Some(texts)
}

fn scopes(field: &Field<'_>, faults: &mut Faults) -> Vec<String> {
    let mut scopes = Vec::new();
    for (item, scope) in field.texts(faults) {
        // RFC 6749 §3.3 `scope-token`
        let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if scope.is_empty() || !scope.bytes().all(allowed) {
            item.fault(faults, "is not a scope: visible ASCII without quotes and backslashes");
        } else {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::{super::parse, *};

    const HEAD: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";

    fn entry(more: &str) -> String {
        format!(
            "- url: https://as.example/introspect\n  clientID: kube\n  clientSecretFile: secret\n  \
             audiences: [cluster]\n  claimMappings: {{username: {{claim: sub, prefix: \"as:\"}}}}\n{more}"
        )
    }

    fn faults(list: &str) -> Vec<String> {
        let text = format!("{HEAD}introspection:\n{list}");
        let found = parse(&text, "s").err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_key_is_read() {
        let more = "  certificateAuthorityFile: ca.crt\n  tokenPrefix: ory_\n  \
                    issuer: https://as.example\n  requiredScopes: [kube]\n  cacheTTL: 10s\n  \
                    negativeCacheTTL: 0s\n";
        let text = format!("{HEAD}introspection:\n{}{}", entry(more), entry(""));
        let all = parse(&text, "s").unwrap().remotes;
        let [first, second] = all.as_slice() else { panic!("two entries") };
        let file = |key: &str, path: &str, line| {
            Some(NamedFile { path: path.into(), key: format!("introspection[0].{key}"), line })
        };
        let ttls = |section: &RemoteSection| {
            (section.party.cache_ttl.as_secs(), section.party.negative_cache_ttl.as_secs())
        };
        assert_eq!(first.authenticator.name.as_str(), "https://as.example");
        assert_eq!(first.authenticator.token_prefix, "ory_");
        assert_eq!(
            first.authenticator.rules,
            RemoteRules::Introspection(IntrospectionRules {
                issuer: IssuerUrl::parse("https://as.example").ok(),
                audiences: vec!["cluster".to_owned()],
                required_scopes: vec!["kube".to_owned()],
            })
        );
        assert_eq!(first.certificate_authority, file("certificateAuthorityFile", "ca.crt", 9));
        assert_eq!(first.secret, file("clientSecretFile", "secret", 6));
        assert_eq!(ttls(first), (10, 0));
        assert_eq!(second.authenticator.name.as_str(), "https://as.example/introspect");
        assert_eq!(
            second.authenticator.rules,
            RemoteRules::Introspection(IntrospectionRules {
                issuer: None,
                audiences: vec!["cluster".to_owned()],
                required_scopes: Vec::new(),
            })
        );
        assert_eq!(ttls(second), (30, 5));
    }

    #[test]
    fn a_token_could_belong_to_one_entry_only() {
        let prefixed = |prefix: &str| entry(&format!("  tokenPrefix: \"{prefix}\"\n"));
        assert_eq!(faults(&(prefixed("a_") + &prefixed("b_") + &prefixed(""))), [""; 0]);
        for (first, second, expected) in [
            ("", "", "neither this entry nor `introspection[0]` has a `tokenPrefix`"),
            ("a_", "a_", "tokens with its `tokenPrefix` could belong to `introspection[0]`, too"),
            ("a_", "a_b", "tokens with its `tokenPrefix` could belong to `introspection[0]`, too"),
            ("a_b", "a_", "tokens with its `tokenPrefix` could belong to `introspection[0]`, too"),
        ] {
            let found = faults(&(prefixed(first) + &prefixed(second)));
            assert_eq!(found, [format!("s:10: introspection[1]: {expected}")]);
        }
        for prefix in ["e", "eyJ", "eyJh", "k8s-aws-v1.", "k8s-aws-v1.x", "a b"] {
            let found = faults(&prefixed(prefix));
            assert!(found.len() == 1 && found[0].contains("tokenPrefix"), "{prefix}: {found:?}");
        }
    }

    #[test]
    fn every_fault_is_found() {
        let found = faults(
            "- url: http://as.example/introspect\n  clientSecretFile: \"\"\n  audiences: []\n  \
             issuer: as\n  requiredScopes: [\"a b\"]\n  cacheTTL: 31s\n  negativeCacheTTL: 6s\n  \
             audience: x\n",
        );
        let begins: Vec<&str> =
            found.iter().map(|fault| fault.split(": ").nth(1).unwrap_or_default()).collect();
        assert_eq!(
            begins,
            [
                "introspection[0].url",
                "introspection[0].clientID",
                "introspection[0].claimMappings",
                "introspection[0].clientSecretFile",
                "introspection[0].audiences",
                "introspection[0].issuer",
                "introspection[0].requiredScopes[0]",
                "introspection[0].cacheTTL",
                "introspection[0].negativeCacheTTL",
                "introspection[0].audience",
            ],
            "{found:?}"
        );
    }
}
