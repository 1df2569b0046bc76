//! Converts user entries of other programs: int128/kubelogin's, and kubectl's former
//! `auth-provider`; leaves others alone and says why.
//! Never drops a setting silently, and never puts a secret where it was not before.

use login_common::{
    Secret,
    exec_entry::{self, ExecEntry},
    lists,
};
use serde_json::{Map, Value};

use super::entry::{self, Others};
use crate::options::{
    arguments,
    table::{Applies, Name, row_of},
    typed::Typed,
};

/// What to do with a user entry.
pub enum Verdict {
    /// Replace it by this.
    Converted(Box<Converted>),
    /// Leave it, for this reason.
    Left(String),
    /// It is ours already.
    Ours,
    /// It does not use OpenID Connect.
    Other,
}

/// A converted entry.
pub struct Converted {
    /// The new value of `user`.
    pub user: Value,
    /// The options in it.
    pub typed: Typed,
    /// The variables in it.
    pub environment: Vec<(String, String)>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The refresh token from the old entry.
    pub refresh_token: Option<Secret>,
    /// The token cache directory of kubelogin, if it is set.
    pub token_directory: Option<String>,
}

/// Where kubelogin listens by default. Issuers have these addresses as redirect URIs.
const LISTENS_AT: &str = "127.0.0.1:8000,127.0.0.1:18000";

/// Where kubelogin caches tokens by default.
const DEFAULT_DIRECTORY: &str = "~/.kube/cache/oidc-login";

/// Decides what to do with `user`.
pub fn judge(user: Option<&Value>) -> Verdict {
    let field = |name: &str| user.and_then(|user| user.get(name)).filter(|value| !value.is_null());
    match (field("exec"), field("auth-provider"), user) {
        (Some(exec), None, Some(user)) => of_exec(user, exec),
        (None, Some(provider), Some(user)) => of_provider(user, provider),
        (Some(_), Some(_), _) => Verdict::Left(
            "it has both `exec` and `auth-provider`, which kubectl refuses".to_owned(),
        ),
        _ => Verdict::Other,
    }
}

fn of_exec(user: &Value, exec: &Value) -> Verdict {
    let command = exec.get("command").and_then(Value::as_str).unwrap_or_default();
    let words: Vec<&str> = exec
        .get("args")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let words = match (entry::program_name(command), words.as_slice()) {
        ("kubectl-login", _) => return Verdict::Ours,
        ("kubectl", ["oidc-login", rest @ ..]) => rest,
        ("kubelogin" | "kubectl-oidc_login", all) => all,
        _ => return Verdict::Other,
    };
    if words.first() != Some(&"get-token") {
        return Verdict::Left("its arguments do not begin with `get-token`".to_owned());
    }
    let has = |names: &[&str]| {
        words.iter().any(|word| names.contains(&word.split('=').next().unwrap_or_default()))
    };
    if has(&["--server-id", "--login", "-l", "--tenant-id", "-t", "--pop-enabled"]) {
        return Verdict::Left(azure(words));
    }
    let words: Vec<std::ffi::OsString> = words.iter().map(Into::into).collect();
    let Ok(typed) = arguments::of_get_token(&words) else {
        return Verdict::Left("it has an argument that int128/kubelogin does not know".to_owned());
    };
    let mut environment = Vec::new();
    for variable in exec.get("env").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| variable.get(key).and_then(Value::as_str).unwrap_or_default();
        environment.push((text("name").to_owned(), text("value").to_owned()));
    }
    let api_version = match exec.get("apiVersion").and_then(Value::as_str) {
        Some("client.authentication.k8s.io/v1beta1") => "v1beta1",
        _ => "v1",
    };
    let shell = ExecEntry {
        api_version: api_version.to_owned(),
        provide_cluster_info: exec.get("provideClusterInfo") == Some(&Value::Bool(true)),
        environment,
        ..ExecEntry::new(Vec::new())
    };
    let mut verdict = converted(user, typed, shell, None);
    if let Verdict::Converted(converted) = &mut verdict {
        converted.notes.extend(changed_fields(exec, converted.user.get("exec")));
    }
    verdict
}

/// Names the fields that the user set in `before`, the other program's `exec`, and that differ in
/// ours.
fn changed_fields(before: &Value, after: Option<&Value>) -> Vec<String> {
    let says_other = |key: &str| {
        let before = before.get(key).filter(|value| !value.is_null());
        before.is_some() && before != after.and_then(|after| after.get(key))
    };
    [
        ("interactiveMode", "its `interactiveMode` is `IfAvailable` now"),
        ("installHint", "its `installHint` is about kubectl-login now"),
    ]
    .into_iter()
    .filter(|(key, _)| says_other(key))
    .map(|(_, note)| note.to_owned())
    .collect()
}

/// Says what to do about an entry of Azure's program of the same name, which uses Entra ID in its
/// own way.
fn azure(words: &[&str]) -> String {
    let after = |names: &[&str]| {
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.split_once('=') {
                Some((name, value)) if names.contains(&name) => return Some(value),
                None if names.contains(word) => return rest.next().copied(),
                _ => {}
            }
        }
        None
    };
    let flow = after(&["--login", "-l"]).unwrap_or("devicecode");
    let begin = format!("it runs Azure's kubelogin with `--login {flow}`");
    match flow {
        "devicecode" | "interactive" => format!(
            "{begin}: its tokens are access tokens of Entra ID for a server id; where the tenant \
             issues v2.0 tokens, `kubectl-login setup --issuer-url \
             https://login.microsoftonline.com/TENANT/v2.0 --scope SERVER-ID/.default \
             --use-access-token` is the same"
        ),
        _ => format!("{begin}, which only works with Azure's own libraries"),
    }
}

/// Converts the `auth-provider` of old kubectl versions, which kubelogin without `exec` also uses.
fn of_provider(user: &Value, provider: &Value) -> Verdict {
    if provider.get("name").and_then(Value::as_str) != Some("oidc") {
        return Verdict::Left("its `auth-provider` is not `oidc`".to_owned());
    }
    let text = |key: &str| {
        let text = provider.get("config")?.get(key)?.as_str()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    };
    let mut typed = Typed::default();
    for (key, name) in [
        ("idp-issuer-url", Name::IssuerUrl),
        ("client-id", Name::ClientId),
        ("client-secret", Name::ClientSecret),
        ("extra-scopes", Name::Scope),
        ("idp-certificate-authority", Name::CertificateAuthority),
        ("idp-certificate-authority-data", Name::CertificateAuthorityData),
    ] {
        if let Some(value) = text(key) {
            typed.push(name, value);
        }
    }
    let refresh_token = text("refresh-token").map(Secret::new);
    converted(user, typed, ExecEntry::new(Vec::new()), refresh_token)
}

fn converted(
    user: &Value,
    typed: Typed,
    mut exec: ExecEntry,
    refresh_token: Option<Secret>,
) -> Verdict {
    for (name, long) in [(Name::IssuerUrl, "issuer"), (Name::ClientId, "client id")] {
        if !typed.has(name) {
            return Verdict::Left(format!("it names no {long}"));
        }
    }
    let mut notes = Vec::new();
    let token_directory = typed.of(Name::TokenCacheDir).last().map(ToOwned::to_owned);
    // The written entry names the ports itself.
    let mut kept = typed.applying(Applies::Once).without(&[Name::KubeloginPorts]);
    kept.verbosity = 0;
    if token_directory.as_deref() == Some(DEFAULT_DIRECTORY) {
        kept = kept.without(&[Name::TokenCacheDir]);
    }
    for (name, variable, advice) in [
        (
            Name::ClientSecret,
            "KUBECTL_LOGIN_CLIENT_SECRET",
            "a file (`--client-secret-file`) or a command (`--client-secret-command`) is safer still",
        ),
        (Name::Password, "KUBECTL_LOGIN_PASSWORD", "to be asked for it is safer still"),
    ] {
        let Some(secret) = kept.of(name).last().map(ToOwned::to_owned) else { continue };
        kept = kept.without(&[name]);
        exec.environment.push((variable.to_owned(), secret));
        notes.push(format!(
            "its secret stands in `env` as `{variable}` now, out of the process list; {advice}"
        ));
    }
    for name in [Name::RequestHeader, Name::AuthorizationParameter] {
        let row = row_of(name);
        let given: Vec<&str> = kept.of(name).collect();
        if given.iter().all(|value| exec_entry::check(row.long, value).is_ok()) {
            continue;
        }
        let Some(text) = lists::one_text_of_pairs(&given) else {
            return Verdict::Left(format!("its `--{}` cannot be moved into `env`", row.long));
        };
        exec.environment.push((row.variable.to_owned(), text));
        kept = kept.without(&[name]);
        notes.push(format!(
            "its `--{}` stands in `env` as `{}` now, out of the process list",
            row.long, row.variable
        ));
    }
    let is_for_a_browser = match kept.of(Name::Flow).last() {
        None | Some("auto") => !kept.has(Name::Username),
        Some(flow) => flow == "authcode" || flow == "browser",
    };
    if is_for_a_browser && !kept.has(Name::ListenAddress) && !kept.has(Name::ListenPort) {
        kept.push(Name::ListenAddress, LISTENS_AT.to_owned());
        notes.push(format!(
            "it listens at {LISTENS_AT} as before, which the issuer knows; without \
             `--listen-address` it takes a free port"
        ));
    }
    let kept = kept.in_table_order();
    // Paths stay relative: kubectl runs this program in the same working directory as the other
    // one.
    let Ok(arguments) = entry::arguments(&kept, ToOwned::to_owned) else {
        return Verdict::Left("its secrets cannot be moved".to_owned());
    };
    exec.arguments = arguments;
    let mut fields = match user {
        Value::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    fields.remove("auth-provider");
    let user = entry::with_exec(Some(&Value::Object(fields)), exec.to_value(), &[], Others::Stay);
    Verdict::Converted(Box::new(Converted {
        user,
        typed: kept,
        environment: exec.environment,
        notes,
        refresh_token,
        token_directory,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_words(command: &str, words: &[&str]) -> Verdict {
        judge(Some(&json!({ "exec": { "command": command, "args": words } })))
    }

    fn args(verdict: Verdict) -> Vec<String> {
        let Verdict::Converted(converted) = verdict else { panic!("not converted") };
        let args = converted.user["exec"]["args"].as_array().unwrap();
        args.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    }

    const OPTIONS: [&str; 3] =
        ["get-token", "--oidc-issuer-url=https://id.example", "--oidc-client-id=k"];

    #[test]
    fn every_way_to_run_kubelogin_is_converted() {
        let plugin: Vec<&str> = std::iter::once("oidc-login").chain(OPTIONS).collect();
        let expected = [
            "get-token",
            "--issuer-url=https://id.example",
            "--client-id=k",
            "--listen-address=127.0.0.1:8000,127.0.0.1:18000",
        ];
        assert_eq!(args(of_words("kubectl", &plugin)), expected);
        for command in ["kubelogin", "/opt/kubectl-oidc_login", r"C:\bin\kubelogin.exe"] {
            assert_eq!(args(of_words(command, &OPTIONS)), expected, "{command}");
        }
    }

    #[test]
    fn settings_stay_what_has_no_effect_goes_and_secrets_leave_the_arguments() {
        let user = json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "kubectl",
            "args": [
                "oidc-login", "get-token", "--oidc-issuer-url=https://id.example",
                "--oidc-client-id=k", "--oidc-client-secret=hush", "--oidc-extra-scope=a",
                "--oidc-use-pkce", "--grant-type=device-code", "-v1",
                "--token-cache-dir=~/.kube/cache/oidc-login", "--token-cache-storage=disk",
            ],
            "env": [{ "name": "A", "value": "b" }],
            "interactiveMode": "Never",
            "installHint": "brew install kubelogin",
            "provideClusterInfo": true,
        } });
        let Verdict::Converted(converted) = judge(Some(&user)) else { panic!("not converted") };
        let exec = &converted.user["exec"];
        assert_eq!(
            exec["args"],
            json!([
                "get-token",
                "--issuer-url=https://id.example",
                "--client-id=k",
                "--scope=a",
                "--flow=device-code",
                "--token-cache-storage=disk",
            ])
        );
        assert_eq!(
            exec["env"],
            json!([
                { "name": "A", "value": "b" },
                { "name": "KUBECTL_LOGIN_CLIENT_SECRET", "value": "hush" },
            ])
        );
        assert_eq!(exec["apiVersion"], "client.authentication.k8s.io/v1beta1");
        assert_eq!(exec["interactiveMode"], "IfAvailable");
        assert_eq!(exec["provideClusterInfo"], true);
        let notes = converted.notes.join("\n");
        assert!(converted.notes.len() == 3 && !notes.contains("hush"), "{notes}");
        assert!(notes.contains("`interactiveMode`") && notes.contains("`installHint`"), "{notes}");
        let silent = json!({ "interactiveMode": "IfAvailable", "installHint": null });
        assert!(changed_fields(&silent, Some(exec)).is_empty());
    }

    #[test]
    fn a_header_that_proves_something_leaves_the_arguments() {
        let headers =
            ["--oidc-request-header=Authorization=Bearer hush,hush", "--oidc-request-header=B=2"];
        let words: Vec<&str> = OPTIONS.into_iter().chain(headers).collect();
        let Verdict::Converted(converted) = of_words("kubelogin", &words) else {
            panic!("not converted")
        };
        assert!(!converted.user["exec"]["args"].to_string().contains("hush"));
        let (name, text) = &converted.environment[0];
        assert_eq!(name, "KUBECTL_LOGIN_REQUEST_HEADER");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [pair("Authorization", "Bearer hush,hush"), pair("B", "2")];
        assert_eq!(lists::pairs(text).unwrap(), expected);
        assert!(!converted.notes.join(" ").contains("hush"));
        // A header that does not authenticate stays where it is.
        let words: Vec<&str> = OPTIONS.into_iter().chain(["--oidc-request-header=B=2"]).collect();
        assert!(args(of_words("kubelogin", &words)).contains(&"--request-header=B=2".to_owned()));
    }

    #[test]
    fn a_stanza_becomes_an_entry_and_its_refresh_token_is_at_hand() {
        let user = json!({ "auth-provider": { "name": "oidc", "config": {
            "idp-issuer-url": "https://id.example", "client-id": "k", "client-secret": "hush",
            "extra-scopes": "groups,email", "idp-certificate-authority-data": "QUJD",
            "id-token": "x.y.z", "refresh-token": "r",
        } } });
        let Verdict::Converted(converted) = judge(Some(&user)) else { panic!("not converted") };
        assert!(converted.user.get("auth-provider").is_none());
        let text = converted.user.to_string();
        assert!(text.contains("--scope=groups,email") && text.contains("QUJD"), "{text}");
        assert!(!text.contains("x.y.z"), "{text}");
        assert_eq!(converted.refresh_token.unwrap().expose(), "r");
        assert_eq!(converted.environment[0].1, "hush");
    }

    #[test]
    fn what_cannot_be_converted_is_left_with_a_reason() {
        let reason = |verdict| match verdict {
            Verdict::Left(reason) => reason,
            _ => panic!("not left"),
        };
        for (words, expected) in [
            (
                &["get-token", "--login", "azurecli", "--server-id", "x"][..],
                "Azure's own libraries",
            ),
            (&["get-token", "--server-id", "x"], "`--login devicecode`"),
            (&["get-token", "--nonsense"], "does not know"),
            (&["setup"], "do not begin"),
            (&["get-token", "--oidc-client-id=k"], "no issuer"),
        ] {
            let reason = reason(of_words("kubelogin", words));
            assert!(reason.contains(expected), "{reason}");
        }
        assert!(matches!(of_words("aws", &["eks"]), Verdict::Other));
        assert!(matches!(of_words("kubectl-login", &["get-token"]), Verdict::Ours));
        assert!(matches!(judge(Some(&json!({ "token": "t" }))), Verdict::Other));
        assert!(matches!(judge(None), Verdict::Other));
    }
}
