//! A load balancer as small as one can be: TCP connections go to the first backend that takes them.
//! Never looks into what it carries.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

const CONNECT: Duration = Duration::from_secs(2);

/// A listening forwarder; it stops taking connections when dropped.
pub struct Forwarder {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Forwarder {
    /// Forwards to `backends`, taking turns; one that refuses is passed over.
    pub fn start(backends: Vec<SocketAddr>) -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not listen on loopback")?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let turn = AtomicUsize::new(0);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                let first = turn.fetch_add(1, Ordering::SeqCst);
                let order = backends.iter().cycle().skip(first % backends.len().max(1));
                let order: Vec<SocketAddr> = order.take(backends.len()).copied().collect();
                thread::spawn(move || carry(client, &order));
            }
        });
        Ok(Self { address, stopped })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the loop, so that it sees the flag.
        let _ = TcpStream::connect_timeout(&self.address, CONNECT);
    }
}

fn carry(client: TcpStream, backends: &[SocketAddr]) {
    let server = backends.iter().find_map(|to| TcpStream::connect_timeout(to, CONNECT).ok());
    let Some(server) = server else { return };
    let (Ok(client_again), Ok(server_again)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let up = thread::spawn(move || pour(client, server));
    pour(server_again, client_again);
    let _ = up.join();
}

fn pour(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
