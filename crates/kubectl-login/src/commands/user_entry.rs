//! Puts our user entry into a kubeconfig, sets it as a context's user, and reports it: shared by
//! `setup` and `login SERVER-URL`.
//! Never replaces other credentials without `--replace`.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use kubeconfig::{
    edit::Edit,
    files::{Files, FilesToChange, WrittenUser},
};
use serde_json::Value;

use crate::{
    flows::{FlowError, issuer_client::IssuerClient},
    options::{
        arguments,
        configuration::Configuration,
        layers::{Layers, Settings},
        origin::Origin,
        table::Name,
        target::Target,
        typed::Typed,
    },
    report::Failure,
    system::{
        System,
        runtime::{self, NotRun},
        stdout,
    },
    user_entries::{
        self, KubeconfigError,
        change::Change,
        entry::{self, AUTH_PROVIDER, Others},
    },
};

/// The name for a cluster that has none yet.
const CLUSTER: &str = "kubernetes";

/// `command` with the options that choose an entry and its file.
pub fn with_options(command: Command) -> Command {
    command
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .help("The name of the user entry [default: the host that signs in]"),
        )
        .arg(
            Arg::new("replace")
                .long("replace")
                .action(ArgAction::SetTrue)
                .help("Put the entry in the place of whatever credentials it has now"),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Only show on stdout what would change"),
        )
}

/// The entry to write.
pub struct NewEntry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether the user chose that name.
    pub is_name_given: bool,
    /// The context that will use it.
    pub context: Option<&'a str>,
    /// The kubeconfig that the user named.
    pub kubeconfig: Option<&'a str>,
    /// The value of `exec`.
    pub exec: Value,
    /// Fields of it that the user gave, and that replace the existing ones.
    pub given: Vec<&'static str>,
    /// Replace existing credentials.
    pub replace: bool,
}

impl<'a> NewEntry<'a> {
    /// Reads the options of `with_options`, `--context` and `--kubeconfig`. `name` applies if there
    /// is no `--name`.
    pub fn of(matches: &'a ArgMatches, name: &'a str, exec: Value) -> Self {
        let given = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        Self {
            name: given("name").unwrap_or(name),
            is_name_given: given("name").is_some(),
            context: given("context"),
            kubeconfig: given("kubeconfig"),
            exec,
            given: given_fields(matches),
            replace: matches.get_flag("replace"),
        }
    }
}

/// Fields of `exec` that have an option of their own. `login` has no such options.
fn given_fields(matches: &ArgMatches) -> Vec<&'static str> {
    let is_typed = |id: &str| {
        matches.ids().any(|known| known == id)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    [
        ("exec-api-version", "apiVersion"),
        ("install-hint", "installHint"),
        ("provide-cluster-info", "provideClusterInfo"),
    ]
    .into_iter()
    .filter_map(|(id, field)| is_typed(id).then_some(field))
    .collect()
}

/// A planned change, and the messages about it.
pub struct Plan {
    change: Change,
    warnings: Vec<String>,
    done: Vec<String>,
    next: String,
}

impl Plan {
    /// Plans the change.
    pub fn of(system: &System<'_>, wanted: &NewEntry<'_>) -> Result<Self, Failure> {
        let to_change = user_entries::read_to_change(system.environment, wanted.kubeconfig)?;
        let files = &to_change.files;
        let existing = to_change.user(wanted.name);
        if let Some(existing) = &existing {
            check(existing, wanted)?;
        }
        let before = existing.as_ref().and_then(|entry| entry.value);
        let file = existing.as_ref().map_or(to_change.default_file(), |entry| entry.file);
        let others = if wanted.replace { Others::Removed } else { Others::Stay };
        let after = entry::with_exec(before, wanted.exec.clone(), &wanted.given, others);
        let warnings = entry::other_credentials(Some(&after))
            .into_iter()
            .map(|what| {
                format!(
                    "warning: user `{}` has {what}: kubectl uses that and never runs \
                     kubectl-login; `--replace` takes it out",
                    wanted.name
                )
            })
            .collect();
        let mut change = Change::default();
        let edit = Edit::User { name: wanted.name.to_owned(), before: before.cloned(), after };
        change.add(file, edit);
        let mut done = vec![format!("User `{}` is in `{}`.", wanted.name, file.display())];
        if let Some(name) = wanted.context {
            let context = files.context(name).ok_or_else(|| KubeconfigError::NoContext {
                name: name.to_owned(),
                commands: commands_for(files, wanted),
            })?;
            let (name, user) = (name.to_owned(), wanted.name.to_owned());
            done.push(format!("Context `{name}` uses it."));
            change.add(&context.file, Edit::Context { name, user });
        }
        let next = next(&to_change, wanted, &mut done);
        Ok(Self { change, warnings, done, next })
    }

    /// Prints to stdout what would change.
    pub fn show(&self, system: &System<'_>) -> Result<(), Failure> {
        self.warn(system);
        let difference = self.change.preview()?;
        if difference.is_empty() {
            system.terminal.say("Nothing would change.");
        }
        Ok(stdout::coloured(&difference)?)
    }

    /// Changes the files and reports it.
    pub fn carry_out(&self, system: &System<'_>) -> Result<(), Failure> {
        self.warn(system);
        let is_changed = self.change.carry_out(system.terminal)?;
        for line in &self.done {
            system.terminal.say(line);
        }
        if !is_changed {
            system.terminal.say("It was all there already.");
        }
        Ok(())
    }

    /// Prints the next command to type, and what has to be done before.
    pub fn say_next(&self, system: &System<'_>, obstacles: &[String]) {
        for obstacle in obstacles {
            system.terminal.say(obstacle);
        }
        system.terminal.say(&self.next);
    }

    fn warn(&self, system: &System<'_>) {
        for warning in &self.warnings {
            system.terminal.say(warning);
        }
    }
}

/// Whether `existing` may be replaced by `wanted`.
fn check(existing: &WrittenUser<'_>, wanted: &NewEntry<'_>) -> Result<(), KubeconfigError> {
    let (user, file) = (existing.name.to_owned(), existing.file.display().to_string());
    if wanted.replace {
        return Ok(());
    }
    if entry::other_credentials(existing.value).contains(&AUTH_PROVIDER) {
        return Err(KubeconfigError::Occupied { user, file, what: AUTH_PROVIDER });
    }
    let Some(exec) = existing.value.and_then(|value| value.get("exec")).filter(|e| !e.is_null())
    else {
        return Ok(());
    };
    let command = exec.get("command").and_then(Value::as_str).unwrap_or_default();
    if !entry::is_kubectl_login(command) {
        let what = "an `exec` entry that runs another program";
        return Err(KubeconfigError::Occupied { user, file, what });
    }
    let says_where = |exec: &Value| {
        let given = exec.get("args").and_then(Value::as_array).into_iter().flatten();
        let words: Vec<OsString> = given.filter_map(Value::as_str).map(Into::into).collect();
        let typed = arguments::of_get_token(&words).ok()?;
        let of = |name| typed.of(name).last().map(ToOwned::to_owned);
        Some((of(Name::IssuerUrl), of(Name::ClientId)))
    };
    if !wanted.is_name_given && says_where(exec) != says_where(&wanted.exec) {
        return Err(KubeconfigError::Taken { user, file });
    }
    Ok(())
}

/// The next command to type.
fn next(to_change: &FilesToChange, wanted: &NewEntry<'_>, done: &mut Vec<String>) -> String {
    let files = &to_change.files;
    let kubectl = kubectl(wanted);
    let uses_it = wanted.context.or_else(|| files.contexts_of(wanted.name).next());
    let current = files.current_context();
    if let Some(context) = uses_it {
        let option = format!(" --context={}", word(context));
        let option = if current == Some(context) { "" } else { &option };
        return format!("Next: {kubectl}{option} auth whoami");
    }
    let name = word(wanted.name);
    match current.and_then(|current| Some((current, files.context(current)?))) {
        Some((current, context)) => {
            let user = to_change.user(&context.user_name).and_then(|entry| entry.value);
            let has_none =
                user.is_none_or(|user| user.as_object().is_some_and(serde_json::Map::is_empty));
            if has_none {
                done.push(format!(
                    "The current context `{current}` has a user without any credentials."
                ));
            }
            format!("Next: {kubectl} config set-context {} --user={name}", word(current))
        }
        None => format!("No context uses it yet. Next:\n{}", commands_for(files, wanted)),
    }
}

/// The commands that create the wanted context, and its cluster if there is none.
fn commands_for(files: &Files, wanted: &NewEntry<'_>) -> String {
    let known: Vec<&str> = files.cluster_names().collect();
    let (kubectl, user) = (kubectl(wanted), word(wanted.name));
    let (is_new, cluster) = match (known.as_slice(), wanted.context) {
        ([], context) => (true, Some(context.unwrap_or(CLUSTER))),
        (several, Some(context)) if several.contains(&context) => (false, Some(context)),
        (&[only], _) => (false, Some(only)),
        _ => (false, None),
    };
    let free = cluster.filter(|name| files.context(name).is_none());
    let context = word(wanted.context.or(free).unwrap_or("NAME"));
    let cluster = word(cluster.unwrap_or("CLUSTER"));
    let mut lines = Vec::new();
    if is_new {
        lines.push(format!(
            "  # The cluster's operator knows the address and the authority's file.\n  \
             {kubectl} config set-cluster {cluster} --server=https://API-SERVER:6443 \
             --certificate-authority=ca.crt --embed-certs"
        ));
    }
    lines.push(format!(
        "  {kubectl} config set-context {context} --cluster={cluster} --user={user}"
    ));
    if wanted.context.is_none() {
        lines.push(format!("  {kubectl} config use-context {context}"));
    }
    lines.join("\n")
}

/// The first words of a command for the same kubeconfig.
fn kubectl(wanted: &NewEntry<'_>) -> String {
    let option = wanted.kubeconfig.map(|path| format!(" --kubeconfig={}", word(path)));
    format!("kubectl{}", option.unwrap_or_default())
}

/// One word of a command line, quoted where a shell would change it.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.,:/@%+=~".contains(c);
    // cmd and PowerShell have backslashes in paths, and other quotes.
    if cfg!(windows) || (!text.is_empty() && text.chars().all(is_plain)) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Fetches the issuer's discovery document, to check that it exists and names this issuer.
pub fn check_issuer(system: &System<'_>, target: &Target) -> Result<(), Failure> {
    let failed = |error: FlowError| Failure::from(error.with_hint(target));
    run(
        async {
            let session = IssuerClient::prepare(system, target, None).await.map_err(failed)?;
            session.fetch_metadata().await.map_err(failed)?;
            Ok(())
        },
        || failed(FlowError::Cancelled),
    )
}

/// What has to be done before kubectl can use an entry with these options. Fails if it never could.
pub fn obstacles(
    system: &System<'_>,
    typed: &Typed,
    configuration: Option<&Configuration>,
) -> Result<Vec<String>, Failure> {
    let settings = Settings::resolve(&Layers {
        typed,
        typed_origin: &Origin::Arguments,
        environment: system.environment,
        cluster: None,
        configuration,
    })?;
    let refused = Target::check(&settings, system.environment)?.refused_commands();
    Ok(refused.iter().map(|refused| format!("Before that: {}.", refused.hint())).collect())
}

/// Runs `work` until it is done or a signal arrives.
pub fn run<T>(
    work: impl Future<Output = Result<T, Failure>>,
    cancelled: impl FnOnce() -> Failure,
) -> Result<T, Failure> {
    match runtime::block_on(work) {
        Ok(outcome) => outcome,
        Err(NotRun::Cancelled) => Err(cancelled()),
        Err(other) => Err(other.into()),
    }
}

/// The host of a URL, as the default name of an entry.
pub fn host_of(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
    host.unwrap_or_else(|| "kubectl-login".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        commands::command_line,
        system::{
            environment::{NoEnvironment, Overlay},
            kubeconfig_file,
        },
    };

    #[test]
    fn a_context_that_is_missing_comes_with_the_commands_that_make_it() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("config");
        let commands = |text: &str, context: Option<&str>| {
            kubeconfig_file::replace(&path, text).unwrap();
            let named = path.display().to_string();
            let files = user_entries::read(&NoEnvironment, Some(&named)).unwrap();
            let wanted = NewEntry {
                name: "login.example.com",
                is_name_given: false,
                context,
                kubeconfig: None,
                exec: Value::Null,
                given: Vec::new(),
                replace: false,
            };
            commands_for(&files, &wanted)
        };
        let cluster = "config set-cluster dev --server=https://API-SERVER:6443 \
                       --certificate-authority=ca.crt --embed-certs";
        let context = "config set-context dev --cluster=dev --user=login.example.com";
        let using = "config use-context dev";
        let dev = "clusters:\n- {name: dev, cluster: {}}\n";
        let more = format!("{dev}- {{name: b, cluster: {{}}}}\n- {{name: c, cluster: {{}}}}\n");
        let taken = format!("{dev}contexts:\n- {{name: dev, context: {{cluster: dev}}}}\n");
        let odd = context.replace("dev --cluster", "'it'\\''s mine' --cluster");
        let unnamed = "config set-context NAME --cluster=CLUSTER --user=login.example.com";
        for (text, named, expected) in [
            ("", Some("dev"), vec![cluster, context]),
            (dev, Some("dev"), vec![context]),
            (dev, Some("it's mine"), vec![&odd]),
            (dev, None, vec![context, using]),
            (&more, Some("dev"), vec![context]),
            (&more, None, vec![unnamed, "config use-context NAME"]),
            (&taken, None, vec![&unnamed.replace("CLUSTER", "dev"), "config use-context NAME"]),
        ] {
            let said = commands(text, named);
            let lines: Vec<&str> =
                said.lines().filter_map(|line| line.strip_prefix("  kubectl ")).collect();
            assert_eq!(lines, expected, "{text}");
        }
        assert!(commands("", None).contains("config use-context kubernetes"));
    }

    #[test]
    fn a_command_that_kubectl_would_not_run_is_said_before() {
        let variables = [("HOME".to_owned(), "/dev/null".to_owned())];
        let system = System {
            clock: &crate::system::clock::HostClock,
            environment: &Overlay { variables: &variables, below: &NoEnvironment },
            terminal: &crate::system::terminal::Stderr { verbose: false },
        };
        let said = |words: &[&str]| {
            let words: Vec<OsString> = ["get-token", "--issuer-url=https://a", "--client-id=k"]
                .iter()
                .chain(words)
                .map(Into::into)
                .collect();
            obstacles(&system, &arguments::of_get_token(&words).unwrap(), None)
        };
        assert!(said(&[]).unwrap().is_empty());
        let told = said(&["--client-secret-command=pass show x"]).unwrap().join("\n");
        assert!(told.starts_with("Before that:") && told.contains("\"pass show x\""), "{told}");
        assert!(said(&["--flow=nonsense"]).is_err());
    }

    #[test]
    fn only_what_is_typed_comes_in_the_place_of_what_is_there() {
        let given = |line: &str| {
            let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            given_fields(&command_line::parse(command_line::Invocation::Program, &words).unwrap().1)
        };
        assert!(given("setup").is_empty() && given("login https://a").is_empty());
        let fields = given("setup --install-hint=x --exec-api-version=v1 --provide-cluster-info");
        assert_eq!(fields, ["apiVersion", "installHint", "provideClusterInfo"]);
    }
}
