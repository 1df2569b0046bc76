//! An HTTP proxy as companies have them: it tunnels by CONNECT (RFC 9110 §9.3.6) and records the
//! destinations.
//! Never forwards a plain request, never looks into a tunnel.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context as _, Result, anyhow};

use crate::forwarder::{Weather, join};

/// A listening proxy; it stops taking connections when dropped.
pub struct Proxy {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    tunnels: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Listens on loopback.
    pub fn start() -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not listen on loopback")?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let tunnels = Arc::new(Mutex::new(Vec::new()));
        let (seen, record) = (Arc::clone(&stopped), Arc::clone(&tunnels));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                let record = Arc::clone(&record);
                thread::spawn(move || tunnel(client, &record));
            }
        });
        Ok(Self { address, stopped, tunnels })
    }

    /// The value for `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `HOST:PORT` of every tunnel that a client requested, in order.
    pub fn tunnels(&self) -> Result<Vec<String>> {
        let tunnels = self.tunnels.lock().map_err(|_| anyhow!("the proxy died"))?;
        Ok(tunnels.clone())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the loop, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

fn tunnel(mut client: TcpStream, record: &Mutex<Vec<String>>) {
    let Ok(reading) = client.try_clone() else { return };
    // A client waits for the answer before it sends on, so no byte of the tunnel is buffered here.
    let mut lines = BufReader::new(reading).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
    let target = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    if let (Some(target), Ok(mut record)) = (target, record.lock()) {
        record.push(target.to_owned());
    }
    let server = target.and_then(|target| TcpStream::connect(target).ok());
    let answer = match (target, &server) {
        (None, _) => "405 Method Not Allowed",
        (Some(_), None) => "502 Bad Gateway",
        (Some(_), Some(_)) => "200 Connection Established",
    };
    let _ = client.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes());
    if let Some(server) = server {
        join(client, server, Weather::Fair);
    }
}
