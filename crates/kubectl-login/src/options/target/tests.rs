//! Settings in, a target or one fault out; each fault names its origin.
//! Never the real environment.

use super::*;
use crate::{
    options::typed,
    system::environment::{NoEnvironment, Overlay},
};

/// Flags as one line, variables, and the cluster's settings.
fn checked(
    line: &str,
    variables: &[(&str, &str)],
    cluster: Option<&str>,
) -> Result<Target, OptionError> {
    let words: Vec<std::ffi::OsString> =
        format!("get-token {line}").split_whitespace().map(Into::into).collect();
    let typed = typed::strict(&words).expect("plain options");
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment = Overlay { variables: &variables, below: &NoEnvironment };
    let cluster = cluster.map(|text| serde_json::from_str(text).unwrap());
    let settings = Settings::resolve(&typed, &Origin::CommandLine, &environment, cluster.as_ref())?;
    Target::check(&settings, &environment)
}

/// Error, cause and hint in one line.
fn fault(line: &str, variables: &[(&str, &str)], cluster: Option<&str>) -> String {
    use std::error::Error as _;
    let error = checked(line, variables, cluster).expect_err("a fault");
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause} ({})", error.hint())
}

const GOOD: &str = "--issuer-url https://id.example --client-id k";

#[test]
fn defaults_are_as_documented() {
    let target = checked(GOOD, &[("HOME", "/h")], None).unwrap();
    assert_eq!(target.flow, Flow::Auto);
    assert_eq!(target.interactive, Interactive::Auto);
    assert_eq!(target.authentication_timeout.as_secs(), 180);
    assert_eq!(target.browser, BrowserChoice::Default);
    assert!(target.listen_addresses.is_empty() && target.client_secret.is_none());
    assert!(!target.force_refresh && !target.use_access_token);
    assert!(target.cache_directory.is_some());
}

#[test]
fn flag_beats_variable_beats_cluster() {
    let cluster = Some(r#"{"client-id":"from-cluster","issuer-url":"https://cluster.example"}"#);
    let variable = [("KUBECTL_LOGIN_CLIENT_ID", "from-variable")];
    let client = |line: &str, variables: &[(&str, &str)]| {
        let target = checked(line, variables, cluster).unwrap();
        (target.client_id.as_str().to_owned(), target.origins.client_id.unwrap())
    };
    assert_eq!(client("--client-id typed", &variable), ("typed".into(), Origin::CommandLine));
    assert_eq!(
        client("", &variable),
        ("from-variable".into(), Origin::Variable("KUBECTL_LOGIN_CLIENT_ID"))
    );
    assert_eq!(client("", &[]), ("from-cluster".into(), Origin::Cluster));
    // Set to nothing is not set.
    assert_eq!(client("", &[("KUBECTL_LOGIN_CLIENT_ID", "")]).0, "from-cluster");
}

#[test]
fn every_kind_of_value_comes_from_the_cluster_where_it_may() {
    let target = checked(
        GOOD,
        &[],
        Some(
            r#"{"scope":["groups","email"],"audience":"k8s","flow":"device","use-access-token":true,
                "account":"a","certificate-authority-data":"UEVN","listen-address":"localhost:8000"}"#,
        ),
    )
    .unwrap();
    assert_eq!(target.scopes, ["email", "groups"]);
    assert_eq!(target.flow, Flow::Device);
    assert!(target.use_access_token);
    assert_eq!(target.certificate_authority, Some(CertificateAuthority::Pem(b"PEM".to_vec())));
    assert_eq!(target.listen_addresses, [("localhost".to_owned(), 8000)]);
    assert!(checked(GOOD, &[], Some("null")).is_ok());
}

#[test]
fn kubelogins_names_mean_the_same() {
    let ours = checked(
        "--issuer-url https://id.example --client-id k --scope a --scope b --flow device --use-access-token",
        &[],
        None,
    );
    let theirs = checked(
        "--oidc-issuer-url https://id.example --oidc-client-id k --oidc-extra-scope b,a --grant-type device-code --oidc-use-access-token",
        &[],
        None,
    );
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert_eq!(ours.cache_key, theirs.cache_key);
    assert_eq!((ours.flow, ours.scopes), (theirs.flow, theirs.scopes));
}

#[test]
fn a_fault_names_the_option_the_reason_and_the_origin() {
    for (line, variables, cluster, expected) in [
        (
            "--client-id k",
            &[][..],
            None,
            "`--issuer-url` is missing (give `--issuer-url` or set the variable `KUBECTL_LOGIN_ISSUER_URL`)",
        ),
        (
            "--issuer-url http://id.example --client-id k",
            &[],
            None,
            "the value of `--issuer-url` cannot be used: `http://id.example` must begin with `https://` \
             (`http://` is accepted for loopback hosts only) (it came from the command line)",
        ),
        (
            GOOD,
            &[("KUBECTL_LOGIN_FLOW", "magic")],
            None,
            "the value of `--flow` cannot be used: it is `magic`; known are `auto`, `browser`, `device`, \
             `client-credentials`, `authcode`, `device-code` \
             (it came from the environment variable `KUBECTL_LOGIN_FLOW`)",
        ),
        (
            &format!("{GOOD} --token-cache-storage keyring"),
            &[],
            None,
            "the value of `--token-cache-storage` cannot be used: it is `keyring`, which comes in a later \
             version; known are `file`, `none`, `disk` (it came from the command line)",
        ),
        (
            GOOD,
            &[("KUBECTL_LOGIN_FORCE_REFRESH", "maybe")],
            None,
            "the value of `--force-refresh` cannot be used: it is `maybe`, neither `true` nor `false` \
             (it came from the environment variable `KUBECTL_LOGIN_FORCE_REFRESH`)",
        ),
        (
            GOOD,
            &[],
            Some(r#""text""#),
            "the cluster's settings for kubectl-login cannot be used: it is not an object whose keys are \
             option names, such as `issuer-url` (they came from the extension \
             `client.authentication.k8s.io/exec` of the cluster in the kubeconfig)",
        ),
        (
            GOOD,
            &[],
            Some(r#"{"browser-command":"rm -rf"}"#),
            "the cluster's settings for kubectl-login cannot be used: it has the key `browser-command`: \
             a cluster's settings hold no secrets, start no programs and read no files (they came from \
             the extension `client.authentication.k8s.io/exec` of the cluster in the kubeconfig)",
        ),
    ] {
        assert_eq!(fault(line, variables, cluster), expected);
    }
}

#[test]
fn values_outside_their_bounds_are_faults() {
    for extra in [
        "--authentication-timeout-sec 0",
        "--authentication-timeout-sec 3601",
        "--authentication-timeout-sec soon",
        "--listen-address 0.0.0.0:8000",
        "--listen-address 192.0.2.1:8000",
        "--listen-address localhost",
        "--listen-address localhost:http",
        "--scope a\"b",
        "--certificate-authority-data ???",
        "--certificate-authority f --certificate-authority-data UEVN",
        "--client-secret s --client-secret-file f",
        "--client-secret-file f --client-secret-command c",
        "--interactive sometimes",
    ] {
        assert!(checked(&format!("{GOOD} {extra}"), &[], None).is_err(), "{extra}");
    }
    for cluster in ["[]", "5", r#"{"nonsense":1}"#, r#"{"flow":true}"#, r#"{"scope":[1,{}]}"#] {
        assert!(checked(GOOD, &[], Some(cluster)).is_err(), "{cluster}");
    }
}

#[test]
fn the_secret_is_in_no_debug_output() {
    let target = checked(&format!("{GOOD} --client-secret hunter2"), &[], None).unwrap();
    assert!(!format!("{target:?}").contains("hunter2"));
}

#[test]
fn home_is_meant_by_a_tilde() {
    let line = format!("{GOOD} --certificate-authority ~/ca.pem --token-cache-dir ~/t");
    let target = checked(&line, &[("HOME", "/h"), ("USERPROFILE", "/h")], None).unwrap();
    assert_eq!(
        target.certificate_authority,
        Some(CertificateAuthority::File(PathBuf::from("/h/ca.pem")))
    );
    assert_eq!(target.cache_directory, Some(PathBuf::from("/h/t")));
}
