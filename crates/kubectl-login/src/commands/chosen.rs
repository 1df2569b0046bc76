//! The session that a command is about: given by options, or that of a kubeconfig's user.
//! Never signs in, never writes.

use clap::{Arg, ArgMatches, Command};

use crate::{
    kubeconfig::{self, User},
    options::{
        arguments,
        layers::{Layers, Origin, Settings},
        table::Name,
        target::Target,
    },
    report::Failure,
    system::{
        System, configuration,
        environment::{Environment, Overlay},
    },
};

/// What a command is about.
pub struct Chosen {
    /// Checked options.
    pub target: Target,
    /// The kubeconfig's user entry, when they came from there.
    pub user: Option<User>,
}

/// `command` with every option of `get-token`, `--context` and `--kubeconfig`.
pub fn with_options(command: Command) -> Command {
    with_kubeconfig(arguments::with_options(command))
}

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

impl Chosen {
    /// Reads options, and the kubeconfig unless they name an issuer themselves.
    pub fn of(system: &System<'_>, matches: &ArgMatches) -> Result<Self, Failure> {
        let typed = arguments::typed(matches);
        let named = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let (context, kubeconfig) = (named("context"), named("kubeconfig"));
        let configuration = configuration::read(system.environment)?;
        let names_issuer =
            typed.has(Name::IssuerUrl) || system.environment.has("KUBECTL_LOGIN_ISSUER_URL");
        if names_issuer && context.is_none() && kubeconfig.is_none() {
            let settings = Settings::resolve(&Layers {
                typed: &typed,
                typed_origin: &Origin::CommandLine,
                environment: system.environment,
                cluster: None,
                configuration: configuration.as_ref(),
            })?;
            let target = Target::check(&settings, system.environment)?;
            return Ok(Self { target, user: None });
        }
        let user = kubeconfig::current_user(system.environment, context, kubeconfig)?;
        let environment = Overlay { variables: &user.environment, below: system.environment };
        // What is typed here comes on top: another browser for this one time, for example.
        let mut combined = user.typed.clone();
        combined.replace_by(&typed);
        let settings = Settings::resolve(&Layers {
            typed: &combined,
            typed_origin: &Origin::Kubeconfig { user: user.name.clone(), file: user.file.clone() },
            environment: &environment,
            cluster: user.cluster_config.as_ref(),
            configuration: configuration.as_ref(),
        })?;
        let target = Target::check(&settings, &environment as &dyn Environment)?;
        Ok(Self { target, user: Some(user) })
    }

    /// Does `work` with the variables that kubectl would set for this user.
    pub fn within<T>(&self, system: &System<'_>, work: impl FnOnce(&System<'_>) -> T) -> T {
        let variables = self.user.as_ref().map_or(&[][..], |user| &user.environment);
        let environment = Overlay { variables, below: system.environment };
        work(&System { environment: &environment, ..*system })
    }
}
