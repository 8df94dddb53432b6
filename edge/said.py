"""What the events of a round cause beside their receipts: messages to people, and counts. Pure.

This is the `Say` that the node hands to its scenarios.
"""

from collections.abc import Mapping

from .aggregate import Windows
from .coordinates import converted
from .model import Now, Recordable
from .wire import DOWN_KINDS, Assignment, Update, encode


class Said:
    """What a round wants to tell people and to count: the `Say` of the scenarios."""

    def __init__(self, windows: Windows, crs: str, json_clients: Mapping[str, bool], now: Now, scenario: str) -> None:
        self._windows = windows
        self._crs = crs
        self._json = json_clients
        self._now = now
        self._scenario = scenario
        self.messages: list[tuple[str, str, bytes, float]] = []
        self.recalls: list[Recordable] = []
        self._withdrawn: dict[tuple[str, str], tuple[str, str, bytes, float]] = {}

    def tell(self, client: str, body: Assignment | Update, expires_mono: float) -> None:
        """A message to a client, in the encoding that it speaks."""
        payload = encode(body, self._json.get(client, False))
        message = (client, DOWN_KINDS[type(body)], payload, expires_mono)
        self.messages.append(message)
        if isinstance(body, Assignment) and body.state == "withdrawn":
            self._withdrawn[client, body.order] = message

    def take_back(self, client: str, order: str) -> None:
        """A withdrawal of this very round became void: told after the receipt it would be the last word."""
        message = self._withdrawn.pop((client, order), None)
        if message is not None:
            self.messages.remove(message)

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
