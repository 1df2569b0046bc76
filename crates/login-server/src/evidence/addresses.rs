//! Which addresses an issuer's discovery document may refer to.
//! Never allows a link-local or metadata address, unless the operator's own configuration names it.
//!
//! Covered: an address in the URL, and every address that its host name resolves to, checked when
//! connecting (so that the name cannot change in between). Not covered: names that a proxy
//! resolves. Loopback and private networks stay allowed, for issuers on premises.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::{Host, Url};

/// A link-local or metadata address; clouds hand out this host's credentials there.
#[derive(Debug, Error)]
#[error("`{host}` is a link-local or metadata address, where no issuer keeps its keys")]
pub(super) struct ForbiddenAddress {
    pub(super) host: String,
}

/// Resolves names; addresses of hosts that the configuration names are not checked.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    configured: Arc<[String]>,
}

impl Resolver {
    /// `configured` are the URLs from the configuration.
    pub(super) fn new<'u>(configured: impl IntoIterator<Item = &'u Url>) -> Self {
        let hosts = configured.into_iter().filter_map(Url::host_str);
        Self { configured: hosts.map(str::to_owned).collect() }
    }

    /// Refuses a URL whose host is a forbidden address; names are checked in `resolve`.
    pub(super) fn check(&self, url: &Url) -> Result<(), ForbiddenAddress> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        let host = url.host_str().unwrap_or_default();
        if is_forbidden(address) && !self.is_configured(host) {
            return Err(ForbiddenAddress { host: host.to_owned() });
        }
        Ok(())
    }

    fn is_configured(&self, host: &str) -> bool {
        self.configured.iter().any(|configured| configured.eq_ignore_ascii_case(host))
    }

    fn allowed(
        &self,
        host: &str,
        addresses: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, ForbiddenAddress> {
        let is_configured = self.is_configured(host);
        let mut allowed = Vec::new();
        for address in addresses {
            // One forbidden address among allowed ones is an attack, not an accident.
            if is_forbidden(address.ip()) && !is_configured {
                return Err(ForbiddenAddress { host: host.to_owned() });
            }
            allowed.push(address);
        }
        Ok(allowed)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            // Port 0: reqwest replaces it by the URL's.
            let found = tokio::net::lookup_host((host, 0)).await?;
            let allowed = resolver.allowed(host, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// AWS, Azure, Google, Oracle and Alibaba also hand out credentials at addresses outside the
/// link-local range.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(100, 100, 100, 200),
];
/// The first 32 bits of the addresses of AWS (instances, EKS Pod Identity) and of Google.
const METADATA_V6: [[u16; 2]; 2] = [[0xfd00, 0xec2], [0xfd20, 0xce]];

fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_forbidden_v4(address),
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            address.is_unicast_link_local()
                || METADATA_V6.contains(&[first, second])
                || address.is_multicast()
                || address.is_unspecified()
                || embedded_v4(address).is_some_and(is_forbidden_v4)
        }
    }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
        || METADATA_V4.contains(&address)
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_unspecified()
}

/// The IPv4 address inside an IPv6 one: IPv4-mapped (RFC 4291 §2.5.5.2), behind the well-known
/// NAT64 prefix (RFC 6052 §2.1) or its local one (RFC 8215), or in 6to4 (RFC 3056 §2).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    match address.octets() {
        // Of the local prefix, only its /96s; how a longer suffix is split only its network knows.
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [0, 0x64, 0xff, 0x9b, 0, 1, _, _, _, _, _, _, a, b, c, d]
        | [0x20, 0x02, a, b, c, d, ..] => Some(Ipv4Addr::new(a, b, c, d)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver() -> Resolver {
        let url = |text| Url::parse(text).unwrap();
        Resolver::new(&[url("https://ID.example/realm"), url("https://169.254.1.1")])
    }

    #[test]
    fn addresses_in_a_url_are_refused_unless_configured() {
        for (url, is_allowed) in [
            ("https://169.254.169.254/latest/meta-data", false),
            ("https://[fe80::1]/keys", false),
            ("https://[fd00:ec2::254]/keys", false),
            ("https://[::ffff:169.254.169.254]/keys", false),
            ("https://[fd00:ec2::23]/keys", false),
            ("https://[fd20:ce::254]/keys", false),
            ("https://[64:ff9b::a9fe:a9fe]/keys", false),
            ("https://[64:ff9b:1::a9fe:a9fe]/keys", false),
            ("https://[2002:a9fe:a9fe::1]/keys", false),
            ("https://[2002:a00:1::1]/keys", true),
            ("https://0xa9fea9fe/keys", false),
            ("https://168.63.129.16/keys", false),
            ("https://100.100.100.200/keys", false),
            ("https://0.0.0.0/keys", false),
            ("https://[::]/keys", false),
            ("https://169.254.1.1/keys", true),
            ("https://127.0.0.1/keys", true),
            ("https://[::1]/keys", true),
            ("https://10.0.0.1/keys", true),
            ("https://192.168.1.1/keys", true),
            ("https://[fd00::1]/keys", true),
            ("https://keys.example/", true),
        ] {
            assert_eq!(resolver().check(&Url::parse(url).unwrap()).is_ok(), is_allowed, "{url}");
        }
    }

    #[test]
    fn names_are_refused_when_any_of_their_addresses_is() {
        let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let (good, bad) = (address("192.0.2.1"), address("169.254.169.254"));
        for (host, addresses, is_allowed) in [
            ("keys.example", &[good][..], true),
            ("keys.example", &[bad], false),
            ("keys.example", &[good, bad], false),
            ("id.example", &[bad], true),
            ("Id.Example", &[bad], true),
        ] {
            let found = resolver().allowed(host, addresses.iter().copied());
            assert_eq!(found.is_ok(), is_allowed, "{host} {addresses:?}");
        }
    }

    #[tokio::test]
    async fn names_of_this_machine_resolve() {
        let found = resolver().resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}
