"""Where an MQTT peer is: the three forms of address that a link takes."""

from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
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
