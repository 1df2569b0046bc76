//! The rules for `jwt[].issuer`, fault by fault.

use super::*;

fn issuer_faults(issuer: &str) -> Vec<String> {
    faults(&file(issuer, MAPPINGS, ""))
}

#[test]
fn the_service_accounts_of_another_cluster_are_accepted_with_a_warning_where_it_may_be_a_mistake() {
    let elsewhere = r#", "discoveryURL": "https://api.example:6443/openid""#;
    for (url, discovery, warnings) in [
        ("https://kubernetes.default.svc.cluster-b.example", elsewhere, 0),
        ("https://kubernetes.default.svc.cluster-b.example", "", 1),
        ("https://kubernetes.default.svc.cluster.local", elsewhere, 1),
        ("https://kubernetes.default.svc", "", 1),
        ("https://kubernetes.default.svc.example.com.evil.example", elsewhere, 0),
        ("https://id.example", "", 0),
    ] {
        let issuer = format!(r#""url": "{url}", "audiences": ["k"]{discovery}"#);
        let read = accepted(&file(&issuer, MAPPINGS, ""));
        assert_eq!(read.issuers[0].issuer.as_str(), url);
        assert_eq!(read.warnings.len(), warnings, "{url} {:?}", read.warnings);
        let is_told = |warning: &str| warning.contains("issuer.url: looks like");
        assert!(shown(&read.warnings).iter().all(|warning| is_told(warning)));
    }
}

#[test]
fn issuers_that_kube_apiserver_refuses_are_refused() {
    for (issuer, key, message) in [
        (r#""audiences": ["k"]"#, "url", "is required"),
        (r#""url": "", "audiences": ["k"]"#, "url", "is required"),
        (r#""url": "id.example.com", "audiences": ["k"]"#, "url", "is not a URL"),
        (r#""url": "http://127.0.0.1:1", "audiences": ["k"]"#, "url", "must begin with `https://`"),
        (r#""url": "https:id.example", "audiences": ["k"]"#, "url", "must begin with `https://`"),
        (r#""url": "https://u:p@id.example", "audiences": ["k"]"#, "url", "user information"),
        (
            r#""url": "https://id.example", "audiences": ["k"], "discoveryURL": "https://d.example ""#,
            "discoveryURL",
            "is not a URL",
        ),
        (r#""url": "https://@id.example", "audiences": ["k"]"#, "url", "user information"),
        (r#""url": "https://id.example/%zz", "audiences": ["k"]"#, "url", "begins no escape"),
        (r#""url": "https://id.example/%4", "audiences": ["k"]"#, "url", "begins no escape"),
        (r#""url": "https://%41.example", "audiences": ["k"]"#, "url", "begins no escape"),
        (r#""url": "https://id.example#x", "audiences": ["k"]"#, "url", "query or a fragment"),
        (r#""url": "https://id.example""#, "audiences", "is required"),
        (r#""url": "https://id.example", "audiences": [""]"#, "audiences[0]", "must not be empty"),
        (r#""url": "https://id.example", "audiences": "k""#, "audiences", "must be a list"),
        (
            r#""url": "https://id.example", "audiences": ["k"], "audienceMatchPolicy": "All""#,
            "audienceMatchPolicy",
            "must be `MatchAny`",
        ),
        (
            r#""url": "https://id.example", "audiences": ["k"], "egressSelectorType": "etcd""#,
            "egressSelectorType",
            "must be `controlplane` or `cluster`",
        ),
        (
            r#""url": "https://id.example", "audiences": ["k"], "discoveryURL": "https://id.example/""#,
            "discoveryURL",
            "must differ from `url`",
        ),
        (
            r#""url": "https://id.example", "audiences": ["k"], "discoveryURL": "http://d.example""#,
            "discoveryURL",
            "must begin with `https://`",
        ),
        (
            r#""url": "https://id.example", "audiences": ["k"], "certificateAuthority": "/etc/ca.crt""#,
            "certificateAuthority",
            "holds no certificate",
        ),
        (
            r#""url": "https://id.example", "audiences": ["k"], "certificateAuthority": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n""#,
            "certificateAuthority",
            "certificate 1 cannot be read",
        ),
    ] {
        let found = issuer_faults(issuer);
        assert_eq!(found.len(), 1, "{found:?}");
        let begin = format!("a.yaml:4: jwt[0].issuer.{key}: ");
        assert!(found[0].starts_with(&begin) && found[0].contains(message), "{found:?}");
        assert!(!found[0].contains("u:p"), "a password may stand in a URL: {found:?}");
    }
}

#[test]
fn issuers_and_discovery_urls_are_unique() {
    let entry = format!(
        "- issuer: {{{ISSUER}, \"discoveryURL\": \"https://d.example\"}}\n  claimMappings: \
         {{{MAPPINGS}}}\n"
    );
    let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n";
    assert_eq!(
        faults(&format!("{head}{entry}{entry}")),
        [
            "a.yaml:6: jwt[1].issuer.url: is the same as `jwt[0].issuer.url`",
            "a.yaml:6: jwt[1].issuer.discoveryURL: is the same as `jwt[0].issuer.discoveryURL`",
        ]
    );
    let many = |count: usize| -> String {
        let entries = (0..count).map(|n| {
            entry
                .replace("https://id.example.com", &format!("https://id{n}.example.com"))
                .replace("https://d.example", &format!("https://d{n}.example"))
        });
        format!("{head}{}", entries.collect::<String>())
    };
    let read = accepted(&many(MAX_ISSUERS));
    assert_eq!(read.issuers.len(), MAX_ISSUERS);
    assert_eq!(faults(&many(MAX_ISSUERS + 1)), ["a.yaml:3: jwt: has more than 64 entries"]);
    assert_eq!(
        read.warnings[0].to_string(),
        "a.yaml:6: jwt[1].claimMappings.username.prefix: `jwt[0]` has the same prefix ``: either \
         issuer can name users of the other"
    );
}
