"""The only way in which a round sees that gateways came back: live, or as the row remembers it.

Who is connected is in memory only. A gateway that comes back gets what it has not confirmed, which is a decision, so
the row keeps the names: a `LiveSensor` notes them down, a `RecordedSensor` gives them back.
"""

from typing import Final, Protocol

import msgspec

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[str]).decode


class Sensor(Protocol):
    """What a round may ask."""

    def returned(self) -> list[str]:
        """Gateways that came back since the last round, in that sequence."""
        ...


class LiveSensor:
    """Takes the names out of `waiting`, where `observe` puts them."""

    def __init__(self, waiting: dict[str, None]) -> None:
        self._waiting = waiting
        self._names: list[str] = []

    def returned(self) -> list[str]:
        """Each name once."""
        self._names = list(self._waiting)
        self._waiting.clear()
        return self._names

    def record(self) -> bytes:
        """The names; empty where there were none."""
        return _encode(self._names) if self._names else b""


class RecordedSensor:
    """Answers from a row. Raises msgspec.DecodeError for bytes of another version."""

    def __init__(self, record: bytes) -> None:
        self._record = record
        self._names = _decode(record) if record else []

    def returned(self) -> list[str]:
        """The names of then."""
        return self._names

    def record(self) -> bytes:
        """As it was."""
        return self._record
