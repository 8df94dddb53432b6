"""MQTT packets and WebSocket frames as bytes: also those that no library would write."""

import struct
from collections.abc import Iterable
from typing import Final

V311: Final = 4
V5: Final = 5
BINARY: Final = 0x82
PING: Final = 0x89
"""First bytes of WebSocket frames."""


def text(value: str | bytes) -> bytes:
    """An MQTT string, whatever is in it."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def variable(value: int) -> bytes:
    """A variable byte integer."""
    length = bytearray()
    while True:
        length.append(value % 128 | (0x80 if value >= 128 else 0))
        value //= 128
        if not value:
            return bytes(length)


def packet(kind: int, body: bytes) -> bytes:
    """A packet with its fixed header (`kind` is the first byte) and its length."""
    return bytes([kind]) + variable(len(body)) + body


def connect(name: str, token: str, level: int = V5) -> bytes:
    """A CONNECT: clean start, no keepalive."""
    properties = b"\x00" if level == V5 else b""
    head = text("MQTT") + bytes([level, 0xC2]) + struct.pack(">H", 0) + properties
    return packet(0x10, head + text(name) + text(name) + text(token))


def publish(topic: str | bytes, payload: bytes, number: int = 0, properties: bytes = b"", level: int = V5) -> bytes:
    """A PUBLISH: QoS 1 where it has a `number`, else QoS 0. 3.1.1 has no properties."""
    head = text(topic) + (struct.pack(">H", number) if number else b"")
    known = variable(len(properties)) + properties if level == V5 else b""
    return packet(0x32 if number else 0x30, head + known + payload)


def subscribe(*patterns: str) -> bytes:
    """A SUBSCRIBE of MQTT 5, QoS 1."""
    return packet(0x82, b"\x00\x01\x00" + b"".join(text(pattern) + b"\x01" for pattern in patterns))


def unsubscribe(patterns: Iterable[str]) -> bytes:
    """An UNSUBSCRIBE of MQTT 5."""
    return packet(0xA2, b"\x00\x01\x00" + b"".join(text(pattern) for pattern in patterns))


def frame(kind: int, body: bytes = b"") -> bytes:
    """A WebSocket frame of a client; the mask is 0, so the body stands as it is. At most 65,535 bytes."""
    size = len(body)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes([kind]) + length + bytes(4) + body


def upgrade() -> bytes:
    """The request that begins a WebSocket connection."""
    return (
        b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
