//! Addresses and networks as Go reads and writes them.

use super::{is_global_unicast, is_link_local_multicast, parse_address, parse_network, show};
use crate::value::Opaque as _;

#[test]
fn an_address_is_written_in_its_shortest_form() {
    for (text, expected) in [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::1.2.3.4", "::102:304"),
        ("::", "::"),
        ("::1", "::1"),
        ("::2", "::2"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ] {
        assert_eq!(parse_address(text).map(show).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn zones_and_mapped_addresses_are_no_addresses() {
    for text in ["fe80::1%eth0", "::ffff:1.2.3.4", "01.2.3.4", "1.2.3", "", "x", "1.2.3.4/8"] {
        assert_eq!(parse_address(text), None, "{text}");
    }
}

#[test]
fn a_network_keeps_its_host_bits_until_it_is_masked() {
    let network = parse_network("10.1.2.3/8").unwrap();
    assert_eq!(network.text(), "10.1.2.3/8");
    assert_eq!(network.masked().text(), "10.0.0.0/8");
    assert_eq!(parse_network("10.1.2.3/0").unwrap().masked().text(), "0.0.0.0/0");
    assert_eq!(parse_network("2001:db8:ffff::1/33").unwrap().masked().text(), "2001:db8:8000::/33");
    for text in
        ["10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0", "::1/129", "/8", "10.0.0.0/"]
    {
        assert!(parse_network(text).is_none(), "{text}");
    }
}

#[test]
fn a_network_contains_addresses_of_its_own_family_only() {
    let table = [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("0.0.0.0/0", "1.2.3.4", true),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "1.2.3.4", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false),
        ("1.2.3.4/32", "1.2.3.4", true),
        ("1.2.3.4/32", "1.2.3.5", false),
    ];
    for (network, address, expected) in table {
        let contains = parse_network(network).unwrap().contains(parse_address(address).unwrap());
        assert_eq!(contains, expected, "{network} {address}");
    }
}

#[test]
fn scopes_are_those_of_rfc_4291() {
    let scope = |text| {
        let address = parse_address(text).unwrap();
        (is_link_local_multicast(address), is_global_unicast(address))
    };
    assert_eq!(scope("224.0.0.1"), (true, false));
    assert_eq!(scope("224.0.1.1"), (false, false));
    assert_eq!(scope("ff12::1"), (true, false));
    assert_eq!(scope("10.0.0.1"), (false, true));
    assert_eq!(scope("255.255.255.255"), (false, false));
    assert_eq!(scope("fd00::1"), (false, true));
}
