//! A port of this machine that is ours although nobody listens on it.
//! Never accepts a connection: whoever tries is refused at once.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// What to say where no port can be had: it only has to be one that nothing listens on.
const DISCARD: u16 = 9;

/// Given back when dropped.
pub struct Port {
    number: u16,
    _socket: Option<TcpSocket>,
}

/// Takes `wanted`, or any port for 0. One that is taken already is as good: nobody asks for it here.
pub fn reserve(wanted: u16) -> Port {
    let socket = TcpSocket::new_v4().and_then(|socket| {
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, wanted)))?;
        let number = socket.local_addr()?.port();
        Ok((socket, number))
    });
    match socket {
        Ok((socket, number)) => Port { number, _socket: Some(socket) },
        Err(_) if wanted != 0 => Port { number: wanted, _socket: None },
        Err(_) => Port { number: DISCARD, _socket: None },
    }
}

impl Port {
    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}
