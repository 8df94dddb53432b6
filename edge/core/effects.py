"""What a round causes beside its receipts: messages to clients, counts, measures. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ..messages.coordinates import converted
from ..messages.envelope import ENCODE
from .model import Event

Message = tuple[str, str, bytes, float, bytes]
"""Client, kind, payload, until when (monotonic seconds) it is worth keeping for the client, and the payload as it goes
out, where that has what no row keeps."""


PACKED_CLIENTS_MAX: Final = 100_000
"""Clients of whom it is known that they speak JSON, as many as riders. The one known for longest is forgotten: it
gets MessagePack until its next event."""


class Measured(Struct):
    """What one scenario counts in one round, each with its stamp (Unix ms): counters, by how much they grow and how
    many durable events that is; values of sketches (whole milliseconds, seconds or metres as the name has it);
    places (degrees, WGS-84) of persons, which become cells and are forgotten; and once more the counters that belong
    to a shop, each with the shop, and the person through whom it grew."""

    counts: list[tuple[str, int, int, int]] = []
    values: list[tuple[str, int, int]] = []
    places: list[tuple[str, int, float, float, str]] = []
    shops: list[tuple[str, str, int, int, str]] = []


class Effects:
    """The effects of one scenario. `messages` are those of the round that leave, by number, in their sequence;
    `measured` is what it counted; `decisions` is how many decisions the round made, not only read from a record."""

    def __init__(self, crs: str, packed_clients: Mapping[str, bool], kinds: Mapping[type, str]) -> None:
        self.messages: dict[int, Message] = {}
        self.measured = Measured()
        self.cancelled: list[tuple[str, str, str]] = []
        """Client, kind and topic of messages of earlier rounds that became void."""
        self.decisions = 0
        self._crs = crs
        self._packed = packed_clients
        self._kinds = kinds
        self._number = 0
        self._latest: dict[tuple[str, str, str], int] = {}

    def begin(self) -> None:
        """A new round, without effects so far. For the node only."""
        self.messages = {}
        self.measured = Measured()
        self.decisions = self._number = 0
        if self._latest:
            self._latest = {}
        if self.cancelled:
            self.cancelled = []

    def send(
        self, client: str, body: Struct, expires_mono: float, topic: str = "", spoken: Struct | None = None
    ) -> None:
        """A message to a client, in the client's encoding, kept for it until `expires_mono`. Of the messages of one
        kind with the same `topic` (an order, a label) only the last one of the round leaves: the others would be
        outdated when they arrive, as where a phone sends at once what happened while it had no network. `spoken` is the
        same message with what a person wrote (of `Event.observed`): it goes out in place of `body`, which the row has
        and which goes out where the node was restarted before the client fetched it."""
        kind, encode = self._kinds[type(body)], ENCODE[client not in self._packed]
        self._number += 1
        outgoing = b"" if spoken is None else encode(spoken)
        self.messages[self._number] = (client, kind, encode(body), expires_mono, outgoing)
        if topic:
            outdated = self._latest.get((client, kind, topic))
            if outdated is not None:
                del self.messages[outdated]
            self._latest[client, kind, topic] = self._number

    def cancel(self, client: str, kind: str, topic: str) -> None:
        """Messages became void: one of this round, and those of earlier ones that still wait for the client and are
        about `topic` (`Message.about`)."""
        self.cancelled.append((client, kind, topic))
        void = self._latest.pop((client, kind, topic), None)
        if void is not None:
            del self.messages[void]

    def count(self, name: str, at_ms: int, n: int = 1, shop: str = "", person: str = "") -> None:
        """A counter of the window of `at_ms` (wall clock) grows by `n`. Where it belongs to a shop, so does the shop's
        own of that day, through a person: it leaves the node only with the option `shop_scores`, and only where enough
        people contributed."""
        self.measured.counts.append((name, at_ms, n, 0))
        if shop:
            self.measured.shops.append((shop, name, at_ms, n, person))

    def measure(self, name: str, at_ms: int, value: int, shop: str = "", person: str = "") -> None:
        """A value of a sketch of the window of `at_ms`. Of a shop it counts how many values there are."""
        self.measured.values.append((name, at_ms, value))
        if shop:
            self.measured.shops.append((shop, name, at_ms, 1, person))

    def locate(self, name: str, at_ms: int, lat: float, lon: float, person: str) -> None:
        """A count by place, which leaves the node only where enough people contributed. The cells are of WGS-84
        whatever the node's own system."""
        if self._crs != "wgs84":
            lat, lon = converted(lat, lon, self._crs, "wgs84")
        self.measured.places.append((name, at_ms, lat, lon, person))


def note_encoding(packed_clients: dict[str, bool], event: Event) -> None:
    """The encoding of the last event of a client, or of a shop, is that of its answers; JSON before the first."""
    for name in (event.client, event.shop) if event.shop else (event.client,):
        if not event.json:
            if name not in packed_clients and len(packed_clients) >= PACKED_CLIENTS_MAX:
                del packed_clients[next(iter(packed_clients))]
            packed_clients[name] = True
        elif packed_clients:
            packed_clients.pop(name, None)
