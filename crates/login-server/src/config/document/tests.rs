//! The configuration file: what is read, and every fault with its line and key.

use super::*;

fn faults(text: &str) -> Vec<String> {
    parse(text, "s.yaml").unwrap_err().iter().map(ToString::to_string).collect()
}

const HEAD: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";

#[test]
fn two_lines_are_a_whole_file() {
    let document = parse(HEAD, "s.yaml").unwrap();
    assert!(document.issuer.is_none());
    assert_eq!(document.guard, Guard::default());
    assert_eq!(document.result_cache.ttl, Duration::from_mins(1));
}

#[test]
fn every_key_is_read() {
    let document = parse(
        &format!(
            "{HEAD}allowedSystemNames:\n  users: [\"system:admin\", kubernetes-admin]\n  \
             groups: [\"system:masters\", \"kubeadm:cluster-admins\"]\n\
             resultCache: {{maxBytes: 1000, ttl: 5s, negativeTTL: 2s}}\n\
             maxTokenBytes: 131072\n\
             issuer:\n  url: https://login.example.com\n  clusterAudience: prod\n  \
             idTokenLifetime: 5s\n  refreshTokenLifetime: 1h\n  sessionLifetime: 12h\n  \
             deviceCodeLifetime: 2m\n  devicePollInterval: 1s\n  usernamePrefix: \"u:\"\n  \
             groupsPrefix: \"g:\"\n\
             publishedClient:\n  issuerURL: https://id.example.com\n  clientID: k\n  \
             scopes: [groups]\n  certificateAuthorityFile: ca.crt\n"
        ),
        "s.yaml",
    )
    .unwrap();
    let owned = |names: [&str; 2]| names.map(str::to_owned);
    let expected = Guard::new(
        owned(["system:admin", "kubernetes-admin"]),
        owned(["system:masters", "kubeadm:cluster-admins"]),
    );
    assert_eq!(document.guard, expected);
    // Each causes a warning, whatever else the file says.
    let warned: Vec<String> = document.warnings.iter().map(ToString::to_string).collect();
    for (number, (line, key, name)) in [
        (4, "users[0]", "system:admin"),
        (4, "users[1]", "kubernetes-admin"),
        (5, "groups[0]", "system:masters"),
        (5, "groups[1]", "kubeadm:cluster-admins"),
    ]
    .into_iter()
    .enumerate()
    {
        let begin = format!("s.yaml:{line}: allowedSystemNames.{key}: `{name}` is allowed: ");
        assert!(warned[number].starts_with(&begin), "{warned:?}");
    }
    assert_eq!(warned.len(), 4);
    assert_eq!(document.result_cache.max_bytes, 1000);
    assert_eq!(document.result_cache.ttl, Duration::from_secs(5));
    assert_eq!(document.result_cache.negative_ttl, Duration::from_secs(2));
    assert_eq!(document.max_token_bytes, Some(131_072));
    let issuer = document.issuer.unwrap();
    assert_eq!(issuer.settings.issuer.as_str(), "https://login.example.com");
    assert_eq!(issuer.settings.cluster_audience, "prod");
    assert_eq!(issuer.settings.token_lifetime, Duration::from_secs(5));
    assert_eq!(issuer.settings.refresh_token_lifetime, Duration::from_hours(1));
    assert_eq!(issuer.settings.session_lifetime, Duration::from_hours(12));
    assert_eq!(issuer.settings.device_code_lifetime, Duration::from_mins(2));
    assert_eq!(issuer.settings.device_poll_interval, Duration::from_secs(1));
    let published = document.published_client.unwrap();
    assert_eq!(published.issuer.unwrap().as_str(), "https://id.example.com");
    assert_eq!(published.client_id.unwrap().as_str(), "k");
    assert_eq!(published.scopes, ["groups"]);
    let authority = published.certificate_authority.unwrap();
    assert_eq!((authority.path, authority.line), ("ca.crt".into(), 22));
    assert_eq!((issuer.username_prefix.as_str(), issuer.groups_prefix.as_str()), ("u:", "g:"));
}

#[test]
fn every_fault_is_reported_at_once_with_file_line_and_key() {
    let text = "apiVersion: v1\n\
                allowedSystemNames:\n  groups: [developers, \"system:*\", 7]\n\
                resultCache:\n  maxBytes: many\n  ttl: 60\n\
                issuer:\n  url: http://login.example.com\n  clusterAudience: \"\"\n  \
                idTokenLifetime: 5 minutes\n  deviceCodeLifetime: 2h\n  usernamePrefix: \"system:\"\n\
                colour: blue\n";
    assert_eq!(
        faults(text),
        [
            "s.yaml:1: apiVersion: must be `kubectl-login/v1`",
            "s.yaml:1: kind: is required",
            "s.yaml:3: allowedSystemNames.groups[2]: must be a text, is a number (quote it to make it a text)",
            "s.yaml:3: allowedSystemNames.groups[0]: must begin with `system:`, or be `kubeadm:cluster-admins`; other names need no leave",
            "s.yaml:3: allowedSystemNames.groups[1]: must be one exact name, not a pattern",
            "s.yaml:5: resultCache.maxBytes: must be a whole number",
            "s.yaml:6: resultCache.ttl: must be a text, is a number (quote it to make it a text)",
            "s.yaml:8: issuer.url: `http://login.example.com` must begin with `https://` (`http://` is accepted for loopback hosts only)",
            "s.yaml:9: issuer.clusterAudience: must have 1 to 255 characters",
            "s.yaml:10: issuer.idTokenLifetime: `5 minutes` is not a duration such as `90s`, `10m` or `1h30m`",
            "s.yaml:11: issuer.deviceCodeLifetime: must be between 1s and 3600s",
            "s.yaml:12: issuer.usernamePrefix: must not begin with `system:`",
            "s.yaml:13: colour: unknown key; known here: `apiVersion`, `kind`, `allowedSystemNames`, `resultCache`, `issuers`, `audit`, `introspection`, `staticTokens`, `revocations`, `issuer`, `publishedClient`, `telemetry`, `maxTokenBytes`",
        ]
    );
}

#[test]
fn a_token_may_be_made_neither_tiny_nor_longer_than_any_client_hands_out() {
    for (text, fault) in [
        ("4095", "must be from 4096 to 131072"),
        ("131073", "must be from 4096 to 131072"),
        ("0", "must be from 4096 to 131072"),
        ("64KiB", "must be a whole number"),
    ] {
        let found = faults(&format!("{HEAD}maxTokenBytes: {text}\n"));
        assert_eq!(found, [format!("s.yaml:3: maxTokenBytes: {fault}")]);
    }
    assert_eq!(parse(HEAD, "s.yaml").unwrap().max_token_bytes, None);
}

#[test]
fn what_is_not_yaml_is_reported_with_its_line() {
    assert!(faults("a: [\n").iter().all(|fault| fault.starts_with("s.yaml:")));
    assert_eq!(faults("- x\n"), ["s.yaml:1: must be a mapping, is a list"]);
    assert_eq!(faults(""), ["s.yaml:1: must be a mapping, is empty"]);
}
