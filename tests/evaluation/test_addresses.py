"""Where an agent's server may live: global addresses, and what an organiser allows."""

import pytest

from evaluation.addresses import Allowed, is_permitted

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1",
    "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2001:0:1::1", "fe80::1%eth0", "nonsense", "2606:4700::1111%lo",
    "192.0.0.9", "192.88.99.1", "198.51.100.1", "203.0.113.1", "::127.0.0.1", "::ffff:0:7f00:1",
    "64:ff9b:1::808:808", "100::1", "2001:20::1", "3fff::1", "5f00::1", "4000::1",
    "2002:a9fe:a9fe::1", "::ffff:100.64.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_address_that_is_not_global_is_refused(address):
    assert not is_permitted(address, "agent.example", 80, [])


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"],
)
def test_global_address_is_permitted(address):
    assert is_permitted(address, "agent.example", 80, [])


@pytest.mark.parametrize(
    ("entry", "address", "host", "port", "is_allowed"),
    [
        ("10.0.0.0/8", "10.1.2.3", "a", 80, True),
        ("10.0.0.0/8", "11.1.2.3", "a", 80, True),  # global anyway
        ("10.0.0.0/8", "192.168.1.1", "a", 80, False),
        ("10.0.0.0/8:8080", "10.1.2.3", "a", 80, False),
        ("10.0.0.0/8:8080", "10.1.2.3", "a", 8080, True),
        ("127.0.0.1:9", "127.0.0.1", "a", 9, True),
        ("127.0.0.1:9", "::ffff:127.0.0.1", "a", 9, True),
        ("127.0.0.1", "127.0.0.1", "a", 1234, True),
        ("localhost:9", "127.0.0.1", "LOCALHOST", 9, True),
        ("localhost:9", "127.0.0.1", "other", 9, False),
        ("[fd00::/8]:80", "fd12::1", "a", 80, True),
        ("[fd00::/8]:80", "fd12::1", "a", 81, False),
        ("fd00::/8", "fd12::1", "a", 81, True),
        ("0.0.0.0/0", "::1", "a", 80, False),
    ],
)
def test_allow_list_is_exact(entry, address, host, port, is_allowed):
    assert is_permitted(address, host, port, [Allowed.parse(entry)]) is is_allowed


@pytest.mark.parametrize("entry", ["", "a b", "http://x", "10.0.0.0/99/", "x:y", "[::1"])
def test_senseless_allow_entry_is_refused(entry):
    with pytest.raises(ValueError, match=r"not a network|neither a network"):
        Allowed.parse(entry)


def test_address_with_a_zone_is_refused_even_where_its_network_is_allowed():
    assert is_permitted("fe80::1", "a", 80, [Allowed.parse("fe80::/10")])
    assert not is_permitted("fe80::1%lo", "a", 80, [Allowed.parse("fe80::/10")])
