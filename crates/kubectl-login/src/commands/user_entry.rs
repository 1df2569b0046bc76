//! Puts our user entry into a kubeconfig, points a context at it, and says so: what `setup` and
//! `login SERVER-URL` share.
//! Never takes the place of other credentials without being told to.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use serde_json::Value;

use crate::{
    flows::{FlowError, obtain::Session},
    kubeconfig::{
        KubeconfigError,
        change::Change,
        edit::Edit,
        entry::{self, AUTH_PROVIDER},
        find::{Files, UserEntry},
    },
    options::{arguments, table::Name, target::Target},
    report::Failure,
    system::{
        System,
        runtime::{self, NotRun},
        stdout,
    },
};

/// `command` with the options that say which entry, in which file.
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

/// Which entry.
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether the person chose that name.
    pub is_name_given: bool,
    /// The context that shall use it.
    pub context: Option<&'a str>,
    /// The kubeconfig that the person named.
    pub kubeconfig: Option<&'a str>,
    /// The value of `exec`.
    pub exec: Value,
    /// Fields of it that the person said, and that come in the place of what is there.
    pub given: Vec<&'static str>,
    /// Put it in the place of whatever there is.
    pub replace: bool,
}

impl<'a> Wanted<'a> {
    /// What the options of `with_options`, `--context` and `--kubeconfig` say. `name` counts where
    /// there is no `--name`.
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

/// Fields of `exec` that have an option of their own. `login` has none of them.
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

/// A change that was thought out, and what to say about it.
pub struct Plan {
    change: Change,
    warnings: Vec<String>,
    done: Vec<String>,
    next: String,
}

impl Plan {
    /// Thinks it out.
    pub fn of(system: &System<'_>, wanted: &Wanted<'_>) -> Result<Self, Failure> {
        let files = Files::read(system.environment, wanted.kubeconfig)?;
        let existing = files.user(wanted.name);
        if let Some(existing) = &existing {
            check(existing, wanted)?;
        }
        let before = existing.as_ref().and_then(|entry| entry.value);
        let file = existing.as_ref().map_or(files.default_file(), |entry| entry.file);
        let after = entry::with_exec(before, wanted.exec.clone(), &wanted.given, wanted.replace);
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
            let context = files
                .context(name)
                .ok_or_else(|| KubeconfigError::Missing(format!("a context `{name}`")))?;
            let (name, user) = (name.to_owned(), wanted.name.to_owned());
            done.push(format!("Context `{name}` uses it."));
            change.add(context.file, Edit::Context { name, user });
        }
        let next = next(&files, wanted, &mut done);
        Ok(Self { change, warnings, done, next })
    }

    /// Shows on stdout what would change.
    pub fn show(&self, system: &System<'_>) -> Result<(), Failure> {
        self.warn(system);
        let difference = self.change.preview()?;
        if difference.is_empty() {
            system.terminal.say("Nothing would change.");
        }
        stdout::coloured(&difference)
    }

    /// Changes the files and says so.
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

    /// Says what to type next.
    pub fn say_next(&self, system: &System<'_>) {
        system.terminal.say(&self.next);
    }

    fn warn(&self, system: &System<'_>) {
        for warning in &self.warnings {
            system.terminal.say(warning);
        }
    }
}

/// Whether `existing` may become what is wanted.
fn check(existing: &UserEntry<'_>, wanted: &Wanted<'_>) -> Result<(), KubeconfigError> {
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
fn next(files: &Files, wanted: &Wanted<'_>, done: &mut Vec<String>) -> String {
    let option = wanted.kubeconfig.map(|path| format!(" --kubeconfig={path}")).unwrap_or_default();
    let uses_it = wanted.context.or_else(|| files.contexts_of(wanted.name).next());
    let current = files.current_context();
    if let Some(context) = uses_it {
        let context =
            if current == Some(context) { String::new() } else { format!(" --context={context}") };
        return format!("Next: kubectl{option}{context} auth whoami");
    }
    let name = wanted.name;
    match current.and_then(|current| Some((current, files.context(current)?))) {
        Some((current, context)) => {
            let user = files.user(context.user).and_then(|entry| entry.value);
            let has_none =
                user.is_none_or(|user| user.as_object().is_some_and(serde_json::Map::is_empty));
            if has_none {
                done.push(format!(
                    "The current context `{current}` has a user without any credentials."
                ));
            }
            format!("Next: kubectl{option} config set-context {current} --user={name}")
        }
        None => {
            format!("Next: kubectl{option} config set-context NAME --cluster=CLUSTER --user={name}")
        }
    }
}

/// Asks the issuer for its discovery document: whether it is there, and is the one named.
pub fn check_issuer(system: &System<'_>, target: &Target) -> Result<(), Failure> {
    let failed = |source: FlowError| {
        let hint = source.hint(target);
        Failure::Flow { source: Box::new(source), hint }
    };
    run(
        async {
            let session = Session::prepare(system, target, None).await.map_err(failed)?;
            session.fetch_metadata().await.map_err(failed)?;
            Ok(())
        },
        || failed(FlowError::Cancelled),
    )
}

/// Runs until the work is done or a signal comes.
pub fn run<T>(
    work: impl Future<Output = Result<T, Failure>>,
    cancelled: impl FnOnce() -> Failure,
) -> Result<T, Failure> {
    match runtime::block_on(work) {
        Ok(outcome) => outcome,
        Err(NotRun::Start(error)) => Err(Failure::Start(error)),
        Err(NotRun::Cancelled) => Err(cancelled()),
    }
}

/// The host in a URL: what an entry is called.
pub fn host_of(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
    host.unwrap_or_else(|| "kubectl-login".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::command_line;

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
