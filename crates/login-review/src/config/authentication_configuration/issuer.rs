//! `jwt[].issuer`: the issuer, its audiences, and how its keys are fetched.
//! Never accepts plain http, not even for loopback test issuers.

use std::collections::BTreeMap;

use login_common::{
    names::{IssuerUrl, without_secrets},
    pem,
};
use url::Url;

use super::{Notes, filled, is_unset};
use crate::{
    config::{
        fields::{Field, Mapping},
        problems::Faults,
    },
    route::is_service_account_issuer,
};

/// The validated parts.
pub(super) struct Issuer {
    pub(super) url: IssuerUrl,
    pub(super) discovery_url: Option<Url>,
    pub(super) certificate_authority_pem: Option<String>,
    pub(super) audiences: Vec<String>,
}

/// URLs of earlier entries and their keys in the file.
#[derive(Default)]
pub(super) struct Seen {
    urls: BTreeMap<String, String>,
    discovery_urls: BTreeMap<String, String>,
}

pub(super) fn read(entry: &Mapping<'_>, seen: &mut Seen, notes: &mut Notes) -> Option<Issuer> {
    let known = [
        "url",
        "discoveryURL",
        "certificateAuthority",
        "audiences",
        "audienceMatchPolicy",
        "egressSelectorType",
    ];
    let faults = &mut notes.faults;
    let issuer = entry.required("issuer", faults)?.mapping(&known, faults)?;
    let url = url(&issuer, seen, notes);
    let faults = &mut notes.faults;
    let discovery_url = discovery_url(&issuer, url.as_ref(), seen, faults);
    let certificate_authority_pem = certificate_authority(&issuer, faults);
    let audiences = audiences(&issuer, faults);
    egress_selector(&issuer, notes);
    Some(Issuer { url: url?, discovery_url, certificate_authority_pem, audiences })
}

fn url(issuer: &Mapping<'_>, seen: &mut Seen, notes: &mut Notes) -> Option<IssuerUrl> {
    let faults = &mut notes.faults;
    let Some((field, text)) = filled(issuer, "url", faults) else {
        missing_unless_misfit(issuer, "url", faults);
        return None;
    };
    checked_url(&field, text, faults)?;
    // kube-apiserver refuses its own `--service-account-issuer`, which only it knows; that of
    // another cluster may look the same, and has to be discovered at that cluster's API server.
    let is_default = ["", ".cluster.local"].iter().any(|domain| {
        text.strip_prefix("https://kubernetes.default.svc").is_some_and(|rest| rest == *domain)
    });
    if is_default || is_service_account_issuer(text) && is_unset(issuer, "discoveryURL") {
        field.fault(
            &mut notes.warnings,
            "looks like the issuer of the service accounts of the cluster that asks here. Those \
             are checked by its kube-apiserver; another cluster's need their `discoveryURL`",
        );
    }
    unique(&mut seen.urls, &field, text, faults);
    IssuerUrl::parse(text).map_err(|error| field.fault(faults, error.to_string())).ok()
}

fn discovery_url(
    issuer: &Mapping<'_>,
    url: Option<&IssuerUrl>,
    seen: &mut Seen,
    faults: &mut Faults,
) -> Option<Url> {
    let (field, text) = filled(issuer, "discoveryURL", faults)?;
    if url.is_some_and(|url| url.as_str().trim_end_matches('/') == text.trim_end_matches('/')) {
        field.fault(faults, "must differ from `url`; leave it out");
    }
    unique(&mut seen.discovery_urls, &field, text, faults);
    checked_url(&field, text, faults)
}

/// OpenID Connect Discovery §3, and the rules of kube-apiserver.
fn checked_url(field: &Field<'_>, text: &str, faults: &mut Faults) -> Option<Url> {
    // `Url` drops white space and converts backslashes; the URL must be fetched exactly as written.
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let Some(url) = Url::parse(text).ok().filter(|_| !text.contains(is_odd)) else {
        let text = without_secrets(text);
        field.fault(faults, format!("`{text}` is not a URL such as `https://id.example.com`"));
        return None;
    };
    // `Url` would also accept `https:host`, unlike Go.
    let scheme = text.get(..8).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("https://") {
        field.fault(faults, "must begin with `https://`");
        return None;
    }
    let authority = text.get(8..).unwrap_or_default().split(['/', '?', '#']).next();
    let authority = authority.unwrap_or_default();
    if authority.contains('@') {
        // The text is not repeated: it may hold a password.
        field.fault(faults, "must not contain user information");
        return None;
    }
    // `Url` accepts both unchanged.
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if authority.contains('%') || !text.split('%').skip(1).all(is_escape) {
        field.fault(faults, "has a `%` that begins no escape, or one in the name of the host");
        return None;
    }
    // Go refuses these characters in a host name, too.
    if authority.contains(['{', '}', '`']) {
        field.fault(faults, "has a character in the name of the host that no name has");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        field.fault(faults, "must not contain a query or a fragment");
        return None;
    }
    Some(url)
}

fn certificate_authority(issuer: &Mapping<'_>, faults: &mut Faults) -> Option<String> {
    let (field, text) = filled(issuer, "certificateAuthority", faults)?;
    let at = |line: u64| field.clone().at_line_of_text(line);
    let certificates = match pem::certificates(text.as_bytes()) {
        Ok(certificates) => certificates,
        Err(fault) => {
            let message = format!("line {} of the text {}", fault.line, fault.message);
            at(fault.line).fault(faults, message);
            return None;
        }
    };
    for ((line, certificate), count) in certificates.iter().zip(1..) {
        if webpki::anchor_from_trusted_cert(certificate).is_err() {
            at(*line).fault(faults, format!("certificate {count} cannot be read"));
            return None;
        }
    }
    if certificates.is_empty() {
        field.fault(faults, "holds no certificate; expected is PEM text, not the name of a file");
        return None;
    }
    Some(text.to_owned())
}

fn audiences(issuer: &Mapping<'_>, faults: &mut Faults) -> Vec<String> {
    let mut audiences: Vec<String> = Vec::new();
    let Some(list) = issuer.required("audiences", faults) else {
        return audiences;
    };
    let items = list.texts(faults);
    for (item, text) in &items {
        if text.is_empty() {
            item.fault(faults, "must not be empty");
        } else if audiences.iter().any(|earlier| earlier == text) {
            item.fault(faults, format!("`{text}` is listed already"));
        } else {
            audiences.push((*text).to_owned());
        }
    }
    if items.is_empty() && list.is_empty_list() {
        list.fault(faults, "needs at least one audience");
    }
    let policy = filled(issuer, "audienceMatchPolicy", faults);
    match policy {
        Some((field, text)) if text != "MatchAny" => field.fault(faults, "must be `MatchAny`"),
        None if items.len() > 1 => {
            list.fault(
                faults,
                "with several audiences `audienceMatchPolicy: MatchAny` is required",
            );
        }
        Some(_) | None => {}
    }
    audiences
}

fn egress_selector(issuer: &Mapping<'_>, notes: &mut Notes) {
    let Some((field, text)) = filled(issuer, "egressSelectorType", &mut notes.faults) else {
        return;
    };
    if matches!(text, "controlplane" | "cluster") {
        field.fault(&mut notes.warnings, "is not applied here: keys are fetched directly");
    } else {
        field.fault(&mut notes.faults, "must be `controlplane` or `cluster`");
    }
}

fn unique(seen: &mut BTreeMap<String, String>, field: &Field<'_>, text: &str, faults: &mut Faults) {
    if let Some(earlier) = seen.get(text) {
        field.fault(faults, format!("is the same as `{earlier}`"));
    } else {
        seen.insert(text.to_owned(), field.key.clone());
    }
}

/// Reports a required text that is absent, null or empty; another type is already reported.
pub(super) fn missing_unless_misfit(mapping: &Mapping<'_>, name: &str, faults: &mut Faults) {
    if is_unset(mapping, name) {
        mapping.missing(name, faults);
    }
}
