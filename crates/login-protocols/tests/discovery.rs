//! Reads the discovery documents in `tests/vectors/discovery` as both programs do: login-server
//! uses `jwks_uri`, kubectl-login an endpoint when its flow needs it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, path::PathBuf};

use login_common::names::IssuerUrl;
use login_protocols::oidc::{DiscoveryError, EndpointFault, ProviderMetadata};

/// The endpoints that a client finds in a document: `b`rowser, `t`oken, `d`evice, `r`evocation. A
/// capital is an endpoint that is refused when it is used.
const FLOWS: &str = "btdr";

/// File, flows, configured issuer; `-` is none. `entra-common` is unusable with any name: its
/// issuer is a pattern.
const PUBLISHED: &str = "\
adfs btd https://adfs.example.com/adfs
aks - https://westeurope.oic.prod-aks.azure.com/3fa85f64-5717-4562-b3fc-2c963f66afa6/00000000-1111-2222-3333-444444444444/
auth0 btdr https://dev-abc123.us.auth0.com/
authentik btdr https://authentik.example.com/application/o/kubernetes/
azure-devops - https://vstoken.dev.azure.com/00000000-1111-2222-3333-444444444444
bitbucket - https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc
buildkite - https://agent.buildkite.com
circleci - https://oidc.circleci.com/org/00000000-1111-2222-3333-444444444444
cognito btr https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE
dex btd https://dex.example.com/dex
eks B https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE
entra-tenant btd https://login.microsoftonline.com/3fa85f64-5717-4562-b3fc-2c963f66afa6/v2.0
entra-v1 btd https://sts.windows.net/3fa85f64-5717-4562-b3fc-2c963f66afa6/
github-actions - https://token.actions.githubusercontent.com
gitlab btdr https://gitlab.com
gke - https://container.googleapis.com/v1/projects/acme/locations/europe-west1/clusters/ci
google btdr https://accounts.google.com
hydra btr https://hydra.example.com
irsa-self-hosted B https://s3.eu-west-1.amazonaws.com/aws-irsa-oidc-1700000000/
keycloak btdr https://sso.example.com/realms/dev
kubernetes-service-accounts - https://kubernetes.default.svc.cluster.local
okta-custom btdr https://dev-123456.okta.com/oauth2/default
spire - https://oidc-discovery.example.org
terraform-cloud - https://app.terraform.io
vault-identity-tokens - https://vault.example.com:8200/v1/identity/oidc
zitadel btdr https://acme.zitadel.cloud
entra-common - -
";

/// The rows: file, flows, issuer.
fn published() -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>)> {
    PUBLISHED.lines().map(|row| {
        let mut cells = row.split(' ');
        let mut cell = || cells.next().unwrap();
        let (file, flows, issuer) = (cell(), cell(), cell());
        let flows = if flows == "-" { "" } else { flows };
        (file, flows, Some(issuer).filter(|issuer| *issuer != "-"))
    })
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/discovery")
}

fn read(file: &str, issuer: &str) -> Result<ProviderMetadata, DiscoveryError> {
    let text = std::fs::read(folder().join(format!("{file}.json"))).unwrap();
    ProviderMetadata::parse(&text, &IssuerUrl::parse(issuer).unwrap())
}

#[test]
fn every_provider_serves_both_programs_as_far_as_its_document_goes() {
    for (file, flows, issuer) in published() {
        let Some(issuer) = issuer else { continue };
        let metadata = read(file, issuer).unwrap();
        assert!(metadata.jwks_uri.used().unwrap().is_some(), "{file}");
        let endpoints = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.device_authorization_endpoint,
            &metadata.revocation_endpoint,
        ];
        let found: String = FLOWS
            .chars()
            .zip(endpoints)
            .filter(|(_, endpoint)| !endpoint.is_absent())
            .map(|(flow, endpoint)| match endpoint.used() {
                Ok(_) => flow,
                Err(_) => flow.to_ascii_uppercase(),
            })
            .collect();
        assert_eq!(found, flows, "{file}");
    }
}

#[test]
fn an_endpoint_that_is_no_address_is_named_to_whoever_uses_it() {
    let (_, _, issuer) = published().find(|(file, ..)| *file == "eks").unwrap();
    let metadata = read("eks", issuer.unwrap()).unwrap();
    let fault = metadata.authorization_endpoint.used().unwrap_err();
    let EndpointFault::NotHttps { name, url } = fault else { panic!("{fault}") };
    assert_eq!(name, "authorization_endpoint");
    assert_eq!(url.as_str(), "urn:kubernetes:programmatic_authorization");
}

#[test]
fn an_issuer_written_otherwise_than_its_document_is_told_what_to_write() {
    for (file, written, advice) in [
        (
            "auth0",
            "https://dev-abc123.us.auth0.com",
            "write exactly `https://dev-abc123.us.auth0.com/`",
        ),
        (
            "keycloak",
            "https://sso.example.com/realms/dev/",
            "write exactly `https://sso.example.com/realms/dev`",
        ),
        ("entra-common", "https://login.microsoftonline.com/common/v2.0", "write the URL of yours"),
        (
            "entra-v1",
            "https://login.microsoftonline.com/3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "if that is the issuer you mean, write exactly \
             `https://sts.windows.net/3fa85f64-5717-4562-b3fc-2c963f66afa6/`",
        ),
    ] {
        let fault = read(file, written).unwrap_err().to_string();
        assert!(fault.contains(advice), "{fault}");
    }
}

#[test]
fn every_document_is_in_the_table() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".json").map(str::to_owned)
        })
        .collect();
    let listed: BTreeSet<String> = published().map(|(file, ..)| file.to_owned()).collect();
    assert_eq!(files, listed);
}
