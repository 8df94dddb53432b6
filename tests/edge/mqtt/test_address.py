"""Addresses of MQTT peers."""

import pytest

from edge.mqtt.address import as_ipv4, is_loopback, is_private_http, split_address, split_url


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mqtt://shop.example:1884", ("mqtt", "shop.example", 1884)),
        ("mqtt://shop.example", ("mqtt", "shop.example", 1883)),
        ("mqtts://[::1]/", ("mqtts", "::1", 8883)),
        ("unix:///run/broker.sock", ("unix", "/run/broker.sock", 0)),
    ],
)
def test_the_three_forms_are_read(url: str, parts: tuple[str, str, int]) -> None:
    """TCP, TLS and unix sockets, with the standard's ports where none is given."""
    assert split_url(url) == parts


@pytest.mark.parametrize(
    "url", ["", "host:1883", "mqtt://", "http://host", "mqtt://u:p@host", "mqtt://h:99999", "unix://x"]
)
def test_a_wrong_address_is_named(url: str) -> None:
    """An address of no such form is quoted in the error, with the forms."""
    with pytest.raises(ValueError, match="Write mqtt://host:port") as raised:
        split_url(url)
    assert repr(url) in str(raised.value)


def test_addresses_of_listeners() -> None:
    """Hosts and ports are distinguished, in brackets too, and loopback is recognised."""
    assert split_address("127.0.0.1:0") == ("127.0.0.1", 0)
    assert split_address("[::1]:1883") == ("::1", 1883)
    assert split_address("localhost") is None
    assert is_loopback("localhost:1")
    assert is_loopback("[::1]:1")
    assert not is_loopback("192.168.0.1:1")
    assert not is_loopback("shop.example:1")


def test_what_is_no_address() -> None:
    """Hosts, IPv6 in brackets, what is no address, and what is loopback."""
    assert split_address("127.0.0.1:0") == ("127.0.0.1", 0)
    assert split_address("[::1]:80") == ("::1", 80)
    assert [split_address(text) for text in ("", "80", ":80", "a:b", "a:-1", "a:70000", "a:²")] == [None] * 7
    assert [is_loopback(text) for text in ("localhost:1", "127.0.0.2:1", "[::1]:1")] == [True] * 3
    assert [is_loopback(text) for text in ("0.0.0.0:1", "example.org:1", "1")] == [False] * 3


@pytest.mark.parametrize(
    ("host", "peer"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("", "")],
)
def test_peers_of_ipv4_are_of_ipv4(host: str, peer: str) -> None:
    """Whatever socket they came in through: what is counted for an address is counted for one sender."""
    assert as_ipv4(host) == peer


@pytest.mark.parametrize(
    ("url", "is_private"),
    [
        *((url, True) for url in ("https://app.example/hooks?a=1", "http://127.0.0.1:80/", "http://[::1]/x")),
        *(
            (url, False)
            for url in ("http://app.example/", "https://u:p@app.example/", "https://", "ftp://x/", "", "https://[")
        ),
    ],
)
def test_what_is_pushed_is_read_by_nobody_on_the_way(url: str, is_private: bool) -> None:
    """By TLS, or on this machine only; and a password in an address would be in every log."""
    assert is_private_http(url) == is_private
