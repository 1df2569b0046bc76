//! etcd on loopback, with its data in the scratch folder.
//! Never keeps anything.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

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

/// A port of 127.0.0.1 that nothing listens on at this moment.
pub fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not find a free port")?;
    Ok(listener.local_addr()?.port())
}
