"""Addresses: where an MQTT peer is (the three forms that a link takes), where a listener listens, and to whom a webhook
may go."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from ..errors import ConfigError

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_MAPPED: Final = "::ffff:"
_FORMS: Final = "Write mqtt://host:port, mqtts://host:port or unix:///path."


def split_url(url: str) -> tuple[str, str, int]:
    """`mqtt://host:port`, `mqtts://host:port` or `unix:///path` as (scheme, host or path, port; 0 for unix).
    Raises ValueError with a text for a person."""
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path and not parts.netloc:
        return "unix", parts.path, 0
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not the address of an MQTT peer. {_FORMS}")
    if parts.username is not None or parts.path not in ("", "/") or parts.query:
        raise ValueError(f"{url!r} holds more than a host and a port. {_FORMS}")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ValueError(f"{url!r} has a port outside 1 to 65535. {_FORMS}") from None
    return parts.scheme, parts.hostname, port


def split_address(text: str) -> tuple[str, int] | None:
    """`host:port` as a pair, or None where it is not one. IPv6 hosts stand in brackets."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65_535:
        return None
    return host, int(port)


def as_ipv4(host: str) -> str:
    """The address of a peer; that of IPv4, where it has come in through a socket of IPv6 ("::ffff:192.0.2.1")."""
    return host.removeprefix(_MAPPED) if "." in host else host


def is_loopback_host(host: str) -> bool:
    """Whether a host, without brackets, is this machine's loopback."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private_http(url: str) -> bool:
    """Whether nobody on the way reads what is sent to a URL: HTTPS, or HTTP on this machine; no password in it."""
    try:
        parts = urlsplit(url)
        is_near = parts.scheme == "http" and is_loopback_host(parts.hostname or "")
        return bool(parts.hostname) and parts.username is None and (parts.scheme == "https" or is_near)
    except ValueError:
        return False


def is_loopback_name(host: str) -> bool:
    """Whether a Host header (with or without a port) names this machine's loopback."""
    name = host.rpartition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    return is_loopback_host(name.lower())


def is_loopback(text: str) -> bool:
    """Whether `host:port` can be reached from this machine only."""
    pair = split_address(text)
    return pair is not None and is_loopback_host(pair[0])


def parse_address(address: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port`. Raises ConfigError."""
    pair = split_address(address)
    if pair is None:
        hint = 'Write it as "host:port", for example "127.0.0.1:1883" or "[::1]:1883".'
        raise ConfigError("the configuration", "listen", address, hint)
    return pair
