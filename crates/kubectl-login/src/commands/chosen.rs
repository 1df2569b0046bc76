//! The session that a command is about: from options, or from a kubeconfig's user.
//! Never signs in, never writes.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use kubeconfig::context::Context;

use super::failure::CommandError;
use crate::{
    flows::FlowError,
    options::{
        arguments,
        layers::{Layers, Settings},
        origin::Origin,
        table::{Name, row_of},
        target::{Target, cache_directory_of},
    },
    report::Failure,
    system::{
        System, configuration,
        environment::{Environment, Overlay},
        runtime::{self, NotRun},
    },
    user_entries::{self, User},
    workload_identity,
};

/// Variables that determine where the configuration is.
const PLACES: [&str; 4] = [configuration::VARIABLE, "XDG_CONFIG_HOME", "HOME", "USERPROFILE"];

/// The session that a command is about.
pub struct Chosen {
    /// Checked options.
    pub target: Target,
    /// The kubeconfig's user entry, if the options came from there.
    pub user: Option<User>,
}

/// `command` with every option of `get-token`, `--context` and `--kubeconfig`.
pub fn with_options(command: Command) -> Command {
    with_kubeconfig(arguments::with_options(command))
}

/// The same for a command that chooses a session and does not sign in: its help shows the options
/// that distinguish sessions, and says where the others are documented.
pub fn with_choice(command: Command) -> Command {
    const SHOWN: [Name; 4] = [Name::IssuerUrl, Name::ClientId, Name::Account, Name::TokenCacheDir];
    let shown = SHOWN.map(|name| row_of(name).long);
    let choosing = arguments::with_options(command).mut_args(|argument| {
        let is_shown = shown.contains(&argument.get_id().as_str());
        let is_ours = argument.get_id() == "verbose";
        argument.hide(!is_shown && !is_ours).hide_env_values(true)
    });
    with_kubeconfig(choosing)
}

/// Stands below the help instead of the options that [`with_choice`] hides.
pub const REST_OF_OPTIONS: &str =
    "Every option of `get-token` is taken, too: see `kubectl-login get-token --help`.";

/// `command` with `--context` and `--kubeconfig`.
pub fn with_kubeconfig(command: Command) -> Command {
    command
        .arg(
            Arg::new("context")
                .long("context")
                .value_name("NAME")
                .help("The kubeconfig context whose user is meant [default: the current one]"),
        )
        .arg(
            Arg::new("kubeconfig")
                .long("kubeconfig")
                .value_name("FILE")
                .help("The kubeconfig to read [default: $KUBECONFIG or ~/.kube/config]"),
        )
}

/// The chosen context, as the kubeconfig has it.
pub fn context(system: &System<'_>, matches: &ArgMatches) -> Result<Context, Failure> {
    let named = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let files = user_entries::read(system.environment, named("kubeconfig"))?;
    let name = named("context")
        .or_else(|| files.current_context())
        .ok_or_else(|| CommandError::NoCluster("no kubeconfig has a current context".to_owned()))?;
    let missing = || CommandError::NoCluster(format!("no kubeconfig has a context `{name}`"));
    Ok(files.context(name).ok_or_else(missing)?)
}

/// Whether the command line chooses a session.
pub fn is_named(matches: &ArgMatches) -> bool {
    let typed = arguments::typed(matches);
    ["context", "kubeconfig"].iter().any(|id| matches.contains_id(id))
        || [Name::IssuerUrl, Name::ClientId, Name::Account, Name::Username]
            .iter()
            .any(|name| typed.has(*name))
}

/// Whether options and variables are sufficient, so that no kubeconfig is read.
pub fn is_by_options(system: &System<'_>, matches: &ArgMatches) -> bool {
    let names_issuer = arguments::typed(matches).has(Name::IssuerUrl)
        || system.environment.has("KUBECTL_LOGIN_ISSUER_URL");
    names_issuer && !matches.contains_id("context") && !matches.contains_id("kubeconfig")
}

/// Where sessions are stored if none is chosen.
pub fn cache_directory(
    system: &System<'_>,
    matches: &ArgMatches,
) -> Result<Option<PathBuf>, Failure> {
    let configuration = configuration::read(system.environment)?;
    let settings = Settings::resolve(&Layers {
        typed: &arguments::typed(matches),
        typed_origin: &Origin::CommandLine,
        environment: system.environment,
        cluster: None,
        configuration: configuration.as_ref(),
    })?;
    Ok(cache_directory_of(&settings, system.environment))
}

/// `target` with its job's identity, if it is for a job.
pub fn identified(system: &System<'_>, target: Target) -> Result<Target, Failure> {
    let Some(options) = target.unknown_identity() else { return Ok(target) };
    let found = runtime::block_on(workload_identity::find(system.environment, options));
    match found {
        Ok(Ok(taken)) => Ok(target.known_as(taken)),
        Ok(Err(error)) => Err(FlowError::Identity(error).with_hint(&target).into()),
        Err(NotRun::Cancelled) => Err(FlowError::Cancelled.with_hint(&target).into()),
        Err(other) => Err(other.into()),
    }
}

/// The same, but a job whose identity is unavailable stays unknown, and nothing is cached for it.
/// The error is reported when a token is needed.
fn known_or_unkept(system: &System<'_>, target: Target) -> Target {
    identified(system, target.clone()).unwrap_or(target)
}

impl Chosen {
    /// Reads options, and the kubeconfig unless the options name an issuer.
    pub fn of(system: &System<'_>, matches: &ArgMatches) -> Result<Self, Failure> {
        let context = matches.get_one::<String>("context").map(String::as_str);
        Self::of_context(system, matches, context)
    }

    /// The same for another context than the one on the command line.
    pub fn of_context(
        system: &System<'_>,
        matches: &ArgMatches,
        context: Option<&str>,
    ) -> Result<Self, Failure> {
        let typed = arguments::typed(matches);
        let kubeconfig = matches.get_one::<String>("kubeconfig").map(String::as_str);
        if context.is_none() && is_by_options(system, matches) {
            let configuration = configuration::read(system.environment)?;
            let settings = Settings::resolve(&Layers {
                typed: &typed,
                typed_origin: &Origin::CommandLine,
                environment: system.environment,
                cluster: None,
                configuration: configuration.as_ref(),
            })?;
            let target = Target::check(&settings, system.environment)?;
            return Ok(Self { target: known_or_unkept(system, target), user: None });
        }
        let user = user_entries::current_user(system.environment, context, kubeconfig)?;
        let environment = Overlay { variables: &user.environment, below: system.environment };
        // An entry's variables apply as they do when kubectl runs us.
        let mut configuration = configuration::read(&environment)?;
        if user.environment.iter().any(|(name, _)| PLACES.contains(&name.as_str())) {
            // The author of the entry may also have written the file that it names.
            let own = configuration::read(system.environment)?;
            configuration = configuration.map(|named| named.allowing_what(own.as_ref()));
        }
        let origin = Origin::Kubeconfig { user: user.name.clone(), file: user.file.clone() };
        // Typed options override the entry: another browser for this one call, for example.
        let mut combined = user.typed.clone();
        combined.replace_by(&typed);
        let mut settings = Settings::resolve(&Layers {
            typed: &combined,
            typed_origin: &origin,
            environment: &environment,
            cluster: user.cluster_config.as_ref(),
            configuration: configuration.as_ref(),
        })?;
        settings.attribute(&typed, &Origin::CommandLine);
        settings.attribute_variables(&user.environment, &origin);
        let target = Target::check(&settings, &environment as &dyn Environment)?;
        let target = known_or_unkept(&System { environment: &environment, ..*system }, target);
        Ok(Self { target, user: Some(user) })
    }

    /// Runs `work` with the variables that kubectl would set for this user.
    pub fn within<T>(&self, system: &System<'_>, work: impl FnOnce(&System<'_>) -> T) -> T {
        let variables = self.user.as_ref().map_or(&[][..], |user| &user.environment);
        let environment = Overlay { variables, below: system.environment };
        work(&System { environment: &environment, ..*system })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        commands::command_line,
        report::Report,
        system::{environment::NoEnvironment, kubeconfig_file},
    };

    #[test]
    fn a_wrong_value_is_put_down_to_where_it_stands() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("config");
        let text = "current-context: c\ncontexts:\n- {name: c, context: {user: u}}\nusers:\n\
                    - name: u\n  user:\n    exec:\n      command: kubectl-login\n      \
                    args: [get-token, --issuer-url=https://a, --client-id=k, --flow=odd]\n";
        kubeconfig_file::replace(&path, text).unwrap();
        let path = path.display();
        let hint = |line: &str| {
            let line = format!("{line} --kubeconfig {path}");
            let words: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
            let (_, matches) =
                command_line::parse(command_line::Invocation::Program, &words).unwrap();
            let system = System {
                clock: &crate::system::clock::HostClock,
                environment: &NoEnvironment,
                terminal: &crate::system::terminal::Stderr { verbose: false },
            };
            let failure = Chosen::of(&system, &matches).err().unwrap();
            Report::from(&failure).to_string()
        };
        assert!(hint("login").contains("it came from user `u`"), "{}", hint("login"));
        let typed = hint("login --flow strange");
        assert!(typed.contains("it came from the command line"), "{typed}");
    }
}
