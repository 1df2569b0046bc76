//! Tests every option from every layer with the issuer of every layer, and every pair of options.
//! Never depends on a value: only on its layer.

use std::path::Path;

use super::*;
use crate::report::Reported as _;
use crate::{
    options::{
        configuration::Configuration,
        layers::Layers,
        table::{Name, OPTIONS, Shape},
        typed::Typed,
    },
    system::environment::{NoEnvironment, Overlay},
};

const ISSUER: &str = "https://id.example";

/// The layer of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Arguments,
    Variable,
    Cluster,
    /// In the configuration file, outside of sections.
    File,
    /// In the configuration file, in the issuer's section.
    Section,
}

use Layer::{Arguments, Cluster, File, Section, Variable};

impl Layer {
    fn trust(self) -> Trust {
        match self {
            Cluster => Trust::Told,
            Arguments | Variable => Trust::Given,
            File | Section => Trust::Own,
        }
    }
}

fn value_of(row: &Row) -> &'static str {
    match row.name {
        Name::IssuerUrl => ISSUER,
        _ if row.shape == Shape::Switch => "true",
        _ => "x",
    }
}

/// Checks whether these options may come from these layers together.
fn outcome(given: &[(&'static Row, Layer)]) -> Result<(), OptionError> {
    let (mut typed, mut variables) = (Typed::default(), Vec::new());
    let (mut cluster, mut file, mut section) =
        (serde_json::Map::new(), String::new(), String::new());
    for (row, layer) in given {
        let value = value_of(row);
        match layer {
            Arguments => typed.push(row.name, value.to_owned()),
            Variable => variables.push((row.variable.to_owned(), value.to_owned())),
            Cluster => {
                cluster.insert(row.long.to_owned(), value.into());
            }
            File => file.extend([row.long, ": ", value, "\n"]),
            Section => section.extend(["  ", row.long, ": ", value, "\n"]),
        }
    }
    if !section.is_empty() {
        file.extend(["issuers:\n- issuer-url: ", ISSUER, "\n", &section]);
    }
    let configuration = Configuration::parse(Path::new("/c"), &file).unwrap();
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::Arguments,
        environment: &Overlay { variables: &variables, below: &NoEnvironment },
        cluster: Some(&serde_json::Value::Object(cluster)),
        configuration: Some(&configuration),
    })?;
    check(&settings)
}

/// The meaning of the table's columns, implemented independently.
fn may_stand(given: &[(&'static Row, Layer)], issuer: Layer) -> bool {
    let is_own_in_file = given.iter().any(|(_, layer)| *layer == Section) || issuer == File;
    let owner = if is_own_in_file { Trust::Own } else { issuer.trust() };
    let each = given.iter().all(|(row, layer)| match layer {
        Cluster => match row.by_cluster {
            ByCluster::Never => false,
            ByCluster::OfItsIssuer => owner == Trust::Told,
            ByCluster::Always => true,
        },
        _ => !matches!(row.used, Use::Proof | Use::Anchor) || layer.trust() <= owner,
    });
    let shown_to_the_wrong = given.iter().any(|(proof, above)| {
        given.iter().any(|(anchor, below)| {
            (proof.used, anchor.used) == (Use::Proof, Use::Anchor) && above.trust() > below.trust()
        })
    });
    each && !shown_to_the_wrong
}

#[test]
fn every_option_in_every_layer_with_the_issuer_of_every_layer() {
    let issuer_row = row_of(Name::IssuerUrl);
    for row in OPTIONS.iter().skip(1) {
        for issuer in [Arguments, Variable, Cluster, File] {
            for layer in [Arguments, Variable, Cluster, File, Section] {
                let found = outcome(&[(issuer_row, issuer), (row, layer)]);
                let expected = may_stand(&[(row, layer)], issuer);
                let shown = format!("{} in {layer:?}, issuer in {issuer:?}: {found:?}", row.long);
                assert_eq!(found.is_ok(), expected, "{shown}");
            }
        }
    }
}

#[test]
fn every_pair_of_options_in_every_pair_of_layers() {
    let issuer_row = row_of(Name::IssuerUrl);
    let layers = [Arguments, Cluster, Section];
    for (index, one) in OPTIONS.iter().enumerate().skip(1) {
        for other in OPTIONS.iter().skip(index + 1) {
            for issuer in [Arguments, Cluster, File] {
                for (first, second) in
                    layers.iter().flat_map(|first| layers.map(|second| (*first, second)))
                {
                    let pair = [(one, first), (other, second)];
                    let found = outcome(&[(issuer_row, issuer), pair[0], pair[1]]);
                    assert_eq!(
                        found.is_ok(),
                        may_stand(&pair, issuer),
                        "{} in {first:?}, {} in {second:?}, issuer in {issuer:?}: {found:?}",
                        one.long,
                        other.long
                    );
                }
            }
        }
    }
}

/// What the table must say; a new option has to be added here, too.
#[test]
fn secrets_and_identities_are_proofs_and_authorities_are_anchors() {
    for row in OPTIONS {
        let proves = ["secret", "password", "identity", "assertion", "certificate", "client-key"];
        let is_anchor =
            row.long.starts_with("certificate-authority") || row.long == "insecure-skip-tls-verify";
        let is_proof = !is_anchor
            && (proves.iter().any(|word| row.long.contains(word))
                || ["username", "request-header"].contains(&row.long));
        assert_eq!(row.used == Use::Anchor, is_anchor, "{}", row.long);
        assert_eq!(row.used == Use::Proof, is_proof, "{}", row.long);
        if row.used == Use::Proof || row.used == Use::Here {
            assert_eq!(row.by_cluster, ByCluster::Never, "{}", row.long);
        }
    }
}

#[test]
fn a_server_is_believed_about_itself_and_told_no_secret_of_another_layer() {
    let server = |is_issuer| Origin::Server { address: "https://s.example".to_owned(), is_issuer };
    let (typed, variable) = (Origin::CommandLine, Origin::Variable("V"));
    let file = Origin::File("/c".into());
    for (namer, value, expected) in [
        (server(true), &typed, true),
        (server(true), &variable, false),
        (server(true), &file, false),
        (server(false), &typed, false),
        (server(false), &server(false), true),
        (typed.clone(), &variable, true),
        (typed.clone(), &file, false),
        (file.clone(), &typed, true),
        (Origin::Cluster, &typed, false),
    ] {
        assert_eq!(namer.vouches_for(value), expected, "{namer:?} {value:?}");
    }
    let authority = row_of(Name::CertificateAuthorityData);
    assert!(!is_of_another(authority, &server(true), Trust::Given));
    assert!(is_of_another(authority, &server(true), Trust::Own));
    assert!(is_of_another(authority, &server(false), Trust::Given));
    assert!(!is_of_another(row_of(Name::ClientId), &server(false), Trust::Own));
}

#[test]
fn what_belongs_to_another_issuer_is_left_out() {
    let text = "issuer-url: https://other.example\nclient-secret: s\nscope: a\n\
                issuers:\n- issuer-url: https://third.example\n  request-header: A=b\n";
    let configuration = Configuration::parse(Path::new("/c"), text).unwrap();
    let mut typed = Typed::default();
    typed.push(Name::IssuerUrl, ISSUER.to_owned());
    let cluster = serde_json::json!({
        "issuer-url": "https://cluster.example", "audience": "a", "account": "b",
    });
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::Arguments,
        environment: &NoEnvironment,
        cluster: Some(&cluster),
        configuration: Some(&configuration),
    })
    .unwrap();
    let names: Vec<Name> = settings.origins().map(|(name, _)| name).collect();
    assert_eq!(names, [Name::IssuerUrl, Name::Scope, Name::Account]);
    assert!(check(&settings).is_ok());
}

#[test]
fn a_refusal_says_who_named_what_and_what_to_write_where() {
    let shown = |given: &[(Name, Layer)]| {
        use std::error::Error as _;
        let given: Vec<_> = given.iter().map(|(name, layer)| (row_of(*name), *layer)).collect();
        let error = outcome(&given).unwrap_err();
        format!("{error}: {} ({})", error.source().unwrap(), error.hint().unwrap())
    };
    assert_eq!(
        shown(&[(Name::IssuerUrl, Cluster), (Name::ClientSecret, Variable)]),
        "the value of `--client-secret` is not used with the issuer `https://id.example`: it came \
         from the environment variable `KUBECTL_LOGIN_CLIENT_SECRET`, and that issuer is named by \
         the extension `client.authentication.k8s.io/exec` of the cluster in the kubeconfig (if \
         that issuer is meant, set the variable `KUBECTL_LOGIN_ISSUER_URL` to \
         `https://id.example`, too)"
    );
    assert_eq!(
        shown(&[(Name::IssuerUrl, Arguments), (Name::ClientSecretFile, File)]),
        "the value of `--client-secret-file` is not used with the issuer `https://id.example`: it \
         came from the configuration file `/c`, and that issuer is named by `exec.args` of the \
         user in the kubeconfig (if that issuer is meant, write it into `/c` below `issuers:`, \
         beside `issuer-url: https://id.example`)"
    );
    assert_eq!(
        shown(&[(Name::IssuerUrl, Arguments), (Name::Audience, Cluster)]),
        "the value of `--audience` is not used with the issuer `https://id.example`: it came from \
         the extension `client.authentication.k8s.io/exec` of the cluster in the kubeconfig, which \
         may say this of the issuer only that it alone names (if it is meant, say it yourself: \
         `--audience` in the user entry, or a variable, or under `issuers:` in the configuration \
         file)"
    );
    let believed = shown(&[
        (Name::IssuerUrl, Arguments),
        (Name::InsecureSkipTlsVerify, Arguments),
        (Name::ClientSecretFile, Section),
    ]);
    assert!(
        believed.contains("lets others pass for that issuer (write `insecure-skip-tls-verify`"),
        "{believed}"
    );
}
