//! The files that `print` writes for other programs.
//! The reader of each file must accept it.

#![expect(clippy::disallowed_methods, reason = "tests write what is printed")]

use serde_json::Value;

use crate::commands::{path, run, texts};

#[test]
fn printed_files_say_what_they_must() {
    let webhook = run(&[
        "print",
        "webhook-kubeconfig",
        "--server",
        "https://login.example.com:8443/authenticate",
        "--certificate-authority",
        "/etc/kubernetes/login/ca.crt",
        "--client-certificate",
        "/c.crt",
        "--client-key",
        "/c key.pem",
    ]);
    expect_test::expect![[r#"
        apiVersion: v1
        clusters:
        - name: login-server
          cluster:
            certificate-authority: /etc/kubernetes/login/ca.crt
            server: https://login.example.com:8443/authenticate
        contexts:
        - name: webhook
          context:
            cluster: login-server
            user: kube-apiserver
        current-context: webhook
        kind: Config
        users:
        - name: kube-apiserver
          user:
            client-certificate: /c.crt
            client-key: "/c key.pem"
    "#]]
    .assert_eq(&texts(&webhook).1);
    let entry = run(&[
        "print",
        "exec-entry",
        "--issuer-url",
        "https://login.example.com",
        "--client-id",
        "kubectl-login",
        "--certificate-authority",
        "/my ca.crt",
        "--api-version",
        "v1beta1",
        "--user",
        "dev",
        "--flow",
        "device",
        "--arg",
        "--scope=email",
    ]);
    expect_test::expect![[r#"
        apiVersion: v1
        kind: Config
        users:
        - name: dev
          user:
            exec:
              apiVersion: client.authentication.k8s.io/v1beta1
              args:
              - get-token
              - --issuer-url=https://login.example.com
              - --client-id=kubectl-login
              - "--certificate-authority=/my ca.crt"
              - --flow=device
              - --scope=email
              command: kubectl-login
              installHint: "kubectl-login is not installed. Put the program kubectl-login into a folder of your PATH, then try again."
              interactiveMode: IfAvailable
              provideClusterInfo: false
    "#]]
    .assert_eq(&texts(&entry).1);
    let patch = run(&[
        "print",
        "kubeadm-patch",
        "--webhook-kubeconfig",
        "/etc/kubernetes/login/webhook.kubeconfig",
        "--authentication-config",
        "/etc/kubernetes/login/authentication-config.yaml",
    ]);
    expect_test::expect![[r#"
        apiVersion: kubeadm.k8s.io/v1beta4
        kind: ClusterConfiguration
        # For a new cluster: `kubeadm init --config` takes this file as it is. For one that runs: add this to
        # the ConfigMap `kubeadm-config` in kube-system, put the files on every control plane host, and run
        # `kubeadm init phase control-plane apiserver --config` there with the whole configuration.
        # The folders below are mounted read-only, with all that is in them.
        apiServer:
          extraArgs:
          - name: authentication-token-webhook-config-file
            value: /etc/kubernetes/login/webhook.kubeconfig
          - name: authentication-token-webhook-version
            value: v1
          - name: authentication-token-webhook-cache-ttl
            value: "30s"
          - name: authentication-config
            value: /etc/kubernetes/login/authentication-config.yaml
          extraVolumes:
          - name: login-server-0
            hostPath: /etc/kubernetes/login
            mountPath: /etc/kubernetes/login
            readOnly: true
            pathType: Directory
    "#]]
    .assert_eq(&texts(&patch).1);
}

#[test]
fn the_printed_authentication_configuration_is_read_by_its_own_rules() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.crt");
    std::fs::write(&authority, crate::support::Pki::new().authority_pem).unwrap();
    let bare = texts(&run(&["print", "authentication-config"])).1;
    let full = texts(&run(&[
        "print",
        "authentication-config",
        "--issuer-url",
        "https://id.example.com",
        "--client-id",
        "kubernetes",
        "--certificate-authority",
        path(&authority),
    ]))
    .1;
    let parse = login_review::config::authentication_configuration::parse;
    assert!(parse(&bare, "f").unwrap().issuers.is_empty());
    let issuers = parse(&full, "f").unwrap().issuers;
    assert_eq!(issuers[0].issuer.as_str(), "https://id.example.com");
    assert_eq!(issuers[0].audiences, ["kubernetes"]);
    assert!(issuers[0].certificate_authority_pem.is_some());
    let older = texts(&run(&["print", "authentication-config", "--api-version", "v1beta1"])).1;
    assert!(older.starts_with("apiVersion: apiserver.config.k8s.io/v1beta1\n"), "{older}");
    assert!(parse(&older, "f").is_ok());
    for text in [&bare, &full, &older] {
        let paths = text.lines().filter_map(|line| line.strip_prefix("  - path: "));
        let expected = [
            "/livez",
            "/readyz",
            "/healthz",
            "/api/v1/namespaces/kube-public/configmaps/cluster-info",
            "/.well-known/openid-configuration",
            "/openid/v1/jwks",
        ];
        assert_eq!(paths.collect::<Vec<_>>(), expected);
        for told in ["`--anonymous-auth`", "`--oidc-…`", "/version", "leave this whole file out"]
        {
            assert!(text.contains(told), "{told}");
        }
    }
    // The file of the second step of the first tutorial is valid, though no token is accepted with
    // it.
    for (name, text, code) in [
        ("bare.yaml", bare.as_str(), 0),
        ("full.yaml", &full, 0),
        (
            "empty.yaml",
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: []\n",
            0,
        ),
        (
            "no.yaml",
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: false}\n",
            0,
        ),
        (
            "odd.yaml",
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: {}\n",
            2,
        ),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let (found, stdout, stderr) =
            texts(&run(&["check-config", "--authentication-config", path(&file)]));
        assert_eq!(found, code, "{name}: {stderr}");
        if code == 0 && name != "full.yaml" {
            assert!(stdout.contains("no token is accepted"), "{stdout}");
            assert!(
                stderr.contains("no issuer and no other source of tokens is configured"),
                "{stderr}"
            );
            // A server that starts with it has nothing to do.
            let serve = ["serve", "--authentication-config", path(&file), "--insecure-http"];
            let (found, _, stderr) = texts(&run(&serve));
            assert_eq!(found, 2);
            assert!(
                stderr.contains("error: no issuer and no other source of tokens is configured"),
                "{stderr}"
            );
        }
    }
}

#[test]
fn an_older_kubeadm_writes_arguments_in_another_form() {
    let patch = run(&[
        "print",
        "kubeadm-patch",
        "--api-version",
        "v1beta3",
        "--webhook-kubeconfig",
        "/etc/kubernetes/login/webhook.kubeconfig",
    ]);
    let text = texts(&patch).1;
    let file: Value = located_yaml::typed::read(&text).unwrap();
    assert_eq!(file["apiVersion"], "kubeadm.k8s.io/v1beta3");
    let arguments = &file["apiServer"]["extraArgs"];
    assert_eq!(arguments["authentication-token-webhook-version"], "v1");
    assert_eq!(arguments["authentication-token-webhook-cache-ttl"], "30s");
    assert_eq!(file["apiServer"]["extraVolumes"][0]["readOnly"], true);
}

#[test]
fn an_authority_of_which_a_part_would_be_lost_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.crt");
    let pem = || crate::support::Pki::new().authority_pem;
    std::fs::write(&authority, format!("{}{}", pem().trim_end(), pem())).unwrap();
    let (code, stdout, stderr) = texts(&run(&[
        "print",
        "authentication-config",
        "--issuer-url",
        "https://id.example.com",
        "--client-id",
        "k",
        "--certificate-authority",
        path(&authority),
    ]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("ca.crt`, line ") && stderr.contains("alone on its line"), "{stderr}");
}

#[test]
fn what_would_not_work_is_not_printed() {
    let entry = |more: &[&'static str]| {
        let begin = ["exec-entry", "--issuer-url", "https://i.example", "--client-id", "x"];
        [&begin[..], more].concat()
    };
    for (arguments, expected) in [
        (
            &["webhook-kubeconfig", "--server", "http://login.example.com/authenticate"][..],
            "not a usable URL",
        ),
        (&["webhook-kubeconfig", "--server", "https://login.example.com"], "does not end with"),
        (&["exec-entry", "--issuer-url", "id.example.com", "--client-id", "x"], "--issuer-url"),
        (
            &[
                "exec-entry",
                "--issuer-url",
                "https://i.example",
                "--client-id",
                "x",
                "--arg=--client-secret=s3cret",
            ],
            "`--client-secret` has no place in a kubeconfig",
        ),
        (
            &entry(&["--arg=--client-secret", "--arg=s3cret"]),
            "`--client-secret` has no place in a kubeconfig",
        ),
        (
            &entry(&["--arg=--oidc-client-secret=s3cret"]),
            "`--oidc-client-secret` has no place in a kubeconfig",
        ),
        (&entry(&["--arg=--password=s3cret"]), "`--password` has no place in a kubeconfig"),
        (
            &entry(&["--arg=--request-header=X-Api-Key=s3cret"]),
            "`--request-header` has no place in a kubeconfig",
        ),
        (
            &entry(&["--arg=--oidc-auth-request-extra-params=client_secret_2=s3cret"]),
            "`--oidc-auth-request-extra-params` has no place in a kubeconfig",
        ),
        (
            &entry(&["--arg=--redirect-url=https://u:s3cret@h/"]),
            "`--redirect-url` has no place in a kubeconfig",
        ),
        (
            &[
                "webhook-kubeconfig",
                "--server",
                "https://user:s3cret@login.example.com/authenticate",
            ],
            "`--server https://…@login.example.com/authenticate` is not a usable URL",
        ),
        (
            &["webhook-kubeconfig", "--server", "https://login.example.com/x?k=s3cret"],
            "`--server https://login.example.com/x?…` does not end with",
        ),
        (&["kubeadm-patch", "--webhook-kubeconfig", "webhook.kubeconfig"], "not an absolute path"),
    ] {
        let all = [&["print"], arguments].concat();
        let (code, stdout, stderr) = texts(&run(&all));
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(stderr.contains(expected) && !stderr.contains("s3cret"), "{stderr}");
    }
}
