"""What the events of a round cause beside their receipts: messages to people, and counts. Pure.

This is the `Say` that the node hands to its scenarios.
"""

from collections.abc import Iterable, Mapping

from ..messages.coordinates import converted
from ..messages.envelope import DOWN_KINDS, Assignment, Update, encode
from .aggregate import Windows
from .model import Now, Recordable

Message = tuple[str, str, bytes, float]
"""Client, kind, payload, and until when (monotonic seconds) it is worth keeping for the client."""


class Effects:
    """What a round wants to tell people and to count: the `Say` of the scenarios."""

    def __init__(self, windows: Windows, crs: str, json_clients: Mapping[str, bool], now: Now, scenario: str) -> None:
        self._windows = windows
        self._crs = crs
        self._json = json_clients
        self._now = now
        self._scenario = scenario
        self.lookups: list[Recordable] = []
        self._messages: dict[int, Message] = {}  # by number, in sequence
        self._number = 0
        self._withdrawn: dict[tuple[str, str], int] = {}
        self._updated: dict[tuple[str, str], int] = {}

    @property
    def messages(self) -> Iterable[Message]:
        """What is told, in sequence."""
        return self._messages.values()

    def repeat(self, client: str, receipt: bytes, expires_mono: float) -> None:
        """A receipt as it was recorded."""
        self._add((client, "receipt", receipt, expires_mono))

    def tell(self, client: str, body: Assignment | Update, expires_mono: float) -> None:
        """A message to a client, in the encoding that it speaks. Of an order's updates only the last is told: those
        before it would be outdated when they leave, as where a rider's phone sends at once what it did without a
        network."""
        payload = encode(body, self._json.get(client, False))
        number = self._add((client, DOWN_KINDS[type(body)], payload, expires_mono))
        if isinstance(body, Update):
            outdated = self._updated.get((client, body.order))
            if outdated is not None:
                del self._messages[outdated]
            self._updated[client, body.order] = number
        elif body.state == "withdrawn":
            self._withdrawn[client, body.order] = number

    def cancel_withdrawal(self, client: str, order: str) -> None:
        """A withdrawal of this very round became void: told after the receipt it would be the last word."""
        void = self._withdrawn.pop((client, order), None)
        if void is not None:
            del self._messages[void]

    def _add(self, message: Message) -> int:
        self._number += 1
        self._messages[self._number] = message
        return self._number

    def count(self, name: str, at_ms: int, n: int = 1) -> None:
        """A counter of the window of `at_ms`."""
        self._windows.count(self._scenario, name, at_ms, self._now, n)

    def measure(self, name: str, at_ms: int, value: int) -> None:
        """A value of a sketch of the window of `at_ms`."""
        self._windows.measure(self._scenario, name, at_ms, value, self._now)

    def locate(self, name: str, at_ms: int, lat: float, lon: float, person: str) -> None:
        """A spatial count; the cells are of WGS-84 whatever the node's own system."""
        if self._crs != "wgs84":
            lat, lon = converted(lat, lon, self._crs, "wgs84")
        self._windows.locate(self._scenario, name, at_ms, lat, lon, person, self._now)
