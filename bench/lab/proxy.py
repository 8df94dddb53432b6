"""A TCP proxy that behaves as mobile networks and broken uplinks do: no root, no netem, no container needed.

async with Proxy(("127.0.0.1", node_port), seed=7, up=NetworkConditions(latency_s=0.15, jitter_s=0.05)) as proxy:
    ...                                          # clients connect to 127.0.0.1:proxy.port
    proxy.down = NetworkConditions(bytes_per_s=8_000)      # at any time, for every connection from its next bytes on
    await proxy.dead_spot(10.0)                  # nothing moves for ten seconds; then what was held goes on
    proxy.reset()                                # RST on every open connection

`up` is towards the target, `down` back from it. Bytes are never reordered, as TCP would not: what one stall holds back
holds back everything behind it. Not modelled: that TCP's own retransmission waits a little longer after a dead spot.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

HELD_BYTES_MAX: Final = 256 * 1024
"""Held in one direction of one connection; beyond it the sender is not read from, as a full TCP window does. On a link
with latency it bounds the rate too: 256 KiB over 150 ms are 14 Mbit/s."""

READ_BYTES: Final = 16 * 1024
"""Of one read. Each read draws its jitter and its stall, as a packet or a burst of packets would."""

SLOW_STEP_S: Final = 0.05
"""On a slow link a piece is at most what leaves within this time, so that its bytes trickle instead of jumping."""

CONNECTIONS_MAX: Final = 20_000
"""Open at once; one more is reset."""


@dataclass(frozen=True, slots=True)
class NetworkConditions:
    """What happens to bytes in one direction. The default is a fair wire."""

    latency_s: float = 0.0
    """Every byte arrives at least so much later. It delays and does not slow down: many reads are under way at once."""
    jitter_s: float = 0.0
    """To each read's latency comes something between 0 and this, drawn evenly."""
    stall_probability: float = 0.0
    """Of each read: that it, and all behind it, waits `stall_s` more, as for lost packets that are sent again."""
    stall_s: float = 1.0
    bytes_per_s: float = 0.0
    """Throughput of one connection; 0 is unlimited."""
    swallow: bool = False
    """Bytes vanish without an error: a half-open connection. One that has lost bytes goes on losing them when the
    conditions change, as its stream could never be whole again."""
    cut_at: int | None = None
    """A connection ends as soon as so many bytes have passed in this direction; those arrive, the next one does not.
    Also one that is beyond it when the conditions change."""
    cut_resets: bool = False
    """It ends with an RST instead of a FIN."""

    def __post_init__(self) -> None:
        lengths = (self.latency_s, self.jitter_s, self.stall_s, self.bytes_per_s, self.cut_at or 0)
        if min(lengths) < 0 or not 0 <= self.stall_probability <= 1:
            raise ValueError(f"{self}: times, rates and positions are 0 or more, a probability is from 0 to 1.")


FAIR: Final = NetworkConditions()


@dataclass(slots=True)
class Stats:
    """What a proxy did, over its life. Bytes are of (up, down)."""

    connections: int = 0
    """Taken from clients."""
    unreachable: int = 0
    """Of these: ended at once, as the target did not take them."""
    resets: int = 0
    """Connections ended with an RST."""
    cuts: int = 0
    """Connections ended at a byte, or by `cut`."""
    stalls: int = 0
    passed: list[int] = field(default_factory=lambda: [0, 0])
    swallowed: list[int] = field(default_factory=lambda: [0, 0])


class Proxy:
    """Listens on 127.0.0.1 and passes bytes to `target` (host, port). All methods are for the loop it was started in;
    `up`, `down` and `target` may be assigned at any time. `port` 0 takes a free one, and keeps it until `close`."""

    def __init__(
        self,
        target: tuple[str, int],
        *,
        port: int = 0,
        seed: int = 0,
        up: NetworkConditions = FAIR,
        down: NetworkConditions = FAIR,
    ) -> None:
        self.target = target
        self.port = port
        self.up = up
        self.down = down
        self.stats = Stats()
        self.random = random.Random(seed)
        self.moving = asyncio.Event()
        self.moving.set()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], _Connection] = {}

    async def start(self) -> None:
        """Listen. After `refuse` on the same port again."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, limit=READ_BYTES, backlog=1024
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Take no more connections: whoever tries gets ECONNREFUSED, until `start`. Open ones stay; see `reset`."""
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)  # the listening socket is closed by the loop

    def open(self) -> int:
        """Connections that are open now."""
        return len(self._connections)

    def held(self) -> int:
        """Bytes that are on their way now, over all connections and both directions."""
        return sum(connection.held() for connection in self._connections.values())

    def reset(self) -> int:
        """End every open connection with an RST, on both sides. Returns how many they were."""
        return self._end(reset=True)

    def cut(self) -> int:
        """End every open connection with a FIN, on both sides; what was held is lost. Returns how many they were."""
        return self._end(reset=False)

    def hold(self) -> None:
        """From now on nothing moves, in no direction; new connections are taken and get no answer."""
        self.moving.clear()

    def release(self) -> None:
        """What was held goes on, and everything moves again."""
        self.moving.set()

    async def dead_spot(self, seconds: float) -> None:
        """`hold`, for some seconds."""
        self.hold()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.release()

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self.refuse()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _end(self, *, reset: bool) -> int:
        for task, connection in self._connections.items():
            connection.end(reset=reset)
            task.cancel()
        return len(self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.stats.connections += 1
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(self, writer)
        if len(self._connections) >= CONNECTIONS_MAX:
            connection.end(reset=True)
            return
        self._connections[task] = connection
        try:
            await connection.run(reader)
        except (OSError, asyncio.CancelledError):
            pass  # one side ended it, or the proxy did: both sides are closed below
        finally:
            connection.close()
            del self._connections[task]


class _Connection:
    """One client's connection and the one to the target behind it."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self._writers = [client]
        self._pipes: tuple[_Pipe, ...] = ()
        self._ended = False

    def held(self) -> int:
        """Bytes on their way in both directions."""
        return sum(pipe.held for pipe in self._pipes)

    async def run(self, client: asyncio.StreamReader) -> None:
        """Pass bytes in both directions until both are at their end, or one is cut."""
        await self.proxy.moving.wait()
        try:
            reader, writer = await asyncio.open_connection(*self.proxy.target, limit=READ_BYTES)
        except OSError:
            self.proxy.stats.unreachable += 1
            self.end(reset=True)
            return
        self._writers.append(writer)
        for each in self._writers:
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pipes = (_Pipe(self, 0, client, writer), _Pipe(self, 1, reader, self._writers[0]))
        tasks = [asyncio.ensure_future(part) for pipe in self._pipes for part in (pipe.take(), pipe.give())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end(self, *, reset: bool) -> None:
        """Close both sides at once. A second time it does nothing."""
        if self._ended:
            return
        self._ended = True
        self.proxy.stats.resets += reset
        self.proxy.stats.cuts += not reset
        for writer in self._writers:
            if reset:
                with contextlib.suppress(OSError):  # closed already
                    reset_on_close = struct.pack("ii", 1, 0)  # on, for 0 seconds: close() sends an RST
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
                writer.transport.abort()
            else:
                writer.close()

    def close(self) -> None:
        """Free both sockets. A close that follows a cut sends what the last write left over."""
        for writer in self._writers:
            writer.close()


class _Pipe:
    """One direction of one connection: `take` reads and dates, `give` writes when it is due."""

    def __init__(
        self, connection: _Connection, way: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._connection = connection
        self._proxy = connection.proxy
        self._way = way
        self._reader = reader
        self._writer = writer
        self._pieces: deque[tuple[float, bytes]] = deque()
        self.held = 0
        self._changed = asyncio.Event()
        self._passed = 0
        self._lost = False

    @property
    def _conditions(self) -> NetworkConditions:
        return self._proxy.down if self._way else self._proxy.up

    async def take(self) -> None:
        """Read until the end of the stream; an empty piece stands for it."""
        loop = asyncio.get_running_loop()
        due_at = 0.0
        while True:
            while self.held >= HELD_BYTES_MAX:
                self._changed.clear()
                await self._changed.wait()
            data = await self._reader.read(READ_BYTES)
            conditions = self._conditions
            delay_s = conditions.latency_s + self._proxy.random.random() * conditions.jitter_s
            if conditions.stall_probability and self._proxy.random.random() < conditions.stall_probability:
                self._proxy.stats.stalls += 1
                delay_s += conditions.stall_s
            due_at = max(due_at, loop.time() + delay_s)
            self._pieces.append((due_at, data))
            self.held += len(data)
            self._changed.set()
            if not data:
                return

    async def give(self) -> None:
        """Write what is due, at the link's speed, until the end of the stream or a cut."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._pieces:
                self._changed.clear()
                await self._changed.wait()
            due_at, data = self._pieces[0]
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            if not data:
                await self._proxy.moving.wait()
                if self._writer.can_write_eof() and not self._lost:
                    self._writer.write_eof()
                return
            begin = 0
            while begin < len(data):
                begin += await self._give_piece(data, begin)
            self._pieces.popleft()
            self.held -= len(data)
            self._changed.set()

    async def _give_piece(self, data: bytes, begin: int) -> int:
        """Write as much of data[begin:] as one step takes, and wait as long as the link needs. Returns its length."""
        await self._proxy.moving.wait()
        conditions = self._conditions
        size = len(data) - begin
        if conditions.bytes_per_s:
            size = min(size, max(1, int(conditions.bytes_per_s * SLOW_STEP_S)))
            await asyncio.sleep(size / conditions.bytes_per_s)
            await self._proxy.moving.wait()
        self._lost = self._lost or conditions.swallow
        if self._lost:
            self._proxy.stats.swallowed[self._way] += size
            return size
        cut = conditions.cut_at is not None and self._passed + size >= conditions.cut_at
        if cut:
            size = max(0, conditions.cut_at - self._passed) if conditions.cut_at is not None else size
        self._writer.write(data[begin : begin + size])
        self._passed += size
        self._proxy.stats.passed[self._way] += size
        if cut:
            self._connection.end(reset=conditions.cut_resets)
            raise ConnectionAbortedError("cut at a byte")
        await self._writer.drain()
        return size
