//! Reserves a port of this host on which nothing listens.
//! Never accepts a connection: the system refuses each at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpSocket;

/// The port if none can be reserved: nothing listens on it.
const DISCARD: u16 = 9;

/// A reserved port, released on drop.
pub struct Port {
    number: u16,
    _sockets: Vec<TcpSocket>,
}

/// Reserves the first free port of `wanted`, or any port for 0: at both loopback addresses, as a
/// name may resolve to either. If none is free, returns the first one anyway: only the text that
/// the user pastes matters here.
pub fn reserve(wanted: &[u16]) -> Port {
    let wanted = if wanted.is_empty() { &[0][..] } else { wanted };
    for number in wanted {
        if let Some((number, sockets)) = take(*number) {
            return Port { number, _sockets: sockets };
        }
    }
    let first = wanted.first().copied().filter(|number| *number != 0);
    Port { number: first.unwrap_or(DISCARD), _sockets: Vec::new() }
}

fn take(wanted: u16) -> Option<(u16, Vec<TcpSocket>)> {
    let bind = |socket: std::io::Result<TcpSocket>, address: IpAddr, port: u16| {
        let socket = socket.ok()?;
        socket.bind(SocketAddr::from((address, port))).ok()?;
        Some(socket)
    };
    let first = bind(TcpSocket::new_v4(), Ipv4Addr::LOCALHOST.into(), wanted)?;
    let number = first.local_addr().ok()?.port();
    // On a host without IPv6, nothing can listen there.
    let has_v6 = bind(TcpSocket::new_v6(), Ipv6Addr::LOCALHOST.into(), 0).is_some();
    let second = bind(TcpSocket::new_v6(), Ipv6Addr::LOCALHOST.into(), number);
    match (has_v6, second) {
        (true, None) => None,
        (_, second) => Some((number, [first].into_iter().chain(second).collect())),
    }
}

impl Port {
    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_a_program_has_in_either_family_is_passed_over() {
        let first = reserve(&[]);
        assert_ne!(first.number(), 0);
        for address in ["127.0.0.1", "::1"] {
            let Ok(foreign) = std::net::TcpListener::bind((address, 0)) else { continue };
            let taken = foreign.local_addr().unwrap().port();
            assert_ne!(reserve(&[taken, 0]).number(), taken, "{address}");
            assert_eq!(reserve(&[taken]).number(), taken, "{address}");
        }
    }
}
