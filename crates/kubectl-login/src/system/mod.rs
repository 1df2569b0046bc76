//! The only files that touch the clock, randomness, the environment, the network, other programs
//! and the terminal.
//! Never decides anything: each file does one kind of effect, on request.

pub mod clock;
pub mod configuration;
pub mod disk;
pub mod environment;
pub mod file;
pub mod machine;
pub mod random;
pub mod stdout;
pub mod terminal;

pub mod browser;
pub mod cluster_http;
pub mod command;
pub mod console;
pub mod http;
pub mod inspection;
pub mod keyring;
pub mod kubeconfig_file;
pub mod kubelogin_cache;
pub mod loopback;
pub mod port;
pub mod program;
pub mod runtime;
pub mod shown_certificate;
pub mod signals;

/// The effects of one run, so that tests can stand in for the machine.
#[derive(Clone, Copy)]
pub struct System<'a> {
    /// The time.
    pub clock: &'a dyn clock::Clock,
    /// The variables.
    pub environment: &'a dyn environment::Environment,
    /// Whoever reads stderr.
    pub terminal: &'a dyn terminal::Terminal,
}
