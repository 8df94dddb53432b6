"""What one client sends, without any I/O: cut into packets, its publishes with the kinds of their topics and their
places among the acknowledgements, and which answers it has acknowledged. Every other packet is the connection's.

Most traffic is PUBLISH and PUBACK as `fastpath` reads them; they are handled in one loop, without a call for each.
"""

from collections.abc import Iterator
from typing import Final

from ...errors import Reason
from ...messages.envelope import FORBIDDEN, UNKNOWN
from ...messages.grants import EVERYBODY, Grant
from ..limits import RECEIVE_MAX
from ..packets import v311
from ..packets.codec import (
    Decoder,
    MalformedPacket,
    Packet,
    PacketTooLarge,
    ProtocolError,
    PubAckPacket,
    PubAckReasonCode,
    PublishPacket,
    QoS,
)
from ..packets.fastpath import Parsed, parse
from ..seam import Publish
from .acks import PUBACK, Acks, Refused
from .budgets import QUOTA_EXCEEDED, UNAUTHENTICATED_WORK_MAX, price_of
from .connect import V5, level_of
from .sessions import Session, Sessions
from .topics import Topics

CONNECT_BYTES_MAX: Final = 8 * 1024
"""The first packet of a connection: names, a token and a will. Larger ones are not even buffered."""

_CONNECT: Final = 0x10


class Inbound:
    """The incoming half of one connection. `version` is 0 until the first packet is there; `session`, `client` and
    `grant` are those of `begin`. `work` is what was done since the connection has last charged it, at most
    `work_max` in one read. `exceeded`: the client has more publishes of QoS 2 under way than it may, and nothing more
    of it is read."""

    __slots__ = (
        "_decoder",
        "_sessions",
        "_topics",
        "acks",
        "client",
        "exceeded",
        "grant",
        "session",
        "version",
        "work",
        "work_max",
    )

    def __init__(self, sessions: Sessions) -> None:
        self.acks = Acks()
        self.session: Session | None = None
        self.client, self.grant = "", EVERYBODY
        self.version = self.work = 0
        self.work_max = 2 * UNAUTHENTICATED_WORK_MAX
        self.exceeded = False
        self._sessions = sessions
        self._decoder = Decoder(min(CONNECT_BYTES_MAX, sessions.options.packet_bytes_max))
        self._topics = Topics("")

    def begin(self, session: Session, grant: Grant, *, text_bytes_max: int) -> None:
        """The client is who it claims to be. `text_bytes_max` is as in `Acks`."""
        self.session, self.client, self.grant = session, session.identity.name, grant
        self._topics = Topics(f"ds/{self._sessions.name}/up/{self.client}/")
        self.acks.codes, self.acks.text_bytes_max = self.version == V5, text_bytes_max

    @property
    def wants_more(self) -> bool:
        """Whether there is room for more publishes. Nobody is closed for sending too many at QoS 1: a 3.1.1 client
        knows no receive maximum, and one of 5.0 would lose what it has under way."""
        return len(self.acks.order) < RECEIVE_MAX and not self.exceeded

    def plain(self, data: bytes, at: int, publishes: list[Publish], delivered: list[int]) -> int:
        """Take the packets from `at` on that `fastpath` reads: publishes, and the answers that are acknowledged. Where
        the first other one begins; `at` itself where the client is not there yet, or something is left of an earlier
        read."""
        session, decoder, acks = self.session, self._decoder, self.acks
        if session is None or decoder.tail or decoder.skipping or self.exceeded:
            return at
        client, grant, order = self.client, self.grant, acks.order
        cuts: list[Parsed] = []
        at = parse(data, at, self._topics.known, cuts, self.version == V5, decoder.packet_bytes_max)
        for kind, payload, packet_id in cuts:
            if not kind:
                if (sequence := session.outbound.acknowledged(packet_id)) is not None:
                    delivered.append(sequence)
                else:
                    self.work += 1
            elif not packet_id:
                publishes.append(Publish(client, kind, payload, 0, 0, grant))
            else:
                order.append(PUBACK | packet_id)
                publishes.append(Publish(client, kind, payload, 1, acks.base + len(order) - 1, grant))
        return at

    def packets(
        self, data: bytes, at: int, now: float, publishes: list[Publish], delivered: list[int]
    ) -> Iterator[Packet]:
        """Go through the packets of a read from `at` on: take what is plain and every publish, and give out each other
        packet in its place. Raises MalformedPacket where the connection has to end."""
        decoder = self._decoder
        if decoder.skipping:
            at = min(decoder.skipping, len(data))
            decoder.skipping -= at
            self.work += 1
            at = self.plain(data, at, publishes, delivered)
        elif decoder.tail:
            data = decoder.join(data)
            at = self.plain(data, at, publishes, delivered)
        elif not self.version and data[0] != _CONNECT:
            raise MalformedPacket("the first packet is no CONNECT")
        while at < len(data) and not self.exceeded:
            try:
                end = decoder.end_of(data, at)
            except PacketTooLarge as error:
                if not (at := self._skip(data, at, now, error)):
                    break
                at = self.plain(data, at, publishes, delivered)
                continue
            if not end:
                break
            packet = self._read(memoryview(data)[at:end])
            if isinstance(packet, PublishPacket):
                self._publish(packet, publishes)
            elif isinstance(packet, PubAckPacket) and self.session is not None:
                if (sequence := self.session.outbound.acknowledged(packet.packet_id)) is not None:
                    delivered.append(sequence)
                    self.work -= 1
            else:
                yield packet
            at = self.plain(data, end, publishes, delivered)

    def _read(self, packet: memoryview) -> Packet:
        """One packet, when it is paid for. The first one has the version of all others."""
        decoder = self._decoder
        if not self.version:
            self.version = level_of(packet)
            if self.version != V5:
                decoder.read = v311.read
            decoder.packet_bytes_max = self._sessions.options.packet_bytes_max
        self.work += 1 + price_of(packet, properties=self.version == V5)
        if self.work > self.work_max:
            raise ProtocolError("more packets at once than a client may send", QUOTA_EXCEEDED)
        return decoder.read(packet)

    def _publish(self, packet: PublishPacket, publishes: list[Publish]) -> None:
        packet_id, qos, acks = packet.packet_id, packet.qos, self.acks
        kind = self._topics.kind_of(packet)
        self._sessions.retain_ignored += packet.retain
        if packet.subscription_ids:
            raise ProtocolError("a subscription identifier in a PUBLISH of a client")
        if qos == QoS.EXACTLY_ONCE and acks.codes and acks.unfinished >= RECEIVE_MAX:
            self.exceeded = True
        elif packet_id is None and kind in (FORBIDDEN, UNKNOWN):
            self._sessions.receiver.shed(self.client, Reason.FORBIDDEN_TOPIC, 1)
        else:
            if packet.response_topic is not None and self.session is not None:
                self.session.outbound.respond(packet.payload, packet.response_topic, packet.correlation_data or b"")
            self.work -= 1
            token = 0 if packet_id is None else acks.expect(packet_id, qos)
            publishes.append(Publish(self.client, kind, packet.payload, min(token, 1), token, self.grant))

    def _skip(self, data: bytes, at: int, now: float, error: PacketTooLarge) -> int:
        """Where a publish over the limit ends that is passed over and refused, because a connection of the client ended
        so before; 0 where too little of it is there. Raises `error` for any other."""
        if self.session is None or now >= self.session.identity.skips_until:
            raise error
        if (skipped := self._decoder.skip(data, at, error)) is None:
            return 0
        qos, packet_id = skipped
        self._sessions.receiver.shed(self.client, Reason.OVERSIZED, 1)
        if packet_id:
            self.acks.refuse(packet_id, qos, Refused(Reason.OVERSIZED, PubAckReasonCode.QUOTA_EXCEEDED))
        return at + error.size
