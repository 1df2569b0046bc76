//! Builds our kubeconfig entry: the `exec` that runs kubectl-login, from options.
//! Never contains a secret, nor a path that depends on kubectl's working directory.

use std::path::Path;

use login_common::exec_entry;
use serde_json::{Map, Value};

use super::KubeconfigError;
use crate::options::{
    table::{Holds, OPTIONS, Shape},
    typed::Typed,
};

/// The options as arguments of an entry, in the order of the table and each in one spelling.
/// `absolute` makes paths absolute.
pub fn arguments(
    typed: &Typed,
    absolute: impl Fn(&str) -> String,
) -> Result<Vec<String>, KubeconfigError> {
    for row in OPTIONS {
        for value in typed.of(row.name) {
            exec_entry::check(row.long, value)?;
        }
    }
    let mut arguments = Vec::new();
    for row in OPTIONS {
        for value in typed.of(row.name) {
            let long = row.long;
            arguments.push(match row.shape {
                Shape::Switch if matches!(value, "" | "true" | "1" | "yes" | "on") => {
                    format!("--{long}")
                }
                _ if row.holds == Holds::Path && !value.starts_with('~') => {
                    format!("--{long}={}", absolute(value))
                }
                _ => format!("--{long}={value}"),
            });
        }
    }
    Ok(arguments)
}

/// What becomes of the credentials beside `exec`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They stay, and so do the fields of an `exec` that is ours.
    Stay,
    /// They are removed, and the `exec` is written anew.
    Removed,
}

/// `before` with this `exec`. Other fields stay. An `exec`
/// that is ours already keeps its fields, except `args`, those in `given`, and missing ones.
pub fn with_exec(before: Option<&Value>, exec: Value, given: &[&str], others: Others) -> Value {
    let mut fields = match before {
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
    };
    if others == Others::Removed {
        fields.retain(|key, _| !CREDENTIALS.contains(&key.as_str()));
    }
    let is_ours = |exec: &Map<String, Value>| {
        exec.get("command").and_then(Value::as_str).is_some_and(is_kubectl_login)
    };
    let exec = match (fields.get("exec"), exec) {
        (Some(Value::Object(earlier)), Value::Object(wanted))
            if others == Others::Stay && is_ours(earlier) =>
        {
            Value::Object(renewed(earlier, wanted, given))
        }
        (_, wanted) => wanted,
    };
    fields.insert("exec".to_owned(), exec);
    Value::Object(fields)
}

/// `earlier` with the arguments and the `given` fields of `wanted`, and with the fields that it
/// lacks.
fn renewed(
    earlier: &Map<String, Value>,
    wanted: Map<String, Value>,
    given: &[&str],
) -> Map<String, Value> {
    let mut exec = earlier.clone();
    for (key, value) in wanted {
        let is_said = key == "args" || given.contains(&key.as_str());
        if is_said || exec.get(&key).is_none_or(Value::is_null) {
            exec.insert(key, value);
        }
    }
    exec
}

/// The fields of a user entry that authenticate, beside `exec`.
const CREDENTIALS: [&str; 9] = [
    "token",
    "tokenFile",
    "username",
    "password",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "auth-provider",
];

/// The credentials of a user entry beside `exec` that kubectl would use instead, or would refuse
/// together with `exec` (client-go `exec.go UpdateTransportConfig`,
/// `validation.go validateAuthInfo`).
pub fn other_credentials(user: Option<&Value>) -> Vec<&'static str> {
    let is_there = |key: &str| {
        user.and_then(|user| user.get(key))
            .is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
    };
    let kinds = [
        ("a static token", &["token", "tokenFile"][..]),
        ("a user name and password", &["username", "password"]),
        ("a client certificate", &["client-certificate", "client-certificate-data"]),
        (AUTH_PROVIDER, &["auth-provider"]),
    ];
    let is_any = |keys: &[&str]| keys.iter().any(|key| is_there(key));
    kinds.into_iter().filter(|(_, keys)| is_any(keys)).map(|(kind, _)| kind).collect()
}

/// kubectl refuses an entry that has this beside `exec`.
pub const AUTH_PROVIDER: &str = "an `auth-provider`";

/// Whether `command` is this program, in any folder.
pub fn is_kubectl_login(command: &str) -> bool {
    program_name(command) == "kubectl-login"
}

/// The last part of a path, Windows paths included, without `.exe`.
pub fn program_name(command: &str) -> &str {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command);
    Path::new(name)
        .extension()
        .filter(|extension| extension.eq_ignore_ascii_case("exe"))
        .and_then(|extension| name.get(..name.len() - extension.len() - 1))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use login_common::exec_entry::{ExecEntry, INSTALL_HINT};
    use serde_json::json;

    use super::*;
    use crate::options::arguments as of_options;

    fn typed(line: &str) -> Typed {
        let words: Vec<std::ffi::OsString> = line.split_whitespace().map(Into::into).collect();
        of_options::of_get_token(&words).unwrap()
    }

    fn written(line: &str) -> Vec<String> {
        arguments(&typed(line), |path| format!("/here/{path}")).unwrap()
    }

    #[test]
    fn options_are_written_in_one_spelling_and_paths_whole() {
        assert_eq!(
            written(
                "get-token --oidc-client-id k --oidc-issuer-url https://a --use-access-token=true \
                 --scope a --scope b,c --certificate-authority ca.crt --token-cache-dir ~/x -v"
            ),
            [
                "--issuer-url=https://a",
                "--client-id=k",
                "--scope=a",
                "--scope=b,c",
                "--use-access-token",
                "--certificate-authority=/here/ca.crt",
                "--token-cache-dir=~/x",
                // Stands for the redirect URIs that kubelogin's spellings imply.
                "--kubelogin-ports",
            ]
        );
    }

    #[test]
    fn written_options_are_read_on_the_cached_path_as_they_were() {
        let line = "get-token --issuer-url https://a --client-id k --scope a,b --quiet \
                    --flow device --client-secret-file /s --authorization-parameter a=b";
        let words: Vec<std::ffi::OsString> =
            std::iter::once("get-token".to_owned()).chain(written(line)).map(Into::into).collect();
        let strict = crate::options::typed::strict(&words).unwrap();
        let expected = typed(&line.replace("/s", "/here//s"));
        assert!(strict == expected);
    }

    #[test]
    fn a_secret_is_refused() {
        for option in ["--client-secret=x", "--oidc-client-secret=x", "--password=x"] {
            let typed = typed(&format!("get-token {option}"));
            let error = arguments(&typed, ToOwned::to_owned).unwrap_err();
            assert!(matches!(error, KubeconfigError::Secret { .. }), "{option}");
            assert!(!error.to_string().contains('x'), "{error}");
        }
    }

    #[test]
    fn what_would_win_over_the_plugin_is_named() {
        let user = json!({ "token": "t", "exec": {}, "client-key": "k", "username": "" });
        assert_eq!(other_credentials(Some(&user)), ["a static token"]);
        let user = json!({ "client-certificate-data": "x", "auth-provider": { "name": "oidc" } });
        assert_eq!(other_credentials(Some(&user)), ["a client certificate", AUTH_PROVIDER]);
        assert!(other_credentials(None).is_empty());
    }

    #[test]
    fn what_a_person_wrote_into_our_entry_stays_unless_it_is_given_anew() {
        let before = json!({ "as": "admin", "token": "t", "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "/opt/kubectl-login",
            "args": ["get-token", "--issuer-url=https://old"],
            "env": [{ "name": "A", "value": "b" }],
            "interactiveMode": "Never",
            "installHint": "ask us",
            "provideClusterInfo": true,
        } });
        let wanted = ExecEntry::new(vec!["--issuer-url=https://new".to_owned()]).to_value();
        let mut expected = before.clone();
        expected["exec"]["args"] = json!(["get-token", "--issuer-url=https://new"]);
        assert_eq!(with_exec(Some(&before), wanted.clone(), &[], Others::Stay), expected);
        expected["exec"]["installHint"] = json!(INSTALL_HINT);
        assert_eq!(
            with_exec(Some(&before), wanted.clone(), &["installHint"], Others::Stay),
            expected
        );
        let lacking = json!({ "exec": { "command": "kubectl-login" } });
        let whole = with_exec(Some(&lacking), wanted.clone(), &[], Others::Stay);
        assert_eq!(whole, json!({ "exec": wanted }));
        let replaced = with_exec(Some(&before), wanted.clone(), &[], Others::Removed);
        assert_eq!(replaced, json!({ "as": "admin", "exec": wanted }));
    }

    #[test]
    fn programs_are_recognised_wherever_they_are() {
        for command in [
            "kubectl-login",
            "/usr/bin/kubectl-login",
            r"C:\x\kubectl-login.exe",
            "./kubectl-login",
        ] {
            assert!(is_kubectl_login(command), "{command}");
        }
        assert!(!is_kubectl_login("kubectl") && !is_kubectl_login("kubectl-login.sh"));
    }
}
