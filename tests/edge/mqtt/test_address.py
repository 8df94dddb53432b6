"""Addresses of MQTT peers."""

import pytest

from edge.mqtt.address import split_url


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
    with pytest.raises(ValueError, match="Write mqtt://host:port") as caught:
        split_url(url)
    assert repr(url) in str(caught.value)
