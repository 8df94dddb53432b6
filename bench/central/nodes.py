"""Nodes as a centre sees them: an MQTT session each, with a chain of its own. They resend what is not acknowledged."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from edge.limits import BATCHES_IN_FLIGHT_MAX
from edge.messages.batches import (
    NO_BATCH,
    SYNC_ACK,
    SYNC_BATCH,
    SYNC_HELLO,
    SYNC_WELCOME,
    BatchMessage,
    Hello,
    chain_hash,
    decode_ack,
    decode_welcome,
    encode,
)
from edge.messages.envelope import topic_down, topic_up
from edge.mqtt.client.connection import ClientOptions, ConnectionState, Message, MqttConnection
from edge.uplink.options import UPLINK_BACKOFF_S_MAX, UPLINK_BACKOFF_S_MIN

from .batches import Chain

CENTRE: Final = "centre"


class BenchNode:
    """One session. `on_stored` gets when a batch was due and when its acknowledgement came, in seconds of the loop."""

    def __init__(
        self, name: str, urls: Sequence[str], on_stored: Callable[["BenchNode", float, float], None], seed: int
    ) -> None:
        self.name = name
        self.chain = Chain()
        self.acked = 0
        self.refused = 0
        self._acked_head, self._acked_history = NO_BATCH, NO_BATCH
        self._waiting: deque[tuple[BatchMessage, float]] = deque()
        self._welcomed = self._enrolled = False
        self._on_stored = on_stored
        self._kinds = {topic_down(CENTRE, name, kind): kind for kind in (SYNC_WELCOME, SYNC_ACK)}
        self.link = MqttConnection(
            urls,
            ClientOptions(client_id=name, clean_start=True, subscriptions=[(topic, 1) for topic in self._kinds]),
            on_messages=self._on_messages,
            on_state=self._on_state,
            random=random.Random(seed).random,
            backoff=(UPLINK_BACKOFF_S_MIN, UPLINK_BACKOFF_S_MAX),
        )

    @property
    def waiting(self) -> int:
        """Batches that are not acknowledged."""
        return len(self._waiting)

    @property
    def is_welcome(self) -> bool:
        """Whether it is connected, and the centre has answered its hello."""
        return self._welcomed

    @property
    def has_room(self) -> bool:
        """Whether another batch may be in flight."""
        return len(self._waiting) < BATCHES_IN_FLIGHT_MAX

    def send(self, batch: BatchMessage, due: float) -> None:
        """A batch of its chain, now if it is connected, else once it is."""
        self._waiting.append((batch, due))
        if self._welcomed:
            self._publish(batch)

    def _publish(self, batch: BatchMessage) -> None:
        self.link.publish(topic_up(CENTRE, self.name, SYNC_BATCH), encode(batch))

    def _on_state(self, state: ConnectionState) -> None:
        self._welcomed = False
        if state is ConnectionState.CONNECTED:
            hello = Hello(
                node=self.name,
                instance=f"i-{self.name}",
                boot="b1",
                epoch=self.chain.epoch if self._enrolled else 0,
                through=self.acked,
                head=self._acked_head,
                in_flight=[batch.sha256 for batch, _ in self._waiting][:BATCHES_IN_FLIGHT_MAX],
                acked_events=0,
                history=[self._acked_history],
            )
            self.link.publish(topic_up(CENTRE, self.name, SYNC_HELLO), encode(hello), qos=0)

    def _on_messages(self, messages: list[Message]) -> None:
        now = asyncio.get_running_loop().time()
        for message in messages:
            if self._kinds.get(message.topic) == SYNC_WELCOME:
                welcome = decode_welcome(message.payload)
                if welcome.refused or welcome.epoch != self.chain.epoch:
                    self.refused += 1
                    continue
                self._welcomed = self._enrolled = True
                self._stored(welcome.through, now)
                for batch, _ in self._waiting:
                    self._publish(batch)
            else:
                ack = decode_ack(message.payload)
                self.refused += bool(ack.refused)
                self._stored(ack.through, now)
        self.link.acknowledge(messages)

    def _stored(self, through: int, now: float) -> None:
        while self._waiting and self._waiting[0][0].seq <= through:
            batch, due = self._waiting.popleft()
            self.acked = batch.seq
            self._acked_head, self._acked_history = batch.sha256, chain_hash(self._acked_history, batch.sha256)
            self._on_stored(self, due, now)
