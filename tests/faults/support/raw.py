"""A client that sends raw bytes: what no library would send, and what none would fail to read."""

import asyncio
import json
import socket
import time
from contextlib import suppress
from typing import Any, Final, Self

from bench.flood.wire import connect, packet
from tests.faults.support.people import DOOR, SHOP

ANSWER_S_MAX: Final = 20.0
PUBLISH: Final = 3
PUBACK: Final = 4


def order(number: int, **more: Any) -> bytes:
    """An order of eve's."""
    at = int(time.time() * 1000)
    fields = {"id": f"x{number}", "at": at, "order": f"o-eve-{number}", "shop": "s", "pickup": SHOP, "dropoff": DOOR}
    return json.dumps({**fields, "prep_s": 60, **more}).encode()


class Raw:
    """One connection, with CONNACK already read. `acks` are the reason codes by packet number."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.acks: dict[int, int] = {}
        self.closed = False

    @classmethod
    async def open(cls, port: int, name: str, token: str, *, buffer_bytes: int = 0) -> Self:
        """Connect and be admitted. `buffer_bytes` narrows the receive buffer of the kernel."""
        plain = socket.socket()
        if buffer_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        raw = cls(*await asyncio.open_connection(sock=plain, limit=1 << 16))
        raw.writer.write(connect(name, token))
        kind, body = await raw.next()
        assert kind == 0x20, f"no CONNACK: {kind:#x} {body!r}"
        assert body[1] == 0, f"refused with {body[1]:#x}"
        return raw

    async def next(self) -> tuple[int, bytes]:
        """The next packet: its first byte and its body; (0, b"") at the end of the connection."""
        async with asyncio.timeout(ANSWER_S_MAX):
            try:
                kind = (await self.reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    byte = (await self.reader.readexactly(1))[0]
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        return kind, await self.reader.readexactly(size)
            except (asyncio.IncompleteReadError, OSError):
                self.closed = True
                return 0, b""

    async def gather(self, numbers: int) -> None:
        """Read until so many publishes are acknowledged, or the connection ends."""
        while len(self.acks) < numbers and not self.closed:
            kind, body = await self.next()
            if kind >> 4 == PUBACK:
                self.acks[int.from_bytes(body[:2], "big")] = body[2] if len(body) > 2 else 0

    async def receipt(self) -> bytes:
        """The payload of the next receipt. Every answer on the way to it is acknowledged."""
        while True:
            kind, body = await self.next()
            assert kind, "the connection ended without a receipt"
            if kind >> 4 == PUBACK:
                self.acks[int.from_bytes(body[:2], "big")] = body[2] if len(body) > 2 else 0
            elif kind >> 4 == PUBLISH:
                topic, at = body[2:][: body[1]], 2 + body[1]
                if kind & 0x06:
                    self.writer.write(packet(0x40, body[at : at + 2]))
                    at += 2
                if topic.endswith(b"/receipt"):
                    return body[at + 1 + body[at] :]

    async def close(self) -> None:
        """Cut it."""
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()
