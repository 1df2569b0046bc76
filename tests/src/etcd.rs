//! etcd on loopback, with its data in the scratch folder.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::child::Child;
use crate::components::Components;
use crate::scratch::Scratch;

const START: Duration = Duration::from_secs(90);

/// A running etcd.
pub struct Etcd {
    url: String,
    _child: Child,
}

impl Etcd {
    /// Starts etcd and waits until it serves.
    pub fn start(components: &Components, scratch: &Scratch) -> Result<Self> {
        let url = format!("http://127.0.0.1:{}", free_port()?);
        let peer = format!("http://127.0.0.1:{}", free_port()?);
        let mut command = Command::new(components.etcd()?);
        command
            .env_clear()
            .args(["--name", "default", "--unsafe-no-fsync", "--log-level", "info"])
            .arg("--data-dir")
            .arg(scratch.path().join("etcd-data"))
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")]);
        let mut child = Child::start("etcd", &mut command, scratch.path())?;
        child.wait_for_line("ready to serve client requests", START)?;
        Ok(Self { url, _child: child })
    }

    /// Where kube-apiserver finds it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Returns a port of 127.0.0.1 that is free and that no other call returns. It is below the
/// ephemeral ports: the system could give one of those to another listener or connection before
/// the server listens, or while it restarts.
pub fn free_port() -> Result<u16> {
    const FIRST: u32 = 15_000;
    const COUNT: u32 = 15_000;
    static GIVEN_OUT: AtomicU32 = AtomicU32::new(0);
    // Test programs that run at the same time start at different ports.
    let start = process::id().wrapping_mul(101);
    for _ in 0..COUNT {
        let number = start.wrapping_add(GIVEN_OUT.fetch_add(1, Ordering::SeqCst));
        let port = u16::try_from(FIRST + number % COUNT)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} on is free")
}
