"""What a round causes beside its receipts: messages to clients, counts, measures. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from ..messages.coordinates import converted
from ..messages.envelope import encode
from .aggregate import Windows
from .model import Now

Message = tuple[str, str, bytes, float]
"""Client, kind, payload, and until when (monotonic seconds) it is worth keeping for the client."""


class Effects:
    """The effects of one scenario in one round, labelled with its name."""

    def __init__(
        self,
        windows: Windows,
        crs: str,
        json_clients: Mapping[str, bool],
        kinds: Mapping[type, str],
        scenario: str,
        now: Now,
    ) -> None:
        self._windows = windows
        self._crs = crs
        self._json = json_clients
        self._kinds = kinds
        self._scenario = scenario
        self._now = now
        self._messages: dict[int, Message] = {}  # by number, in sequence
        self._number = 0
        self._latest: dict[tuple[str, str, str], int] = {}
        self.decisions = 0

    @property
    def messages(self) -> Iterable[Message]:
        """Messages in their sequence."""
        return self._messages.values()

    def tell(self, client: str, body: Struct, expires_mono: float, topic: str = "") -> None:
        """A message to a client, in the client's encoding, kept for it until `expires_mono`. Of the messages of one
        kind with the same `topic` (an order, a label) only the last one of the round leaves: the others would be
        outdated when they arrive, as where a phone sends at once what happened while it had no network."""
        kind = self._kinds[type(body)]
        self._number += 1
        self._messages[self._number] = (client, kind, encode(body, self._json.get(client, False)), expires_mono)
        if topic:
            outdated = self._latest.get((client, kind, topic))
            if outdated is not None:
                del self._messages[outdated]
            self._latest[client, kind, topic] = self._number

    def cancel(self, client: str, kind: str, topic: str) -> None:
        """A message of this round became void, if there was one."""
        void = self._latest.pop((client, kind, topic), None)
        if void is not None:
            del self._messages[void]

    def decided(self, decisions: int) -> None:
        """So many decisions were made, not only recalled from a record."""
        self.decisions += decisions

    def count(self, name: str, at_ms: int, n: int = 1) -> None:
        """A counter of the window of `at_ms` (wall clock)."""
        self._windows.count(self._scenario, name, at_ms, self._now, n)

    def measure(self, name: str, at_ms: int, value: int) -> None:
        """A value of a sketch of the window of `at_ms`."""
        self._windows.measure(self._scenario, name, at_ms, value, self._now)

    def locate(self, name: str, at_ms: int, lat: float, lon: float, person: str) -> None:
        """A count by place, which leaves the node only where enough people contributed. The cells are of WGS-84
        whatever the node's own system."""
        if self._crs != "wgs84":
            lat, lon = converted(lat, lon, self._crs, "wgs84")
        self._windows.locate(self._scenario, name, at_ms, lat, lon, person, self._now)
