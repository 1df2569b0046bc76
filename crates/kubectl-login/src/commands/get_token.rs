//! `get-token`: what a kubeconfig's `exec` entry runs.
//! Never prints anything but the answer to stdout, and prints it last.

use clap::{ArgMatches, Command};
use zeroize::Zeroizing;

use super::chosen;
use crate::{
    exec_info,
    options::{
        arguments,
        layers::{Layers, Settings},
        target::Target,
        typed::Typed,
    },
    renewal::{Kubectl, Renewal},
    report::Failure,
    system::{System, configuration, host, stdout, terminal},
};

/// Its arguments.
pub fn definition() -> Command {
    arguments::with_options(Command::new("get-token"))
        .about("Print an ExecCredential with a token; what a kubeconfig's `exec` entry runs")
}

/// Prints the answer.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    Ok(stdout::answer(&answer(system, &arguments::typed(matches))?)?)
}

/// The line for stdout.
fn answer(system: &System<'_>, typed: &Typed) -> Result<Zeroizing<String>, Failure> {
    let info = exec_info::from_environment(system.environment)?;
    let configuration = configuration::read(system.environment)?;
    let settings = Settings::resolve(&Layers {
        typed,
        typed_origin: &exec_info::typed_origin(info.as_ref()),
        environment: system.environment,
        cluster: exec_info::cluster_settings(info.as_ref()),
        configuration: configuration.as_ref(),
    })?;
    let target = chosen::identified(system, Target::check(&settings, system.environment)?)?;
    // Without kubectl the terminal is unknown: stderr decides; and repeated calls of the same shell
    // do not hint at a refusal.
    let kubectl = info
        .as_ref()
        .map(|info| Kubectl { process: host::parent(), interactive: info.interactive });
    let quiet = terminal::Quiet(system.terminal);
    let system = if target.quiet { &System { terminal: &quiet, ..*system } } else { system };
    Renewal::new(system, &target, kubectl).answer(exec_info::api_version(info.as_ref()))
}
