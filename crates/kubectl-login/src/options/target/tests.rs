//! Tests settings and the resulting target or error; each error names its origin.
//! Never reads the real environment.

use super::*;
use crate::report::Reported as _;
use crate::{
    options::{layers::Layers, typed},
    system::environment::{NoEnvironment, Overlay},
};

/// Checks flags (on one line), variables, and the cluster's settings.
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
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::CommandLine,
        environment: &environment,
        cluster: cluster.as_ref(),
        configuration: None,
    })?;
    Target::check(&settings, &environment)
}

/// The error, its cause and its hint in one line.
fn fault(line: &str, variables: &[(&str, &str)], cluster: Option<&str>) -> String {
    use std::error::Error as _;
    let error = checked(line, variables, cluster).expect_err("a fault");
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause} ({})", error.hint().unwrap())
}

const GOOD: &str = "--issuer-url https://id.example --client-id k";

#[test]
fn defaults_are_as_documented() {
    let target = checked(GOOD, &[("HOME", "/h")], None).unwrap();
    assert_eq!(target.flow, Flow::Auto);
    assert_eq!(target.interactive, Interactive::Auto);
    assert_eq!(target.page_timeout.as_secs(), 180);
    // Where a device code may be shown, its own lifetime is the limit.
    assert_eq!(target.authentication_timeout.as_secs(), 1800);
    assert_eq!(target.browser, BrowserChoice::Default);
    assert!(target.callback.listen_addresses.is_empty() && target.client_secret.is_none());
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
    // An empty variable counts as unset.
    assert_eq!(client("", &[("KUBECTL_LOGIN_CLIENT_ID", "")]).0, "from-cluster");
}

#[test]
fn every_kind_of_value_comes_from_the_cluster_where_it_may() {
    let target = checked(
        "",
        &[],
        Some(
            r#"{"issuer-url":"https://id.example","client-id":"k","scope":["groups","email"],"audience":"k8s","flow":"device","use-access-token":true,
                "account":"a","certificate-authority-data":"UEVN","listen-address":"localhost:8000"}"#,
        ),
    )
    .unwrap();
    assert_eq!(target.scopes, ["email", "groups"]);
    assert_eq!(target.flow, Flow::Device);
    assert!(target.use_access_token);
    assert_eq!(
        target.connection.certificate_authorities,
        [CertificateAuthority::Pem(b"PEM".to_vec())]
    );
    assert_eq!(target.callback.listen_addresses, [("localhost".to_owned(), 8000)]);
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
    // kubelogin's redirect URIs are registered at the issuer.
    assert!(ours.callback.listen_addresses.is_empty());
    let ports = [8000, 18000].map(|port| ("127.0.0.1".to_owned(), port));
    assert_eq!(theirs.callback.listen_addresses, ports);
}

#[test]
fn every_option_of_kubelogin_is_taken_and_means_the_same() {
    let target = checked(
        "--oidc-issuer-url https://id.example --oidc-client-id k --oidc-client-secret s \
         --oidc-redirect-url https://localhost:8443/back --oidc-extra-scope a,b --oidc-extra-scope c \
         --oidc-use-access-token --oidc-request-header X-Tenant=t,X-Other=o --oidc-pkce-method no \
         --oidc-use-pkce --force-refresh --token-cache-dir /t --token-cache-storage disk \
         --certificate-authority /a --certificate-authority /b,c --certificate-authority-data UEVN \
         --insecure-skip-tls-verify --tls-renegotiation-once --tls-renegotiation-freely \
         --grant-type authcode --listen-address 127.0.0.1:8000,0.0.0.0:18000 --skip-open-browser \
         --browser-command firefox --authentication-timeout-sec 60 --local-server-cert /c \
         --local-server-key /k --open-url-after-authentication https://done.example \
         --oidc-auth-request-extra-params prompt=login,acr=high --username u --password p \
         --listen-port 8001 --oidc-redirect-url-hostname localhost --no-keyring",
        &[],
        None,
    )
    .unwrap();
    assert_eq!((target.flow, target.storage), (Flow::Browser, Storage::File));
    assert_eq!(target.scopes, ["a", "b", "c"]);
    let connection = &target.connection;
    assert_eq!(
        connection.certificate_authorities,
        [
            CertificateAuthority::File("/a".into()),
            CertificateAuthority::File("/b,c".into()),
            CertificateAuthority::Pem(b"PEM".to_vec())
        ]
    );
    let headers: Vec<(&str, &str)> = connection
        .request_headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    assert_eq!(headers, [("X-Other", "o"), ("X-Tenant", "t")]);
    assert!(connection.insecure_skip_tls_verify);
    let callback = &target.callback;
    assert_eq!(
        callback.listen_addresses,
        [("127.0.0.1".into(), 8000), ("0.0.0.0".into(), 18000), ("127.0.0.1".into(), 8001)]
    );
    assert_eq!(callback.redirect_url.as_deref().unwrap(), "https://localhost:8443/back");
    assert_eq!(callback.redirect_host.as_deref(), Some("localhost"));
    assert_eq!(callback.certificate, Some(("/c".into(), "/k".into())));
    assert_eq!(callback.open_url_after.as_ref().unwrap().as_str(), "https://done.example/");
    let parameters = [("acr", "high"), ("prompt", "login")].map(|(a, b)| (a.into(), b.into()));
    assert_eq!(callback.parameters, parameters);
    assert!(!callback.proof_key);
    assert_eq!(target.username.as_deref(), Some("u"));
    let by_user_name = checked(&format!("{GOOD} --username u"), &[], None).unwrap();
    assert_eq!(by_user_name.flow, Flow::Password);
}

#[test]
fn naming_the_place_of_an_identity_names_its_source() {
    for (line, kind) in [
        ("--identity github-actions", SourceKind::GithubActions),
        ("--identity gitlab --identity-variable TOKEN", SourceKind::Gitlab),
        ("--identity kubernetes --identity-file /t", SourceKind::Kubernetes),
        ("--identity-file /t", SourceKind::File),
        ("--identity-variable TOKEN", SourceKind::Variable),
        ("--identity-command mint", SourceKind::Command),
    ] {
        let target = checked(&format!("{GOOD} {line}"), &[], None).unwrap();
        assert_eq!(target.identity.unwrap().kind, kind, "{line}");
    }
}

#[test]
fn nothing_is_kept_for_a_job_before_it_is_known_which_it_is() {
    let home = [("HOME", "/h"), ("USERPROFILE", "/h")];
    let target = checked(&format!("{GOOD} --identity gitlab"), &home, None).unwrap();
    assert!(target.unknown_identity().is_some() && target.cache_directory.is_none());
    let key = target.cache_key.clone();
    let variables = [("KUBECTL_LOGIN_ID_TOKEN".to_owned(), "t".to_owned())];
    let environment = Overlay { variables: &variables, below: &NoEnvironment };
    let options = target.unknown_identity().unwrap();
    let taken = crate::workload_identity::at_once(&environment, options).unwrap().unwrap();
    let known = target.known_as(taken);
    assert!(known.unknown_identity().is_none() && known.cache_directory.is_some());
    assert_ne!(known.cache_key, key);
    // A user's session does not depend on it.
    let line = format!("{GOOD} --identity gitlab --flow device");
    assert!(checked(&line, &home, None).unwrap().cache_directory.is_some());
}

#[test]
fn spellings_of_the_same_request_are_one_session() {
    let key = |line: &str| checked(&format!("{GOOD} {line}"), &[], None).unwrap().cache_key;
    let plain = key("--scope a --scope b");
    for line in [
        "--scope b,a",
        "--scope openid,a,b",
        "--oidc-extra-scope a --oidc-extra-scope b --oidc-extra-scope openid",
        "--scope a,a,b,openid,openid",
    ] {
        assert_eq!(key(line), plain, "{line}");
    }
    assert_ne!(key("--scope a,b,c"), plain);
    assert_eq!(key("--scope openid"), key(""));
    // A client's own token gets no scopes that were not requested.
    let own = "--flow client-credentials";
    assert_ne!(key(&format!("{own} --scope openid")), key(own));
    assert_eq!(key("--request-header A=1,B=2"), key("--request-header B=2 --request-header a=1"));
}

#[test]
fn lists_are_read_as_kubelogin_reads_them() {
    let checked = |words: &[&str]| {
        let words: Vec<std::ffi::OsString> =
            ["get-token", "--issuer-url=https://id.example", "--client-id=k"]
                .iter()
                .chain(words)
                .map(Into::into)
                .collect();
        let typed = typed::strict(&words).expect("plain options");
        let settings = Settings::resolve(&Layers {
            typed: &typed,
            typed_origin: &Origin::CommandLine,
            environment: &NoEnvironment,
            cluster: None,
            configuration: None,
        })?;
        Target::check(&settings, &NoEnvironment)
    };
    for words in [
        &["--oidc-extra-scope=email groups"][..],
        &["--oidc-extra-scope=\"email groups\""],
        &["--oidc-extra-scope=\"email\",groups"],
        &["--oidc-extra-scope", "email, groups"],
        &["--oidc-extra-scope=groups", "--oidc-extra-scope=email"],
    ] {
        assert_eq!(checked(words).unwrap().scopes, ["email", "groups"], "{words:?}");
    }
    let target = checked(&[
        "--oidc-request-header=\"A=1,2\",B=3",
        "--oidc-request-header=C=4,5",
        "--oidc-auth-request-extra-params=\"acr_values=a b\"",
    ])
    .unwrap();
    let headers = target.connection.request_headers.iter();
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(headers, [("A", "1,2"), ("B", "3"), ("C", "4,5")]);
    assert_eq!(target.callback.parameters, [("acr_values".to_owned(), "a b".to_owned())]);
    let ports = checked(&["--listen-address=\"127.0.0.1:8000\",localhost:18000"]).unwrap();
    assert_eq!(ports.callback.listen_addresses.len(), 2);
    for words in
        ["--scope=\"a", "--scope=a\"b", "--listen-address=\"x", "--request-header=a=b,c,d=e"]
    {
        assert!(checked(&[words]).is_err(), "{words}");
    }
}

#[test]
fn a_fault_names_the_option_the_reason_and_the_origin() {
    for (line, variables, cluster, expected) in [
        (
            "--client-id k",
            &[][..],
            None,
            "`--issuer-url` is missing (give `--issuer-url` or set the variable `KUBECTL_LOGIN_ISSUER_URL`; \
             if the kubeconfig's cluster entry has it, the user entry needs `provideClusterInfo: true`)",
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
             `paste`, `client-credentials`, `identity`, `token-exchange`, `jwt-bearer`, `password`, \
             `authcode`, `authcode-keyboard`, `device-code` \
             (it came from the environment variable `KUBECTL_LOGIN_FLOW`)",
        ),
        (
            &format!("{GOOD} --token-cache-storage floppy"),
            &[],
            None,
            "the value of `--token-cache-storage` cannot be used: it is `floppy`; known are `auto`, \
             `keyring`, `encrypted-file`, `file`, `none`, `disk` (it came from the command line)",
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
        "--listen-address example.com:8000",
        "--listen-port x",
        "--flow identity",
        "--flow token-exchange",
        "--identity magic",
        "--identity file",
        "--identity spiffe",
        "--identity variable --identity-file f",
        "--identity-file f --identity-command c",
        "--client-certificate f",
        "--client-key f",
        "--local-server-key f",
        "--redirect-url nonsense",
        "--flow browser --redirect-url urn:ietf:wg:oauth:2.0:oob",
        "--grant-type authcode --redirect-url com.example.app:/back",
        "--open-url-after-authentication x",
        "--request-header x",
        "--request-header a\u{e9}=b",
        "--authorization-parameter state=x",
        "--authorization-parameter scope=x",
        "--authorization-parameter request_uri=x",
        "--authorization-parameter requested_token_type=x",
        "--authorization-parameter subject_token_type=x",
        "--pkce-method plain",
        "--force-keyring --no-keyring",
        "--listen-address localhost",
        "--listen-address localhost:http",
        "--scope a\"b",
        "--certificate-authority-data ???",
        "--client-secret s --client-secret-file f",
        "--client-secret-file f --client-secret-command c",
        "--interactive sometimes",
    ] {
        let found = fault(&format!("{GOOD} {extra}"), &[], None);
        let mut named = extra.split_whitespace().filter(|word| word.starts_with("--"));
        assert!(named.any(|name| found.contains(&format!("`{name}`"))), "{extra}: {found}");
    }
    for cluster in [
        "[]",
        "5",
        r#"{"nonsense":1}"#,
        r#"{"flow":true}"#,
        r#"{"scope":[1,{}]}"#,
        r#"{"identity":"auto"}"#,
        r#"{"identity-audience":"sts.example"}"#,
    ] {
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
        target.connection.certificate_authorities,
        [CertificateAuthority::File(PathBuf::from("/h/ca.pem"))]
    );
    assert_eq!(target.cache_directory, Some(PathBuf::from("/h/t")));
}

#[test]
fn what_came_by_the_word_of_one_authority_is_not_kept_for_another() {
    let key = |line: &str| checked(&format!("{GOOD} {line}"), &[], None).unwrap().cache_key;
    let file = "--certificate-authority /a";
    let lines = [
        "",
        "--insecure-skip-tls-verify",
        file,
        "--certificate-authority /b",
        "--certificate-authority-data UEVN",
        "--certificate-authority-data UEVO",
        "--certificate-authority /a --certificate-authority-data UEVN",
    ];
    let keys: Vec<_> = lines.iter().map(|line| key(line)).collect();
    for (position, one) in keys.iter().enumerate() {
        assert!(!keys[..position].contains(one), "{}", lines[position]);
    }
    assert_eq!(key(&format!("{file} {file}")), key(file));
    // Where any certificate is accepted, naming an authority changes nothing.
    let anybody = "--insecure-skip-tls-verify";
    assert_eq!(key(&format!("{file} {anybody}")), key(anybody));
}

/// Computed before the cache became a crate of its own: a key that changes loses every session.
#[test]
#[cfg(unix)]
fn the_keys_of_targets_stay_what_they_were_in_earlier_versions() {
    for (line, of_target, of_job) in [
        (
            "",
            "32f405fe951b4934e9d0ea7f0ddd6b5f4bf0885ef2735a5ba93ed25af453f57b",
            "0fab0ce5e99ab9e6f2f43db9f89ce19246aeb2d3c2428e3e4cd9f31f02214995",
        ),
        (
            "--scope groups --scope openid --audience api --account work --use-access-token",
            "2264487133d3ed028517d6d98e11e7414b452ddf9aa2e999b9273f3641e3b399",
            "412a00969f378a0a897a6c6864093f4a17ed9c3f3b8c67b959ce455a8911419a",
        ),
        (
            "--flow client-credentials --scope openid --audience api",
            "941adac9d14caa03cbf4a22d076af0d6d367ad77b6bc86436e5271e6522b577a",
            "e5095caa4d2efca52c2d1fa8c550abdebbf813f1dc07fcba30205a5f7e997ec2",
        ),
        (
            "--identity github-actions --identity-audience a --flow token-exchange \
             --subject-token-type s --requested-token-type r",
            "a11cd78b660324baf6e290fb1afa70b50bcaeca98dea7fee3a05a0e53dcade9a",
            "61af04d01c8bd2e75651f1f6545c9c9c690d6fe452a2e50a2f769f4060014b12",
        ),
        (
            "--identity-variable A",
            "6a74c3e7af2061a6432aaf28731457a61a296a14dc2cbc7894fb5f0496606bc0",
            "e1c957e2a07f8c347af0bfa4fb7478a207a5dfbc6e1ed36d2d6053c3e04ff7dc",
        ),
        (
            "--identity-command=print-it --flow jwt-bearer",
            "70a8d4b0fd43f03799d4df08473af2712f55926b6d2e6e621b4cdaf9c88ada2c",
            "1b9cd05fb6c0ef57d7611c00f82a2ee21ded53198e9db39996a2f4e036ee13c4",
        ),
        (
            "--username alice --authorization-parameter prompt=login \
             --authorization-parameter a=b --request-header X-B=2 --request-header a=1",
            "ed3eb91e4c932fda96f32f7a17cbb586325489a954d21d1e2e5de29a068db19e",
            "edede41399a959f3f4ae397248a3fe3a0b4ad634e161af3a76e042135bdd8ee1",
        ),
        (
            "--certificate-authority /etc/ca.pem --certificate-authority-data UEVN",
            "ca2666ed3069a9d73eb0f5ef119c30c60ab5372a6c7df3f1382d6e3b37486a55",
            "ffa5604984eabadc8c8d6b9de5968989e56c6a0c12be08548a693b10cdad436e",
        ),
        (
            "--insecure-skip-tls-verify",
            "593f2ead94124a5e596111425791d1ff4b05ef4e44b4e28de52722f678646b75",
            "d79996992279c787723630140361272695469dd06e4af38a8df9e931d7ca3a10",
        ),
    ] {
        let key = checked(&format!("{GOOD} {line}"), &[], None).unwrap().cache_key;
        assert_eq!((key.as_str(), key.of_job("says").as_str()), (of_target, of_job), "{line}");
    }
}
