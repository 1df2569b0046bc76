//! Receives the signals that the operator or the system sends to this process.
//! Never ends the process: the receiver decides what a signal means.

use std::io;

use tokio::sync::mpsc;

/// The request that a signal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGINT (Ctrl-C): an orderly shutdown. A second one: the end at once.
    Stop,
    /// SIGHUP: look at every file now.
    Reload,
}

/// Signals that may wait to be received; more of them add nothing.
const WAITING: usize = 8;

/// Listens from now on, inside the runtime, so that no signal after this call is lost.
#[cfg(unix)]
pub fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            let heard = tokio::select! {
                _ = terminate.recv() => Signal::Stop,
                _ = interrupt.recv() => Signal::Stop,
                _ = hangup.recv() => Signal::Reload,
            };
            if sender.send(heard).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Listens from now on, inside the runtime. Only Ctrl-C exists here.
#[cfg(not(unix))]
pub fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(Signal::Stop).await.is_ok() {}
    });
    Ok(receiver)
}
