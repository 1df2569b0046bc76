//! A TCP forwarder between a client and a server: a load balancer, or a network that fails.
//! Never interprets the bytes it forwards.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::wait;

const CONNECT: Duration = Duration::from_secs(2);

/// What happens to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// Bytes are forwarded unchanged.
    #[default]
    Fair,
    /// Bytes from the server are delayed by this much.
    Slow(Duration),
    /// It is closed after this many bytes from the server; 0 closes it at once.
    CutAfter(usize),
    /// It is accepted, and no answer ever comes.
    Silent,
}

/// A listening forwarder; it stops taking connections when dropped.
pub struct Forwarder {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    connections: AtomicUsize,
    weather: Mutex<Weather>,
}

impl Forwarder {
    /// Forwards to `backends` in turn; one that refuses the connection is skipped.
    pub fn start(backends: Vec<SocketAddr>) -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not listen on loopback")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if seen.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let first = seen.connections.fetch_add(1, Ordering::SeqCst);
                let order = backends.iter().cycle().skip(first % backends.len().max(1));
                let order: Vec<SocketAddr> = order.take(backends.len()).copied().collect();
                let weather = seen.weather.lock().map(|weather| *weather).unwrap_or_default();
                thread::spawn(move || carry(client, &order, weather));
            }
        });
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what happens to connections from now on.
    pub fn turn(&self, weather: Weather) {
        if let Ok(mut now) = self.shared.weather.lock() {
            *now = weather;
        }
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the loop, so that it sees the flag.
        let _ = TcpStream::connect_timeout(&self.address, CONNECT);
    }
}

fn carry(client: TcpStream, backends: &[SocketAddr], weather: Weather) {
    if weather == Weather::CutAfter(0) {
        return;
    }
    if weather == Weather::Silent {
        // Reads what the client sends, so that it looks like a server that is slow to answer.
        let _ = std::io::copy(&mut &client, &mut std::io::sink());
        return;
    }
    let server = backends.iter().find_map(|to| TcpStream::connect_timeout(to, CONNECT).ok());
    if let Some(server) = server {
        join(client, server, weather);
    }
}

/// Forwards both ways until both sides have closed.
pub(crate) fn join(client: TcpStream, server: TcpStream, weather: Weather) {
    let (Ok(client_again), Ok(server_again)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let up = thread::spawn(move || pour(client, server, Weather::Fair));
    pour(server_again, client_again, weather);
    let _ = up.join();
}

fn pour(mut from: TcpStream, mut to: TcpStream, weather: Weather) {
    let mut bytes = [0; 16 * 1024];
    let mut left = match weather {
        Weather::CutAfter(most) => most,
        _ => usize::MAX,
    };
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if let Weather::Slow(delay) = weather {
            wait::pass(delay);
        }
        let count = count.min(left);
        if to.write_all(bytes.get(..count).unwrap_or_default()).is_err() {
            break;
        }
        left -= count;
        if left == 0 {
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
