"""Broker mode: the node as one client of a broker that an operator runs already (Mosquitto is the reference).

The same core, a weaker promise. A publisher's PUBACK comes from the broker and means nothing about the node's disk:
there it must wait for the receipt. An answer counts as delivered when the broker's PUBACK reports a subscriber, that
is, a client is subscribed or has a session; where nobody is (reason 0x10, no matching subscribers) it stays pending,
and one answer at a time is tried when there is a new one or the client sends something.

A client's will is `ds/<node>/up/<client>/client.gone`: that is how the node learns that it went.

Each client has the quota that it would have at the endpoint. What is over it is counted as `over_quota` and taken from
the broker without a receipt, so that nobody waits behind it; its publisher sends it again.
"""

import asyncio
import random as _random
import re
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from ...core.scenario import Value
from ...errors import Reason
from ...limits import MESSAGES_PER_CLIENT_BURST, MESSAGES_PER_CLIENT_PER_S, NAME_PATTERN
from ...log.events import BROKER_DOWN, BROKER_UP
from ...messages.envelope import UNKNOWN, topic_down
from ...messages.grants import EVERYBODY, Grant
from ..limits import IN_FLIGHT_TO_CLIENT_MAX, RECEIVE_MAX
from ..packets.codec import QoS
from ..seam import Pending, Publish, Receiver
from .connection import EXPIRED, TOO_LARGE, ClientOptions, ConnectionState, Message, MqttConnection, Will

BROKER_BACKOFF_S: Final = (1.0, 8.0)
"""The same back-off as for other links, for a node's way to its broker: one client, for which everybody in the district
waits."""

BROKER_SESSION_EXPIRY_S: Final = 7 * 24 * 3600
"""How long a broker keeps what it acknowledged to publishers while the node is away: a week, as the journal does."""

BROKER_PACKET_BYTES_MAX: Final = 256 * 1024
"""Announced to the broker, which silently drops what is larger: so much that a client's oversized message still comes
through, and is refused with a counted reason."""

BROKER_CLIENTS_MAX: Final = 20_000
"""Clients whose topics, presence and progress broker mode remembers. Forgetting costs a repeated answer at worst."""

GONE_KIND: Final = "client.gone"
"""The kind of a client's will. It is for the link, and never reaches the core."""

_ALIVE: Final = b'{"alive": true}'
_NOT_ALIVE: Final = b'{"alive": false}'


class BrokerOptions(Struct, frozen=True, kw_only=True):
    """How the node joins its broker, and the quota of each client behind it."""

    username: str = ""
    token: str = ""
    tls: ssl.SSLContext | None = None
    backoff: tuple[float, float] = BROKER_BACKOFF_S
    receive_max: int = RECEIVE_MAX
    messages_per_s: float = MESSAGES_PER_CLIENT_PER_S
    burst: float = MESSAGES_PER_CLIENT_BURST


class _Client:
    """What is known of one client behind the broker."""

    __slots__ = ("_at", "_tokens", "after", "in_flight", "present", "unheld")

    def __init__(self, burst: float, now: float) -> None:
        self._tokens, self._at = burst, now
        self.present = False
        self.after = 0  # highest sequence handed to the link
        self.in_flight = 0  # of those, not yet acknowledged by the broker
        self.unheld = False  # the broker had nobody to hold an answer for

    def take(self, per_s: float, burst: float, now: float) -> bool:
        """Whether one more message is within the quota: a token bucket, as at the endpoint."""
        tokens = min(burst, self._tokens + (now - self._at) * per_s)
        self._at = now
        self._tokens = tokens - 1.0 if tokens >= 1.0 else tokens
        return tokens >= 1.0


class Broker:
    """The link between a broker and the node. Towards the pipeline it is what the endpoint is: `wake`, `pause`,
    `resume`, and a `model.Source` for the acknowledgements of publishes.

    `url` is `mqtt://host:port`, `mqtts://host:port` or `unix:///path`. `grant` is asked for what a client may be.
    Counters are plain attributes; `link` has those of the connection."""

    def __init__(
        self,
        node: str,
        receiver: Receiver,
        url: str,
        options: BrokerOptions = BrokerOptions(),  # noqa: B008 - it is frozen
        *,
        grant: Callable[[str], Grant] = lambda _client: EVERYBODY,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self.node = node
        self.url = url
        self.unheld = 0
        """Answers that the broker had nobody for."""
        self.refused = 0
        """Answers that the broker refused (its ACL, its quota)."""
        self.oversized = 0
        """Answers over the broker's packet size: their client cannot get them."""
        self.retain_ignored = 0
        """Copies that the broker had stored. They are from some time ago, or repeats: no events."""
        self._receiver, self._grant = receiver, grant
        self._messages_per_s, self._burst = options.messages_per_s, options.burst
        self._status_topic = f"ds/{node}/status"
        self._topic = re.compile(
            rf"ds/{re.escape(node)}/up/({NAME_PATTERN[2:-2]})/(?:([a-z][a-z.]{{0,31}})|.*)", re.DOTALL
        )
        self._addresses: dict[str, tuple[str, str]] = {}
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._waiting: OrderedDict[str, None] = OrderedDict()  # clients that may have answers to send
        self._held: dict[str, list[int]] = {}  # answers that the broker took, since `_settle` last ran
        self._settling = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[None] | None = None
        self.link = MqttConnection(
            url,
            ClientOptions(
                client_id=f"doorstep-{node}",
                username=options.username,
                token=options.token,
                will=Will(self._status_topic, payload=_NOT_ALIVE, qos=QoS.AT_LEAST_ONCE, retain=True),
                session_expiry_s=BROKER_SESSION_EXPIRY_S,
                receive_max=options.receive_max,
                packet_bytes_max=BROKER_PACKET_BYTES_MAX,
                subscriptions=[(f"ds/{node}/up/+/+", 1)],
            ),
            tls=options.tls,
            backoff=options.backoff,
            on_messages=self._on_messages,
            on_state=self._on_state,
            random=random,
        )

    @property
    def waiting(self) -> int:
        """Clients whose answers wait for room in the broker's window, or for the broker."""
        return len(self._waiting)

    def gauges(self) -> dict[str, dict[str, Value]]:
        """Its part of the section `link` of the status."""
        link = self.link
        values: dict[str, Value] = {
            "connected": link.connected,
            "session_present": link.session.session_present,
            "sessions_lost": link.session.sessions_lost,
            "reconnects": link.reconnects,
            "answers_unheld": self.unheld,
            "answers_refused": self.refused,
            "answers_oversized": self.oversized,
            "retain_ignored": self.retain_ignored,
            "error": link.error or None,
        }
        return {"link": values}

    # -- the pipeline's side -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins to connect, and returns: a node starts whether or not its broker is there."""
        self._loop = asyncio.get_running_loop()
        self._running = asyncio.create_task(self.link.run())

    async def close(self) -> None:
        """Publish that the node goes, and disconnect. The broker keeps the session and what comes for it."""
        self.link.publish(self._status_topic, _NOT_ALIVE, retain=True)
        await self.link.stop()
        if self._running is not None:
            await self._running

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        """These clients have new answers on disk. They are asked for when the broker's window has room."""
        for client, answers in fresh.items():
            if answers and not answers[0][0].sequence:
                for answer, expiry_s in answers:
                    topic = topic_down(self.node, client, answer.kind)
                    self.link.publish(topic, answer.payload, qos=0, expiry_s=expiry_s)
            else:
                self._waiting[client] = None
        self._pump()

    def set_quota(self, messages_per_s: float, burst: float) -> None:
        """From now on."""
        self._messages_per_s, self._burst = messages_per_s, burst

    def pause(self) -> None:
        """Stop reading: the broker queues, up to its own bounds."""
        self.link.pause()

    def resume(self) -> None:
        """Read again."""
        self.link.resume()

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """These publishes are on disk and answered: the broker may forget them. It has no use for the reasons; the
        publisher finds them in its receipt."""
        del reasons
        self.link.acknowledge_tokens(tokens)

    # -- from the broker -----------------------------------------------------------------------------------------------

    def _on_state(self, state: ConnectionState) -> None:
        if state is ConnectionState.CONNECTED:
            kept = "kept" if self.link.session.session_present else "new"
            BROKER_UP.write(address=self.url, session=kept)
            self.link.publish(self._status_topic, _ALIVE, retain=True)
            self._pump()
        elif state in (ConnectionState.DISCONNECTED, ConnectionState.REFUSED):
            BROKER_DOWN.write(sentence=self.link.error)

    def _on_messages(self, messages: list[Message]) -> None:
        read_at = self.link.read_at
        publishes: list[Publish] = []
        done: list[int] = []
        over: dict[str, int] = {}
        for message in messages:
            address = self._addresses.get(message.topic) or self._address(message.topic)
            if address is None:
                done.append(message.token)
                self._receiver.shed("", Reason.FORBIDDEN_TOPIC, 1)
                continue
            if message.retain:
                done.append(message.token)
                self.retain_ignored += 1
                continue
            client, kind = address
            if kind == GONE_KIND:
                # What the client sent before it left comes first.
                self._hand_over(publishes, read_at)
                publishes = []
                done.append(message.token)
                self._gone(client)
                continue
            if not self._budget_of(client, read_at).take(self._messages_per_s, self._burst, read_at):
                done.append(message.token)
                over[client] = over.get(client, 0) + 1
                continue
            publishes.append(Publish(client, kind, message.payload, message.qos, message.token, self._grant(client)))
        self._hand_over(publishes, read_at)
        for client, count in over.items():
            self._receiver.shed(client, Reason.OVER_QUOTA, count)
        if done:
            self.link.acknowledge_tokens(done)
        self._pump()

    def _hand_over(self, publishes: list[Publish], read_at: float) -> None:
        if publishes:
            self._receiver.received(self, publishes, read_at)

    def _address(self, topic: str) -> tuple[str, str] | None:
        """(client, kind) of a topic, or None for one that is not of this tree. The broker lets any topic through; where
        only the kind is none, the client learns of it."""
        match = self._topic.fullmatch(topic)
        if match is None:
            return None
        if match[2] is None:
            return match[1], UNKNOWN
        if len(self._addresses) >= BROKER_CLIENTS_MAX:
            self._addresses.clear()
        address = self._addresses[topic] = (match[1], match[2])
        return address

    def _budget_of(self, client: str, now: float) -> _Client:
        known = self._clients.get(client) or self._remember(client, now)
        if not known.present:
            known.present = True
            self._receiver.present(client, True)
            self._waiting[client] = None
        elif known.unheld:
            self._waiting[client] = None
        return known

    def _gone(self, client: str) -> None:
        known = self._clients.get(client) or self._remember(client)
        known.present = False
        self._receiver.present(client, False)

    def _remember(self, client: str, now: float = 0.0) -> _Client:
        if len(self._clients) >= BROKER_CLIENTS_MAX:
            name, oldest = next(iter(self._clients.items()))
            if oldest.in_flight:
                self._clients.move_to_end(name)
            else:
                del self._clients[name]
        known = self._clients[client] = _Client(self._burst, now)
        return known

    # -- to the broker -------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Pulls answers as far as the broker's window goes, some of each client in turn. The rest stays in the core."""
        room = self.link.room
        while room > 0 and self._waiting:
            client, _ = self._waiting.popitem(last=False)
            known = self._clients.get(client) or self._remember(client)
            if known.unheld and known.in_flight:
                continue  # its broker's answer decides how to go on
            limit = 1 if known.unheld else min(room, IN_FLIGHT_TO_CLIENT_MAX)
            answers = self._receiver.pending(client, known.after, limit)
            for answer, expiry_s in answers:
                known.after = answer.sequence
                known.in_flight += 1
                self.link.publish(
                    topic_down(self.node, client, answer.kind),
                    answer.payload,
                    expiry_s=expiry_s,
                    on_ack=partial(self._acknowledged, client, answer.sequence),
                )
            if len(answers) == limit and not known.unheld:
                self._waiting[client] = None
            room = self.link.room

    def _acknowledged(self, client: str, sequence: int, code: int) -> None:
        known = self._clients.get(client) or self._remember(client)
        known.in_flight = max(known.in_flight - 1, 0)
        if code == 0:
            self._held.setdefault(client, []).append(sequence)
            if known.unheld:
                known.unheld = False
                self._waiting[client] = None
        elif code == TOO_LARGE:
            self.oversized += 1
        elif code != EXPIRED:
            self.unheld += code < 0x80
            self.refused += code >= 0x80
            known.unheld = True
            known.after = min(known.after, sequence - 1)
        if not self._settling and self._loop is not None:
            self._settling = True
            self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        """Once for all acknowledgements of a read: what the broker holds now is delivered, and there is room again."""
        self._settling = False
        held, self._held = self._held, {}
        for client, sequences in held.items():
            self._receiver.delivered(client, sequences)
        self._pump()
