//! Checks whether kubectl runs us: the kubeconfig, its user and cluster, and kubectl's own policy.
//! Never inspects the host: the facts are passed in.

use std::path::{Path, PathBuf};

use kubeconfig::context::{ClusterEntry, Context, ExecEntry, UserEntry};
use serde::Deserialize;

use super::finding::Finding;
use crate::report::Fault;

/// Where the command of an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CommandPath {
    /// At this path.
    At(PathBuf),
    /// Neither on the `PATH` nor at its path.
    Nowhere,
}

/// Which kubeconfig files there are.
pub(super) fn files(paths: &[PathBuf]) -> Finding {
    const CHECK: &str = "kubeconfig";
    if paths.is_empty() {
        let hint = "make one with `kubectl config set-cluster` or get it from the cluster's \
                    operator; `KUBECONFIG` or `--kubeconfig` names another file";
        return Finding::problem(CHECK, Fault::Usage, "there is no kubeconfig", hint);
    }
    let shown: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    Finding::ok(CHECK, format!("read {}", shown.join(", ")))
}

/// Whether the user and the cluster that the context names exist.
pub(super) fn context(name: Option<&str>, context: Option<&Context>) -> Finding {
    const CHECK: &str = "context";
    let problem = |message: String| {
        Finding::problem(
            CHECK,
            Fault::Usage,
            message,
            "`kubectl config get-contexts` lists them, `kubectl config use-context` chooses one",
        )
    };
    let Some(name) = name else {
        return problem("no kubeconfig has a current context".to_owned());
    };
    let Some(context) = context else {
        return problem(format!("no kubeconfig has the context `{name}`"));
    };
    if context.cluster.is_none() {
        return problem(format!(
            "context `{name}` names the cluster `{}`, which no kubeconfig has",
            context.cluster_name
        ));
    }
    if context.user.is_none() {
        return Finding::problem(
            CHECK,
            Fault::Usage,
            format!(
                "context `{name}` names the user `{}`, which no kubeconfig has",
                context.user_name
            ),
            "`kubectl-login setup` writes a user entry",
        );
    }
    let (user, cluster) = (&context.user_name, &context.cluster_name);
    Finding::ok(CHECK, format!("`{name}`: user `{user}` at cluster `{cluster}`"))
}

/// Whether kubectl runs plugins for this cluster at all (client-go `client_config.go`).
pub(super) fn cluster(entry: &ClusterEntry) -> Finding {
    const CHECK: &str = "cluster";
    let server = &entry.server;
    if !server.starts_with("https://") {
        return Finding::problem(
            CHECK,
            Fault::Usage,
            format!("`server` is `{server}`: kubectl runs no plugin and sends no token over http"),
            "correct it with `kubectl config set-cluster NAME --server https://…`",
        );
    }
    if entry.insecure_skip_tls_verify {
        return Finding::warning(
            CHECK,
            format!("kubectl believes any certificate of {server}, and sends it your token"),
            "replace `insecure-skip-tls-verify` by `certificate-authority`",
        );
    }
    Finding::ok(CHECK, server.clone())
}

/// Whether the user entry lets kubectl run the plugin (contract P35).
pub(super) fn user(name: &str, entry: &UserEntry) -> Finding {
    const CHECK: &str = "user";
    let problem = |message: String, hint: String| {
        Finding::problem(CHECK, Fault::Usage, format!("user `{name}` {message}"), hint)
    };
    if let Some(provider) = &entry.auth_provider {
        let hint = "`kubectl-login convert` turns it into an `exec` entry".to_owned();
        return if entry.exec.is_some() {
            let message = "has `auth-provider` beside `exec`, which kubectl refuses".to_owned();
            problem(message, hint)
        } else {
            let message =
                format!("uses the auth-provider `{provider}`, which newer kubectls do not have");
            problem(message, hint)
        };
    }
    let Some(exec) = &entry.exec else {
        let message = if entry.other_credentials.is_empty() {
            "has no credentials and no `exec`".to_owned()
        } else {
            format!("signs in by `{}`, not by a plugin", entry.other_credentials.join("`, `"))
        };
        return problem(message, "`kubectl-login setup` writes an `exec` entry".to_owned());
    };
    if !entry.other_credentials.is_empty() {
        let fields = entry.other_credentials.join("`, `");
        return problem(
            format!("has `{fields}` beside `exec`: that wins, and the plugin never runs"),
            format!("remove `{fields}` from that user in `{}`", entry.file.display()),
        );
    }
    let _ = exec;
    Finding::ok(CHECK, format!("`{name}` in `{}` runs a plugin", entry.file.display()))
}

/// Whether that plugin is us, exists, and is run in a way that works.
pub(super) fn exec(exec: &ExecEntry, found: &CommandPath, home: Option<&Path>) -> Finding {
    const CHECK: &str = "plugin";
    let problem =
        |message: String, hint: &str| Finding::problem(CHECK, Fault::Usage, message, hint);
    let command = &exec.command;
    if let Some(unknown) = exec.unknown_keys().next() {
        let hint = "the keys of `exec` are `apiVersion`, `command`, `args`, `env`, \
                    `interactiveMode`, `provideClusterInfo` and `installHint`";
        let lacks = if command.is_empty() { " and no `command`" } else { "" };
        return problem(format!("its `exec` has the unknown key `{unknown}`{lacks}"), hint);
    }
    if command.is_empty() {
        let hint = "`kubectl-login setup` writes an entry that works";
        return problem("its `exec` has no `command`".to_owned(), hint);
    }
    let first = exec.args.iter().flatten().next().map(String::as_str).unwrap_or_default();
    if Path::new(command).file_stem().is_none_or(|name| name != "kubectl-login") {
        return problem(
            format!("it runs `{command} {first}`, not kubectl-login"),
            "`kubectl-login convert` takes over entries of int128/kubelogin; `--context` chooses \
             another context",
        );
    }
    if first != "get-token" {
        return problem(
            "its `args` do not begin with `get-token`".to_owned(),
            "`kubectl-login setup` writes an entry that works",
        );
    }
    let version = exec.api_version.as_deref().unwrap_or_default();
    let group = "client.authentication.k8s.io";
    match version.strip_prefix(group).unwrap_or_default() {
        "/v1" if exec.interactive_mode.is_none() => {
            return problem(
                "it has no `interactiveMode`, which v1 asks for".to_owned(),
                "set `interactiveMode: IfAvailable`",
            );
        }
        "/v1" | "/v1beta1" => {}
        _ => {
            return problem(
                format!("its `apiVersion` is `{version}`, which kubectl does not know"),
                "set `apiVersion: client.authentication.k8s.io/v1`",
            );
        }
    }
    let mode = exec.interactive_mode.as_deref().unwrap_or("IfAvailable");
    if !["Never", "IfAvailable", "Always"].contains(&mode) {
        return problem(
            format!("its `interactiveMode` is `{mode}`, which kubectl does not know"),
            "set `interactiveMode: IfAvailable`",
        );
    }
    let CommandPath::At(path) = found else {
        return if Path::new(command).components().count() > 1 {
            problem(
                format!("there is no program at `{command}`"),
                "name it `kubectl-login` without a path, and put it on the PATH",
            )
        } else {
            problem(
                "`kubectl-login` is not on the PATH".to_owned(),
                "put its folder on the PATH, or name the whole path in `command`",
            )
        };
    };
    if mode == "Always" {
        return Finding::warning(
            CHECK,
            "`interactiveMode: Always` makes kubectl fail wherever there is no terminal",
            "set `interactiveMode: IfAvailable`",
        );
    }
    let by_name = Path::new(command).components().count() == 1;
    if by_name && home.is_some_and(|home| path.starts_with(home)) {
        return Finding::warning(
            CHECK,
            format!(
                "`{}` is found by this shell; programs of the desktop may have another PATH",
                path.display()
            ),
            "where one does not find it, name the whole path in `command`",
        );
    }
    Finding::ok(CHECK, format!("`{}`, {}", path.display(), version))
}

/// kubectl's own preferences (kuberc), as far as they restrict plugins.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Preferences {
    credential_plugin_policy: Option<String>,
    credential_plugin_allowlist: Option<Vec<Allowed>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Allowed {
    command: Option<String>,
    /// The name of that field up to kubectl 1.35.
    name: Option<String>,
}

/// Whether kubectl's policy lets `command` run (contract A7, P37). `text` is the content of the
/// kuberc, if there is one.
pub(super) fn policy(
    file: &Path,
    text: Option<&str>,
    command: &str,
    found: &CommandPath,
) -> Finding {
    const CHECK: &str = "kuberc";
    let Some(text) = text else { return Finding::ok(CHECK, "no policy: kubectl runs any plugin") };
    let place = format!("`{}`", file.display());
    let Ok(preferences) = located_yaml::typed::read::<Preferences>(text) else {
        let hint = "kubectl ignores it and says so; correct it";
        return Finding::warning(CHECK, format!("{place} is not valid YAML"), hint);
    };
    let allowed = preferences.credential_plugin_allowlist.unwrap_or_default();
    match preferences.credential_plugin_policy.as_deref() {
        None | Some("" | "AllowAll") => Finding::ok(CHECK, format!("{place} allows any plugin")),
        Some("Allowlist") => {
            let known = Path::new(command).file_name();
            let is_listed = allowed
                .iter()
                .filter_map(|one| one.command.as_ref().or(one.name.as_ref()))
                .any(|listed| {
                    listed == command
                        || matches!(found, CommandPath::At(path) if path == Path::new(listed))
                        || (Path::new(listed).components().count() == 1
                            && Path::new(listed).file_name() == known)
                });
            if is_listed {
                return Finding::ok(CHECK, format!("{place} allows `{command}`"));
            }
            Finding::problem(
                CHECK,
                Fault::Usage,
                format!("the allow-list in {place} does not have `{command}`"),
                format!("add `- command: {command}` to `credentialPluginAllowlist`"),
            )
        }
        Some(policy) => Finding::problem(
            CHECK,
            Fault::Usage,
            format!("{place} says `credentialPluginPolicy: {policy}`: kubectl runs no plugin"),
            format!("set `Allowlist` and list `- command: {command}`"),
        ),
    }
}

#[cfg(test)]
mod tests;
