"""The uplink: committed batches to the centre, the centre's word back into the core.

Every connection begins with a hello; nothing is sent before the centre's welcome, and answers to what an earlier
connection left behind are not believed. What the centre answers goes to the core as `SyncWelcomed` and `SyncAcked`
inputs; the core alone decides what may be deleted. A refusal, of a hello or a batch, leads to another hello after a
growing pause.
"""

from asyncio import AbstractEventLoop, TimerHandle, get_running_loop
from collections.abc import Callable
from functools import partial
from math import inf
from random import SystemRandom
from secrets import token_hex
from typing import Final

import zstandard

from ..core.model import Batch, SyncAcked, SyncWelcomed
from ..log.events import BATCH_KEPT_ASIDE, UPLINK_DOWN, UPLINK_EPOCH, UPLINK_PROTOCOL, UPLINK_REFUSED, UPLINK_UP
from ..messages.batches import (
    SYNC_ACK,
    SYNC_BATCH,
    SYNC_HELLO,
    SYNC_WELCOME,
    BatchMessage,
    Hello,
    SyncAck,
    SyncWelcome,
    decode_ack,
    decode_welcome,
    encode,
)
from ..messages.envelope import topic_down, topic_up
from ..messages.sync.report import REPORT_S, SYNC_REPORT, NodeReport
from ..messages.sync.report import encode as encode_report
from ..mqtt.client.connection import ClientOptions, ConnectionState, Message, MqttConnection
from .options import OTHER_KINDS, UplinkOptions
from .refusals import HEALING, QUARANTINED, hint

UPLINK_WINDOW_MAX: Final = 4
"""Batches sent and not acknowledged, on a line that answers within UPLINK_FAST_S."""

UPLINK_FAST_S: Final = 2.0
"""A slower line carries one batch at a time, so that pings and acknowledgements need not queue behind megabytes."""

DISCARD_NOTICE_S: Final = 24 * 3600.0
"""How long the status shows that windows were given up after a restore, so that somebody looks for a second process."""

UPLINK_KEEP_ALIVE_S: Final = 60
"""Half-dead uplinks are found by UPLINK_ACK_DEADLINE_S; this keeps idle ones open through address translators."""

COMPRESSION_LEVEL: Final = 3
"""zstd's default: 256 KiB of windows in about 2 ms."""


class Sync:
    """The uplink of one node. `batches` gives the committed batches in flight, `hello` the node's state for the
    given boot identifier, `post` feeds an input to the core, `report` is how the node is (None: unknown).
    Everything runs in the event loop's thread."""

    def __init__(
        self,
        options: UplinkOptions,
        batches: Callable[[], list[Batch]],
        hello: Callable[[str], Hello],
        post: Callable[[SyncWelcomed | SyncAcked], None],
        report: Callable[[], NodeReport | None] = lambda: None,
    ) -> None:
        self.batches_sent = 0
        """Different batches sent since the start."""
        self.batches_repeated = 0
        """Batches sent once more, after a reconnect or a refusal."""
        self.batches_acked = 0
        """Of those sent since the start, the ones that the centre holds."""
        self.bytes = 0
        """Compressed bytes of batches sent, repeats included."""
        self.refused: dict[str, int] = {}
        """Refusals by the centre, by reason."""
        self.protocol_errors = 0
        """Answers that cannot be true, or cannot be read."""
        centre, identity = options.centre, options.username if options.token else options.node
        named = options.token or options.certified
        self._topics = {kind: topic_up(centre, identity, kind) for kind in (SYNC_HELLO, SYNC_BATCH)}
        self._kinds = {topic_down(centre, identity, kind): kind for kind in (SYNC_WELCOME, SYNC_ACK, *OTHER_KINDS)}
        self._up: Callable[[str], str] = partial(topic_up, centre, identity)
        self.handlers: dict[str, Callable[[bytes], None]] = {}
        """Who else gets the payload of each message of a kind."""
        self._boot = token_hex(8)
        self._batches, self._hello, self._post, self._report = batches, hello, post, report
        self.takes: frozenset[str] = frozenset()
        """What the centre understands beside hellos and batches, as its welcome has it."""
        self._ack_deadline_s, self._backoff = options.ack_deadline_s, options.backoff
        self._random = SystemRandom().random
        self._zstd = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)
        self.link = MqttConnection(
            options.urls,
            ClientOptions(
                client_id=options.node,
                username=identity if named else "",
                token=options.token,
                clean_start=True,
                keep_alive_s=UPLINK_KEEP_ALIVE_S,
                subscriptions=[(topic, 1) for topic in self._kinds],
                ack_deadline_s=options.ack_deadline_s,
            ),
            tls=options.tls,
            on_messages=self._on_messages,
            on_state=self._on_state,
            random=self._random,
            backoff=options.backoff,
        )
        self._loop: AbstractEventLoop | None = None
        self._timer: TimerHandle | None = None
        self._welcomed = False
        self._epoch = 0
        self._through = 0
        self._in_flight: dict[int, float] = {}  # number of a batch sent on this connection: when
        self._first_sent = (0, 0)  # the latest batch that was ever sent, as (epoch, number)
        self._answer_s = UPLINK_FAST_S  # how long the last acknowledgement took
        self._pauses = 0
        self._problem = ""
        self.is_refused = False
        """The centre does not want this node, or a batch of it; until it welcomes the one, or takes the other."""
        self._batch_refused = False
        self._gave_up_at: float | None = None
        self._acked_at: float | None = None
        self._reported_at = -inf

    # -- what the node may ask -----------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the centre's welcome came on the present connection."""
        return self._welcomed

    @property
    def in_flight(self) -> int:
        """Batches sent on this connection and not acknowledged."""
        return len(self._in_flight)

    @property
    def unsent(self) -> int:
        """Batches that could be on their way: the welcome came, the window has room, and they are not sent."""
        if not self._welcomed or len(self._in_flight) >= self._window:
            return 0
        return sum(self._is_due(batch) for batch in self._batches())

    @property
    def last_ack_age_s(self) -> float | None:
        """Real seconds since the centre last acknowledged anything or sent a welcome, None if it never did."""
        if self._acked_at is None or self._loop is None:
            return None
        return self._loop.time() - self._acked_at

    @property
    def error(self) -> str:
        """What is wrong with the uplink, in a sentence; empty while all is well."""
        return self._problem or self.link.error

    @property
    def gave_up(self) -> bool:
        """Whether the centre lately asked this process not to send what it may have sent before."""
        since = self._gave_up_at
        return since is not None and self._loop is not None and self._loop.time() - since < DISCARD_NOTICE_S

    # -- actions -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay connected until `close`."""
        self._loop = get_running_loop()
        await self.link.run()

    def wake(self) -> None:
        """New batches are on disk."""
        self._send()

    def ask_again(self) -> None:
        """The core was rebuilt from the disk and may have lost the centre's answers: a hello asks for them again."""
        if self.link.connected:
            self._send_hello()

    def send(self, kind: str, payload: bytes, qos: int = 1, on_ack: Callable[[int], None] | None = None) -> bool:
        """Something else than batches, while the centre is there. Whether it was taken over; as `MqttConnection`."""
        return self.link.publish(self._up(kind), payload, qos=qos, on_ack=on_ack)

    def report(self) -> None:
        """Send how the node is, where nothing was sent for a window's time."""
        if not self._welcomed or SYNC_REPORT not in self.takes or self._loop is None:
            return
        if self._loop.time() - self._reported_at >= REPORT_S and (report := self._report()) is not None:
            self._reported_at = self._loop.time()
            self.send(SYNC_REPORT, encode_report(report), qos=0)

    async def close(self) -> None:
        """Disconnect. What is not acknowledged is sent after the next start."""
        self._disarm()
        await self.link.stop()

    # -- the connection ------------------------------------------------------------------------------------------------

    def _on_state(self, state: ConnectionState) -> None:
        self._welcomed = False
        self._in_flight.clear()
        self._disarm()
        if state is ConnectionState.CONNECTED:
            self._send_hello()
        elif state is ConnectionState.DISCONNECTED:
            UPLINK_DOWN.write(sentence=self.error)
        elif state is ConnectionState.REFUSED:
            self.is_refused = True
            UPLINK_REFUSED.write(sentence=self.error)

    def _send_hello(self) -> None:
        """QoS 0, because a hello must never be sent again by itself: it would describe the past. The deadline and the
        next connection do that better."""
        self._welcomed = False
        self._in_flight.clear()
        self.link.publish(self._topics[SYNC_HELLO], encode(self._hello(self._boot)), qos=0)
        self._arm(self._ack_deadline_s, self._half_dead)

    def _half_dead(self) -> None:
        waits = "has not sent its welcome" if not self._welcomed else "has acknowledged no batch"
        self._problem = f"The centre {waits} for {self._ack_deadline_s:.0f} s. Connecting anew; see the centre's log."
        self.link.drop()

    def _pause(self, problem: str) -> None:
        """The centre refused something: another hello, later."""
        if problem != self._problem:
            UPLINK_REFUSED.write(sentence=problem)
        self._problem = problem
        self._welcomed = False
        self._in_flight.clear()
        delay_s = min(self._backoff[1], self._backoff[0] * 2 ** min(self._pauses, 16))
        self._pauses += 1
        self._arm(delay_s * (0.5 + self._random() / 2), self._send_hello)

    def _arm(self, delay_s: float, what: Callable[[], None]) -> None:
        self._disarm()
        assert self._loop is not None
        self._timer = self._loop.call_later(delay_s, what)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- out -----------------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        """What is committed and not yet sent on this connection, as far as the line has room."""
        if not self._welcomed or self._loop is None:
            return
        for batch in self._batches():
            if len(self._in_flight) >= self._window:
                break
            if self._is_due(batch) and not self._publish(batch):
                break

    @property
    def _window(self) -> int:
        return UPLINK_WINDOW_MAX if self._answer_s < UPLINK_FAST_S else 1

    def _is_due(self, batch: Batch) -> bool:
        """Whether it was not sent on this connection, and the centre does not have it."""
        return batch.epoch == self._epoch and batch.seq > self._through and batch.seq not in self._in_flight

    def _publish(self, batch: Batch) -> bool:
        assert self._loop is not None
        body = self._zstd.compress(batch.body)
        wrapped = BatchMessage(
            epoch=batch.epoch,
            seq=batch.seq,
            sha256=batch.sha256,
            previous=batch.previous,
            body=body,
            history=self._hello(self._boot).before(batch.seq),
            report=self._report(),
        )
        if not self.link.publish(self._topics[SYNC_BATCH], encode(wrapped), on_ack=self._on_puback):
            return False
        if not self._in_flight:
            self._arm(self._ack_deadline_s, self._half_dead)
        self._in_flight[batch.seq] = self._reported_at = self._loop.time()
        self.bytes += len(body)
        if (batch.epoch, batch.seq) > self._first_sent:
            self._first_sent = (batch.epoch, batch.seq)
            self.batches_sent += 1
        else:
            self.batches_repeated += 1
        return True

    def _on_puback(self, code: int) -> None:
        """A publish that the centre could not take at all. (Success means less than the `sync.ack` that follows.)"""
        if code >= 0x80 and self._welcomed:
            self._refuse(f"mqtt_{code:#x}", f"The centre refused a batch with MQTT reason {code:#x}.", True)

    # -- in ------------------------------------------------------------------------------------------------------------

    def _on_messages(self, messages: list[Message]) -> None:
        for message in messages:
            kind = self._kinds.get(message.topic)
            try:
                if kind == SYNC_WELCOME:
                    self._on_welcome(decode_welcome(message.payload))
                elif kind == SYNC_ACK:
                    self._on_ack(decode_ack(message.payload))
                if kind in self.handlers:
                    self.handlers[kind](message.payload)
            except ValueError as error:  # msgspec.DecodeError is one, a text that is not UTF-8 another
                self.protocol_errors += 1
                UPLINK_PROTOCOL.write(sentence=f"a {kind} that cannot be read: {error}")
        self.link.acknowledge(messages)
        self._send()

    def _on_welcome(self, welcome: SyncWelcome) -> None:
        if self._welcomed:
            return
        if welcome.refused:
            self._refuse(welcome.refused, f"The centre refuses this node ({welcome.refused}). {welcome.detail}")
            return
        if welcome.reason:
            harmless = welcome.reason in ("enrolled", "again")
            UPLINK_EPOCH.write(epoch=welcome.epoch, cause=welcome.reason, harmless=harmless)
        self._disarm()
        self._acknowledged(self._batch_refused and welcome.epoch == self._epoch)
        self._welcomed = True
        UPLINK_UP.write(address=self.link.url)
        if welcome.discard_before and welcome.epoch != self._epoch:
            self._gave_up_at = self._acked_at
        self._epoch, self._through = welcome.epoch, welcome.through
        self.takes = frozenset(welcome.takes)
        self._reported_at = -inf
        self._post(
            SyncWelcomed(welcome.epoch, welcome.through, welcome.old_through, welcome.discard_before, welcome.history)
        )

    def _on_ack(self, ack: SyncAck) -> None:
        if not self._welcomed:
            return
        if ack.refused == QUARANTINED:
            self.refused[QUARANTINED] = self.refused.get(QUARANTINED, 0) + 1
            BATCH_KEPT_ASIDE.write(batch=ack.through, sentence=ack.detail)
        elif ack.refused:
            self._refuse(ack.refused, f"The centre refuses batch {ack.expected} ({ack.refused}). {ack.detail}", True)
            return
        if ack.epoch != self._epoch or ack.through > max(self._in_flight, default=self._through):
            self.protocol_errors += 1
            UPLINK_PROTOCOL.write(sentence=f"it acknowledges {ack.epoch}/{ack.through}, which was never sent")
            return
        done = [seq for seq in self._in_flight if seq <= ack.through]
        if not done:
            return
        assert self._loop is not None
        self._answer_s = self._loop.time() - self._in_flight[done[-1]]
        for seq in done:
            del self._in_flight[seq]
        self.batches_acked += len(done)
        self._through = ack.through
        self._pauses = 0
        self._acknowledged(False)
        self._post(SyncAcked(ack.epoch, ack.through))
        self._disarm()
        if self._in_flight:
            self._arm(self._ack_deadline_s, self._half_dead)

    def _acknowledged(self, batch_refused: bool) -> None:
        """The centre has a good word for us; it may be that it still refuses a batch."""
        assert self._loop is not None
        self._acked_at = self._loop.time()
        if not batch_refused:
            self._problem, self.is_refused, self._batch_refused = "", False, False

    def _refuse(self, reason: str, text: str, batch: bool = False) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1
        self.is_refused = reason not in HEALING
        self._batch_refused = batch and self.is_refused
        self._pause(f"{text.rstrip()} {hint(reason)}")
