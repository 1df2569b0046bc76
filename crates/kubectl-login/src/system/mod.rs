//! The only files that access the clock, randomness, the environment, the network, other programs
//! and the terminal.
//! Never decide anything: each file performs one kind of effect, on request.

pub mod clock;
pub mod configuration;
pub mod environment;
pub mod file;
pub mod host;
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

/// The effects of one run; tests replace them.
#[derive(Clone, Copy)]
pub struct System<'a> {
    /// The clock.
    pub clock: &'a dyn clock::Clock,
    /// The environment variables.
    pub environment: &'a dyn environment::Environment,
    /// The user's terminal, by stderr.
    pub terminal: &'a dyn terminal::Terminal,
}
