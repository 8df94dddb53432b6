"""The client: an outbox that empties itself, answers that wait to be handled, and a connection that comes back."""

import asyncio
import logging
import random as _random
import secrets
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from mqtt5 import ConnectPacket, PublishPacket

from .connection import PACKET_BYTES_MAX, Connection
from .errors import ClientError, NotConnected, Refused
from .messages import Answer, Event, Receipt, decode, encode
from .outbox import EVENTS_MAX, Outbox

PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
CONNECT_S_MAX: Final = 20.0
"""From the first packet of TCP to the node's CONNACK."""

WINDOW_MAX: Final = 100
"""Events on their way at once, where the node allows as many."""

TICK_S_MAX: Final = 1.0
AGAIN: Final = (0x80, 0x97)
"""Reason codes that time can mend: unspecified error, quota exceeded."""

TOO_LARGE: Final = 0x95
_TOPIC_BYTES: Final = 300
_PACKET_IDS: Final = 65_534  # the last one belongs to the subscription
_NEVER: Final = float("inf")

log = logging.getLogger("doorstep_client")


class Client:
    """One client of the node `node`, under its `name`, with its `token`. Everything is for one event loop.

    `url` is `mqtt://host:port`, or `mqtts://host:port` for TLS (`tls` in place of the system's authorities); for
    WebSocket `ws://host:port/mqtt` or `wss://…`, which need the package's extra `ws`.
    `encoding` of events is "json" or "msgpack"; answers come in what the client last sent. `outbox` names a file in
    which events survive the process; without it they wait in memory; there are at most `events_max`. `answers` False
    takes receipts only; else at most `answers_max` messages wait to be handled, and the node keeps the others.
    `username` and `client_id` are the name, if nothing else is given (a broker may want otherwise).

    Seconds: `ack_deadline_s` without any acknowledgement end a connection; an event that has no receipt is sent again
    after `resend_s`, from and to, doubling; a connection is tried again after `backoff_s`, likewise, with full jitter.
    `on_receipt` is called with every receipt that comes, repeats included."""

    def __init__(
        self,
        url: str,
        *,
        node: str,
        name: str,
        token: str = "",
        username: str | None = None,
        client_id: str | None = None,
        tls: ssl.SSLContext | None = None,
        encoding: str = "json",
        outbox: Path | str | None = None,
        events_max: int = EVENTS_MAX,
        answers: bool = True,
        answers_max: int = 100,
        session_expiry_s: int = 24 * 3600,
        keep_alive_s: int = 30,
        ack_deadline_s: float = 20.0,
        resend_s: tuple[float, float] = (3.0, 60.0),
        backoff_s: tuple[float, float] = (0.5, 30.0),
        random: Callable[[], float] = _random.random,
        on_receipt: Callable[[Receipt], None] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ClientError(f"{url!r} is no address of a node. Write mqtt:// or mqtts://host:port.")
        if encoding not in ("json", "msgpack"):
            raise ClientError(f"encoding is {encoding!r}. Write json or msgpack.")
        self.url, self.node, self.name = url, node, name
        self.error = ""
        """Why there is no connection; empty while there is one."""
        self.connects = 0
        self.sent = self.resent = self.acknowledged = 0
        """Events that left, those of them that had left before, and PUBACKs that came, refusals included."""
        self.unreadable = 0
        """Messages that came and were left, because this client cannot read them."""
        self._address = (parts.hostname, parts.port or PORTS[parts.scheme])
        self._tls = (tls or ssl.create_default_context()) if parts.scheme in ("mqtts", "wss") else None
        self._path = (parts.path or "/mqtt") if parts.scheme in ("ws", "wss") else ""
        self._encoding = encoding
        self._outbox = Outbox(Path(outbox) if outbox is not None else None, events_max)
        self._wants_answers, self._answers_max = answers, answers_max
        self._ack_deadline_s, self._resend_s, self._backoff_s = ack_deadline_s, resend_s, backoff_s
        self._tick_s = min(TICK_S_MAX, resend_s[0] / 4, ack_deadline_s / 4)
        self._random, self._on_receipt = random, on_receipt
        self._connect = ConnectPacket(
            name if client_id is None else client_id,
            username=(name if username is None else username) if token else (username or None),
            password=token.encode() if token else None,
            keep_alive=keep_alive_s,
            session_expiry_interval=session_expiry_s,
            receive_max=answers_max,
            max_packet_size=PACKET_BYTES_MAX,
        )
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._left: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._ready: deque[Event] = deque()
        self._in_flight: dict[int, Event] = {}
        self._progress_at = 0.0
        self._last_id = 0
        self._inbox: deque[tuple[Connection, Answer]] = deque()
        self._warned = False

    # -- its life ------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up for good: whoever waits for a receipt is cancelled."""
        await self.stop()
        for event in self._outbox.events.values():
            event.receipt.cancel()
        self._outbox.close()

    def start(self) -> None:
        """Begin to connect, and stay connected until `stop`. What a file holds from an earlier process is sent."""
        if self._task is None:
            for id_, kind, payload in self._outbox.stored():
                if id_ not in self._outbox.events:
                    self._keep(Event(id_, kind, payload, asyncio.get_running_loop().create_future()))
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"doorstep client {self.name}")

    def hang_up(self) -> None:
        """Leave, until the next `start`. What has no receipt stays in the outbox, and `answers` ends."""
        if self._task is not None:
            self._left, self._task = self._task, None
            self._left.cancel()
            if self._connection is not None:
                self._connection.disconnect()
            self._changed.set()

    async def stop(self) -> None:
        """Hang up, and wait until the connection is closed."""
        self.hang_up()
        if self._left is not None:
            await asyncio.wait([self._left])

    def reconnect(self) -> None:
        """Leave this connection for a new one, as when a phone changes its network."""
        if self._connection is not None:
            self._connection.close("the client wanted a new connection")

    @property
    def connected(self) -> bool:
        """Whether the node has let this client in, and nothing has ended it since."""
        return self._task is not None and self._connection is not None and self._connection.open

    async def wait_connected(self, seconds: float) -> None:
        """Wait for the connection. Raises NotConnected with the reason when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                while not self.connected:
                    await self._change()
        except TimeoutError:
            why = self.error or "no answer"
            raise NotConnected(f"{self.name} is not connected to {self.url} after {seconds:g} s: {why}.") from None

    # -- events --------------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> Mapping[str, Event]:
        """Events that have no receipt, by id, oldest first."""
        return self._outbox.events

    @property
    def in_flight(self) -> int:
        """Events on their way: sent, and not acknowledged."""
        return len(self._in_flight)

    def send(self, kind: str, body: Mapping[str, Any] | None = None, /, **fields: Any) -> Event:
        """Take an event over: it is sent now, or as soon as there is a connection, until its receipt has come. Awaiting
        the Event gives the Receipt. `id` and `at` (Unix ms) are filled in where they are missing; an id that is waiting
        is not sent twice. Raises OutboxFull."""
        merged = {**(body or {}), **fields}
        id_ = str(merged.setdefault("id", secrets.token_hex(8)))
        merged.setdefault("at", time.time_ns() // 1_000_000)
        if (waiting := self._outbox.events.get(id_)) is not None:
            return waiting
        event = Event(id_, kind, encode(merged, self._encoding), asyncio.get_running_loop().create_future())
        self._keep(event)
        self._pump()
        return event

    def report(self, kind: str, body: Mapping[str, Any] | None = None, /, **fields: Any) -> bool:
        """Send something at most once (QoS 0), such as a rider's position. False where there is no connection."""
        if not self.connected or self._connection is None:
            return False
        self._connection.publish(self._topic(kind), encode({**(body or {}), **fields}, self._encoding))
        return True

    def _keep(self, event: Event) -> None:
        self._outbox.add(event)
        event.due_at = _NEVER
        self._ready.append(event)

    def _topic(self, kind: str) -> str:
        return f"ds/{self.node}/up/{self.name}/{kind}"

    def _next_id(self) -> int:
        while True:
            self._last_id = self._last_id % _PACKET_IDS + 1
            if self._last_id not in self._in_flight:
                return self._last_id

    def _pump(self) -> None:
        """Send what is ready, as far as the window goes."""
        connection = self._connection
        if connection is None or not connection.open:
            return
        window = min(WINDOW_MAX, connection.receive_max)
        while self._ready and len(self._in_flight) < window:
            event = self._ready.popleft()
            if self._outbox.events.get(event.id) is not event:
                continue  # its receipt came meanwhile
            if len(event.payload) + _TOPIC_BYTES > connection.packet_bytes_max:
                self._refuse(event, TOO_LARGE)
                continue
            event.packet_id = self._next_id()
            self._publish(connection, event, duplicate=False)

    def _publish(self, connection: Connection, event: Event, duplicate: bool) -> None:
        now = time.monotonic()
        if not self._in_flight:
            self._progress_at = now
        self._in_flight[event.packet_id] = event
        self.sent += 1
        self.resent += event.sent > 0
        event.sent += 1
        event.sent_at = event.sent_at or now
        connection.publish(self._topic(event.kind), event.payload, event.packet_id, duplicate)

    def _on_ack(self, packet_id: int, code: int) -> None:
        self._progress_at = time.monotonic()
        self.acknowledged += 1
        event = self._in_flight.pop(packet_id, None)
        if event is not None:
            event.packet_id, event.code = 0, code if code >= 0x80 else 0
            event.acknowledged = event.acknowledged or code < 0x80
            shortest, longest = self._resend_s
            event.due_at = self._progress_at + min(longest, shortest * 2 ** min(event.sent - 1, 20))
        self._pump()

    def _refuse(self, event: Event, code: int) -> None:
        self._outbox.remove(event.id)
        error = Refused(event.id, event.kind, code)
        log.warning("%s", error)
        if not event.receipt.done():
            event.receipt.set_exception(error)
            event.receipt.exception()  # looked at: nobody has to wait for it

    # -- what comes ----------------------------------------------------------------------------------------------------

    async def answers(self) -> AsyncIterator[Answer]:
        """What the node sends to this client, for ever, or until `stop`. An answer is acknowledged when the next one is
        asked for; one whose handling raises, or is broken off, comes again after the next connection."""
        while self._task is not None:
            if not self._inbox:
                await self._change()
                continue
            _, answer = self._inbox.popleft()
            yield answer
            answer.acknowledge()

    def _on_publish(self, packet: PublishPacket, acknowledge: Callable[[], None]) -> None:
        kind, payload = packet.topic.rpartition("/")[2], bytes(packet.payload)
        connection = self._connection
        assert connection is not None
        try:
            if kind == "receipt":
                self._on_receipt_of(Receipt.of(payload))
            elif self._wants_answers:
                now = connection.received_at
                self._inbox.append((connection, Answer(kind, decode(payload), payload, now, acknowledge)))
                self._changed.set()
                if len(self._inbox) >= self._answers_max and not self._warned:
                    self._warned = True
                    log.warning(
                        "%s: %d answers wait to be handled, and the node keeps the others and all receipts. Go through "
                        "Client.answers(), or open the client with answers=False.",
                        self.name,
                        len(self._inbox),
                    )
                return
        except (ValueError, KeyError) as error:
            self.unreadable += 1
            log.warning("%s cannot read what came on %s, and leaves it: %r", self.name, packet.topic, error)
        acknowledge()

    def _on_receipt_of(self, receipt: Receipt) -> None:
        event = self._outbox.remove(receipt.id)
        if event is not None and not event.receipt.done():
            event.receipt.set_result(receipt)
        if self._on_receipt is not None:
            self._on_receipt(receipt)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    # -- the connection ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        shortest, longest = self._backoff_s
        delay = shortest
        while True:
            before = self.connects
            self.error = await self._stay_connected()
            log.info("%s: %s", self.name, self.error)
            delay = shortest if self.connects > before else min(longest, delay * 2)
            await asyncio.sleep(self._random() * delay)

    async def _stay_connected(self) -> str:
        """One connection, from its begin to its end. Returns why it ended."""
        topics = f"ds/{self.node}/down/{self.name}/{'#' if self._wants_answers else 'receipt'}"
        connection = self._connection = Connection(self._connect, topics, self._on_open, self._on_publish, self._on_ack)
        host, port = self._address
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                protocol = self._in_websocket(connection) if self._path else connection
                await asyncio.get_running_loop().create_connection(lambda: protocol, host, port, ssl=self._tls)
                await connection.opened
            self._tick(connection)
            await asyncio.wait([connection.closed])
            return connection.closed.result()
        except TimeoutError:
            return f"{host}:{port} did not let the client in within {CONNECT_S_MAX:g} s"
        except (OSError, NotConnected) as error:
            return str(error)
        finally:
            connection.disconnect()
            if self._connection is connection:
                self._connection = None
                self._in_flight.clear()

    def _in_websocket(self, connection: Connection) -> asyncio.Protocol:
        from .websocket import WebSocket  # which needs one package more

        return WebSocket(connection, f"{self._address[0]}:{self._address[1]}", self._path)

    def _on_open(self, session_present: bool) -> None:
        connection = self._connection
        assert connection is not None
        self.connects += 1
        self.error = ""
        if session_present:  # what was not acknowledged comes again
            self._inbox = deque(entry for entry in self._inbox if entry[0] is connection)
        self._ready.clear()
        soon = time.monotonic() + self._resend_s[0]
        for event in self._outbox.events.values():
            if session_present and event.packet_id:
                self._publish(connection, event, duplicate=True)
            elif session_present and event.acknowledged:  # its receipt is on its way
                event.due_at = min(event.due_at, soon)
            else:
                event.packet_id, event.due_at = 0, _NEVER
                self._ready.append(event)
        self._pump()
        self._changed.set()

    def _tick(self, connection: Connection) -> None:
        """Once in a while: is the node there, and what is due to be sent again?"""
        if connection.closed.done():
            return
        asyncio.get_running_loop().call_later(self._tick_s, self._tick, connection)
        now = time.monotonic()
        connection.tick(now)
        if self._in_flight and now > self._progress_at + self._ack_deadline_s:
            connection.close(f"none of {len(self._in_flight)} events was acknowledged in {self._ack_deadline_s:g} s")
            return
        for event in [event for event in self._outbox.events.values() if event.due_at <= now]:
            if event.code and event.code not in AGAIN:
                self._refuse(event, event.code)
            else:
                event.due_at = _NEVER
                self._ready.append(event)
        self._pump()
