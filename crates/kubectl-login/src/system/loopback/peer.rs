//! Finds the user that owns the other end of a loopback connection, if the system tells (proc(5)).
//! Never refuses a connection: reports `Unknown` if the system does not tell.

use std::net::SocketAddr;
#[cfg(any(target_os = "linux", test))]
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
#[cfg(target_os = "linux")]
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use crate::system::environment::{Environment as _, ProcessEnvironment};

/// The owner of a connection.
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "other systems do not tell")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// Our user, or root, who can read our memory anyway.
    Ours,
    /// Another user of this host, or the connection was closed before the check: a browser that
    /// waits for a page does not close it.
    Foreign,
    /// Another host, or the system does not tell.
    Unknown,
}

/// Finds the owner of the connection from `peer` to `own`.
#[cfg(target_os = "linux")]
pub(super) fn of(peer: SocketAddr, own: SocketAddr) -> Peer {
    let read = |name: &str| read_whole(Path::new("/proc").join(name), MAX_LENGTH);
    // In a user namespace of its own, a process sees all other users as one.
    let is_whole =
        read("self/uid_map").is_some_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    // On WSL the browser runs on Windows, whose sockets are not listed here.
    let is_below_windows = || {
        read("sys/kernel/osrelease")
            .is_some_and(|release| release.to_ascii_lowercase().contains("microsoft"))
    };
    if !is_whole || is_below_windows() {
        return Peer::Unknown;
    }
    // After sudo or pkexec, the browser runs as the previous user.
    let before = ["SUDO_UID", "PKEXEC_UID"]
        .into_iter()
        .filter_map(|name| ProcessEnvironment.variable(name)?.to_str()?.parse().ok());
    let us: Vec<u32> = [rustix::process::geteuid().as_raw()].into_iter().chain(before).collect();
    let look = || {
        let tables = [read("self/net/tcp"), read("self/net/tcp6")];
        judge(&tables.map(Option::unwrap_or_default), peer, own, &us)
    };
    // The tables are not a snapshot: a line may be missed while other connections come and go.
    match look() {
        Peer::Foreign => look(),
        found => found,
    }
}

/// Enough for all the sockets of a busy host.
#[cfg(target_os = "linux")]
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// Reads a kernel file; `None` if it is longer, as an incomplete table proves nothing.
#[cfg(target_os = "linux")]
fn read_whole(path: PathBuf, limit: u64) -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(limit).read_to_string(&mut text).ok()?;
    ((text.len() as u64) < limit).then_some(text)
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: SocketAddr, _: SocketAddr) -> Peer {
    Peer::Unknown
}

/// One end of a connection.
#[cfg(any(target_os = "linux", test))]
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    is_established: bool,
    user: u32,
}

#[cfg(any(target_os = "linux", test))]
fn judge(tables: &[String], peer: SocketAddr, own: SocketAddr, us: &[u32]) -> Peer {
    let plain = |address: SocketAddr| (address.ip().to_canonical(), address.port());
    let (peer, own) = (plain(peer), plain(own));
    let mut is_ours_listed = false;
    for socket in tables.iter().flat_map(|table| table.lines()).filter_map(socket) {
        if (socket.local, socket.remote) == (peer, own) {
            return match socket {
                // The kernel shows sockets without an owner as root's.
                Socket { is_established: false, .. } => Peer::Foreign,
                Socket { user, .. } if us.contains(&user) || user == 0 => Peer::Ours,
                Socket { .. } => Peer::Foreign,
            };
        }
        is_ours_listed |= (socket.local, socket.remote) == (own, peer);
    }
    if is_ours_listed && peer.0.is_loopback() { Peer::Foreign } else { Peer::Unknown }
}

/// Parses a line of `/proc/net/tcp` or `tcp6`.
#[cfg(any(target_os = "linux", test))]
fn socket(line: &str) -> Option<Socket> {
    let mut words = line.split_whitespace().skip(1);
    let (local, remote, state) = (words.next()?, words.next()?, words.next()?);
    // Skips queues, timer and retransmissions.
    let user = words.nth(3)?.parse().ok()?;
    Some(Socket {
        local: address(local)?,
        remote: address(remote)?,
        is_established: state == "01",
        user,
    })
}

/// Parses words of four bytes, each in the host's byte order.
#[cfg(any(target_os = "linux", test))]
fn address(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for word in address.as_bytes().chunks(8) {
        let word = u32::from_str_radix(str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical(),
        _ => return None,
    };
    Some((address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    /// Formats a line like the kernel.
    fn line(local: &str, remote: &str, state: &str, user: u32) -> String {
        let shown = |text: &str| {
            let address: SocketAddr = text.parse().unwrap();
            let bytes = match address.ip() {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            let word = |word: &[u8]| u32::from_ne_bytes(word.try_into().unwrap());
            let words: Vec<String> =
                bytes.chunks(4).map(|bytes| format!("{:08X}", word(bytes))).collect();
            format!("{}:{:04X}", words.concat(), address.port())
        };
        format!(
            "   0: {} {} {state} 00000000:00000000 00:00000000 00000000 {user:5}        0 4711 1 0\n",
            shown(local),
            shown(remote)
        )
    }

    #[test]
    fn a_connection_is_that_of_the_user_whom_the_system_names() {
        let (ours, peer) = ("127.0.0.1:8000", "127.0.0.1:40000");
        let here = line(ours, peer, "01", 1000);
        for (there, expected) in [
            (line(peer, ours, "01", 1000), Peer::Ours),
            (line(peer, ours, "01", 0), Peer::Ours),
            (line(peer, ours, "01", 1001), Peer::Foreign),
            // Closed by the other side: the kernel names no owner, which reads as root.
            (line(peer, ours, "05", 0), Peer::Foreign),
            (line(peer, ours, "06", 0), Peer::Foreign),
            // No longer listed.
            (String::new(), Peer::Foreign),
            // Another connection.
            (line("127.0.0.1:40001", ours, "01", 1000), Peer::Foreign),
            // A browser's IPv6 sockets may carry IPv4.
            (line("[::ffff:127.0.0.1]:40000", "[::ffff:127.0.0.1]:8000", "01", 1000), Peer::Ours),
            (line("[::ffff:127.0.0.1]:40000", "[::ffff:127.0.0.1]:8000", "01", 7), Peer::Foreign),
        ] {
            let tables = [format!("{HEAD}{here}{there}"), String::new()];
            let found = judge(&tables, peer.parse().unwrap(), ours.parse().unwrap(), &[1000]);
            assert_eq!(found, expected, "{there}");
            let apart = [format!("{HEAD}{here}"), format!("{HEAD}{there}")];
            let found = judge(&apart, peer.parse().unwrap(), ours.parse().unwrap(), &[1000]);
            assert_eq!(found, expected, "{there}");
        }
    }

    #[test]
    fn ipv6_is_read_too_and_what_is_not_told_is_unknown() {
        let (ours, peer) = ("[::1]:8000", "[::1]:40000");
        let tables = [String::new(), line(ours, peer, "01", 9) + &line(peer, ours, "01", 9)];
        let judged = |tables: &[String], peer: &str| {
            judge(tables, peer.parse().unwrap(), ours.parse().unwrap(), &[9])
        };
        assert_eq!(judged(&tables, peer), Peer::Ours);
        // No tables, as in some sandboxes.
        assert_eq!(judged(&[], peer), Peer::Unknown);
        assert_eq!(judged(&["nonsense\n:::".to_owned()], peer), Peer::Unknown);
        // Another host.
        assert_eq!(judged(&tables, "[fd00::7]:1"), Peer::Unknown);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_table_that_is_read_in_part_tells_nothing() {
        let whole = std::fs::read_to_string("/proc/self/limits").unwrap();
        let read = |limit| read_whole("/proc/self/limits".into(), limit);
        let length = whole.len() as u64;
        assert_eq!(read(length + 1), Some(whole));
        assert_eq!((read(length), read(9)), (None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_connection_of_this_process_is_ours() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let own = server.local_addr().unwrap();
        // `Unknown` in a user namespace.
        assert_ne!(of(peer, own), Peer::Foreign);
        drop(client);
        assert_ne!(of(peer, own), Peer::Ours);
    }
}
