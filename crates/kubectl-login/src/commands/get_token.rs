//! `get-token`: what a kubeconfig's `exec` entry runs.
//! Never prints: the answer goes back to `run`.

use zeroize::Zeroizing;

use crate::{
    exec_info,
    options::{
        layers::{Origin, Settings},
        target::Target,
        typed::Typed,
    },
    renewal::Renewal,
    report::Failure,
    system::System,
};

/// The line for stdout.
pub fn answer(system: &System<'_>, typed: &Typed) -> Result<Zeroizing<String>, Failure> {
    let info = exec_info::from_environment(system.environment)?;
    let cluster = info.cluster.as_ref().and_then(|cluster| cluster.config.as_ref());
    let settings = Settings::resolve(typed, &Origin::CommandLine, system.environment, cluster)?;
    let target = Target::check(&settings, system.environment)?;
    // Run by hand, nobody says whether there is a terminal: stderr will show.
    let interactive = system.environment.has(exec_info::VARIABLE) && info.interactive;
    Renewal::new(system, &target, interactive).answer(info.api_version)
}
