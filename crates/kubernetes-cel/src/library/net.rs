//! `kubernetes.net.ip` and `kubernetes.net.cidr`: addresses and networks, without zones and without
//! IPv4-mapped IPv6.
//! Never a host name: nothing is resolved.

use std::any::Any;
use std::net::IpAddr;

use super::cost::{CHARACTER, per_character, scaled};
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{Opaque, Value};

#[cfg(test)]
mod tests;

const IP: Type = Type::opaque("net.IP");
const CIDR: Type = Type::opaque("net.CIDR");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address(IpAddr);

/// An address and how many of its bits name the network; the others are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Opaque for Address {
    fn type_name(&self) -> &'static str {
        "net.IP"
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn size(&self) -> u64 {
        u64::from(width(self.0) / 8)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> String {
        show(self.0)
    }
}

impl Opaque for Network {
    fn type_name(&self) -> &'static str {
        "net.CIDR"
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn size(&self) -> u64 {
        u64::from(self.bits.div_ceil(8))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> String {
        format!("{}/{}", show(self.address), self.bits)
    }
}

/// `::1.2.3.4` is `::102:304`: Go shows the last bits as an IPv4 address for mapped ones only.
fn show(address: IpAddr) -> String {
    match address {
        IpAddr::V6(address) => match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, low] if low > 1 => format!("::{low:x}"),
            [0, 0, 0, 0, 0, 0, high, low] if high > 0 => format!("::{high:x}:{low:x}"),
            _ => address.to_string(),
        },
        IpAddr::V4(_) => address.to_string(),
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The bits of an address, as the highest of 128.
fn aligned(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn parse_address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => None,
        _ => Some(address),
    }
}

fn parse_network(text: &str) -> Option<Network> {
    let (address, bits) = text.rsplit_once('/')?;
    let address = parse_address(address)?;
    let plain =
        bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let bits: u8 = bits.parse().ok().filter(|_| plain)?;
    (bits <= width(address)).then_some(Network { address, bits })
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let differing = aligned(self.address) ^ aligned(address);
        let named = u32::from(self.bits);
        self.address.is_ipv4() == address.is_ipv4()
            && differing.checked_shr(128 - named).unwrap_or_default() == 0
    }

    fn masked(self) -> Network {
        let host_bits = u32::from(width(self.address) - self.bits);
        let address = match self.address {
            IpAddr::V4(address) => IpAddr::V4(
                (address.to_bits() & u32::MAX.checked_shl(host_bits).unwrap_or_default()).into(),
            ),
            IpAddr::V6(address) => IpAddr::V6(
                (address.to_bits() & u128::MAX.checked_shl(host_bits).unwrap_or_default()).into(),
            ),
        };
        Network { address, ..self }
    }
}

pub(super) fn addresses() -> Declarations {
    Declarations {
        functions: vec![
            Function::new(
                "ip",
                [Overload::global([Type::String], IP, |arguments, _| {
                    Ok(Value::opaque(Address(address_of(arguments, "ip")?)))
                })
                .costs(|arguments, _| per_character(arguments, CHARACTER))],
            ),
            Function::new(
                "isIP",
                [Overload::global([Type::String], Type::Bool, |arguments, _| {
                    Ok(Value::Bool(parse_address(text(arguments, "isIP")?).is_some()))
                })
                .costs(|arguments, _| per_character(arguments, CHARACTER))],
            ),
            Function::new(
                "ip.isCanonical",
                [Overload::global([Type::String], Type::Bool, |arguments, _| {
                    let address = address_of(arguments, "ip.isCanonical")?;
                    Ok(Value::Bool(show(address) == text(arguments, "ip.isCanonical")?))
                })
                .costs(|arguments, _| per_character(arguments, 2.0 * CHARACTER))],
            ),
            Function::new(
                "family",
                [Overload::member([IP], Type::Int, |arguments, _| {
                    Ok(Value::Int(if address(arguments)?.is_ipv4() { 4 } else { 6 }))
                })],
            ),
            Function::new(
                "isUnspecified",
                [Overload::member([IP], Type::Bool, |arguments, _| {
                    Ok(Value::Bool(address(arguments)?.is_unspecified()))
                })],
            ),
            Function::new(
                "isLoopback",
                [Overload::member([IP], Type::Bool, |arguments, _| {
                    Ok(Value::Bool(address(arguments)?.is_loopback()))
                })],
            ),
            Function::new(
                "isLinkLocalMulticast",
                [Overload::member([IP], Type::Bool, |arguments, _| {
                    Ok(Value::Bool(is_link_local_multicast(address(arguments)?)))
                })],
            ),
            Function::new(
                "isLinkLocalUnicast",
                [Overload::member([IP], Type::Bool, |arguments, _| {
                    Ok(Value::Bool(is_link_local_unicast(address(arguments)?)))
                })],
            ),
            Function::new(
                "isGlobalUnicast",
                [Overload::member([IP], Type::Bool, |arguments, _| {
                    Ok(Value::Bool(is_global_unicast(address(arguments)?)))
                })],
            ),
            Function::new(
                "string",
                [Overload::global([IP], Type::String, |arguments, _| {
                    Ok(Value::string(show(address(arguments)?)))
                })],
            ),
        ],
        types: vec![("net.IP", IP)],
        ..Declarations::default()
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [224, 0, 0, _]),
        IpAddr::V6(address) => {
            address.segments().first().is_some_and(|first| first & 0xff0f == 0xff02)
        }
    }
}

fn is_link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// RFC 1122 and RFC 4291 as Go reads them: private addresses are global ones, too.
fn is_global_unicast(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(is_broadcast
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || is_link_local_unicast(address))
}

pub(super) fn networks() -> Declarations {
    Declarations {
        functions: vec![
            Function::new(
                "cidr",
                [Overload::global([Type::String], CIDR, |arguments, _| {
                    Ok(Value::opaque(network_of(text(arguments, "cidr")?, "cidr")?))
                })
                .costs(|arguments, _| per_character(arguments, CHARACTER))],
            ),
            Function::new(
                "isCIDR",
                [Overload::global([Type::String], Type::Bool, |arguments, _| {
                    Ok(Value::Bool(parse_network(text(arguments, "isCIDR")?).is_some()))
                })
                .costs(|arguments, _| per_character(arguments, CHARACTER))],
            ),
            Function::new(
                "containsIP",
                [
                    Overload::member([CIDR, Type::String], Type::Bool, contains_ip)
                        .costs(|arguments, _| contains_ip_cost(arguments) + second(arguments)),
                    Overload::member([CIDR, IP], Type::Bool, contains_ip)
                        .costs(|arguments, _| contains_ip_cost(arguments)),
                ],
            ),
            Function::new(
                "containsCIDR",
                [
                    Overload::member([CIDR, Type::String], Type::Bool, contains_cidr)
                        .costs(|arguments, _| contains_cidr_cost(arguments) + second(arguments)),
                    Overload::member([CIDR, CIDR], Type::Bool, contains_cidr)
                        .costs(|arguments, _| contains_cidr_cost(arguments)),
                ],
            ),
            Function::new(
                "ip",
                [Overload::member([CIDR], IP, |arguments, _| {
                    Ok(Value::opaque(Address(network(arguments)?.address)))
                })],
            ),
            Function::new(
                "prefixLength",
                [Overload::member([CIDR], Type::Int, |arguments, _| {
                    Ok(Value::Int(i64::from(network(arguments)?.bits)))
                })],
            ),
            Function::new(
                "masked",
                [Overload::member([CIDR], CIDR, |arguments, _| {
                    Ok(Value::opaque(network(arguments)?.masked()))
                })],
            ),
            Function::new(
                "string",
                [Overload::global([CIDR], Type::String, |arguments, _| {
                    Ok(Value::string(network(arguments)?.text()))
                })],
            ),
        ],
        types: vec![("net.CIDR", CIDR)],
        ..Declarations::default()
    }
}

fn contains_ip<'a>(arguments: &[Value<'a>], _: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let address = match arguments {
        [_, Value::String(text)] => address_in(text, "containsIP")?,
        [_, other] => {
            other.downcast::<Address>().ok_or(EvaluationError::no_overload("containsIP"))?.0
        }
        _ => return Err(EvaluationError::no_overload("containsIP")),
    };
    Ok(Value::Bool(network(arguments)?.contains(address)))
}

fn contains_cidr<'a>(arguments: &[Value<'a>], _: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let inner = match arguments {
        [_, Value::String(text)] => network_of(text, "containsCIDR")?,
        [_, other] => {
            *other.downcast::<Network>().ok_or(EvaluationError::no_overload("containsCIDR"))?
        }
        _ => return Err(EvaluationError::no_overload("containsCIDR")),
    };
    let outer = network(arguments)?;
    Ok(Value::Bool(outer.bits <= inner.bits && outer.contains(inner.address)))
}

fn first(arguments: &[Value<'_>]) -> u64 {
    arguments.first().map_or(0, Value::size)
}

/// Of reading the second argument, a string.
fn second(arguments: &[Value<'_>]) -> u64 {
    scaled(arguments.get(1).map_or(0, Value::size), CHARACTER)
}

fn contains_ip_cost(arguments: &[Value<'_>]) -> u64 {
    scaled(first(arguments) * 2, CHARACTER)
}

fn contains_cidr_cost(arguments: &[Value<'_>]) -> u64 {
    contains_ip_cost(arguments) + scaled(first(arguments), CHARACTER) + 1
}

fn text<'v>(
    arguments: &'v [Value<'_>],
    function: &'static str,
) -> Result<&'v str, EvaluationError> {
    match arguments {
        [Value::String(text)] => Ok(text),
        _ => Err(EvaluationError::no_overload(function)),
    }
}

fn address_of(arguments: &[Value<'_>], function: &'static str) -> Result<IpAddr, EvaluationError> {
    address_in(text(arguments, function)?, function)
}

fn address_in(text: &str, function: &'static str) -> Result<IpAddr, EvaluationError> {
    parse_address(text).ok_or(EvaluationError::failed(function, "the text is no IP address"))
}

fn network_of(text: &str, function: &'static str) -> Result<Network, EvaluationError> {
    parse_network(text).ok_or(EvaluationError::failed(function, "the text is no network"))
}

fn address(arguments: &[Value<'_>]) -> Result<IpAddr, EvaluationError> {
    let address = arguments.first().and_then(Value::downcast::<Address>);
    address.map(|address| address.0).ok_or(EvaluationError::no_overload("ip"))
}

fn network(arguments: &[Value<'_>]) -> Result<Network, EvaluationError> {
    let network = arguments.first().and_then(Value::downcast::<Network>);
    network.copied().ok_or(EvaluationError::no_overload("cidr"))
}
