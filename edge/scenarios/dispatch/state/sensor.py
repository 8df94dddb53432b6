"""The only way in which positions reach a decision: live, or as the row remembers it.

A decision depends on positions that are never stored, and must still replay. So it sees them through a `Sensor`: a
`LiveSensor` looks at the table and notes down each answer, a `RecordedSensor` gives the noted answers back.
"""

from collections.abc import Sequence
from typing import Protocol

from ....errors import JournalError
from ..records import Decision, NearestObservation, Observation, RiderDistance, SilentRiders, encode_record
from .positions import Positions


class Sensor(Protocol):
    """What a round may ask about positions. `log` is every answer that it got, in sequence."""

    log: list[Observation]
    decisions: list[Decision] | None
    """What was decided in a recorded round that stands; None: the round decides, and sets it."""

    def needs_decision(self, now_ms: int) -> bool:
        """Whether riders came into sight, or it is time for another look; recorded as an observation for no order."""
        ...

    def nearest(self, order: str, lat: float, lon: float, limit: int, now_ms: int) -> list[RiderDistance]:
        """The nearest riders who can be offered something, with seconds of travel and of age."""
        ...

    def silent(self, now_ms: int) -> list[str]:
        """Riders on shift without contact for too long; noted only where there are any."""
        ...


class LiveSensor:
    """Answers from the table."""

    def __init__(self, positions: Positions) -> None:
        self.log: list[Observation] = []
        self.decisions: list[Decision] | None = None
        self._positions = positions

    def record(self) -> bytes:
        """For the row."""
        return encode_record((self.log, self.decisions or ())) if self.log or self.decisions else b""

    def needs_decision(self, now_ms: int) -> bool:
        """Whether riders came into sight, or it is time for another look."""
        needs_decision = self._positions.needs_decision(now_ms)
        if needs_decision:
            self.log.append(NearestObservation("", []))
        return needs_decision

    def nearest(self, order: str, lat: float, lon: float, limit: int, now_ms: int) -> list[RiderDistance]:
        """The nearest riders who can be offered something."""
        riders = self._positions.nearest(lat, lon, limit, now_ms)
        self.log.append(NearestObservation(order, riders))
        return riders

    def silent(self, now_ms: int) -> list[str]:
        """Riders on shift without contact for too long."""
        riders = self._positions.silent(now_ms)
        if riders:
            self.log.append(SilentRiders(riders))
        return riders


class RecordedSensor:
    """Answers from a row. `log` holds those that were asked for."""

    def __init__(self, observations: Sequence[Observation], decisions: list[Decision] | None = None) -> None:
        self.log: list[Observation] = []
        self.decisions = decisions
        self._left = list(reversed(observations))

    def record(self) -> bytes:
        """For the row."""
        return encode_record((self.log, self.decisions or ())) if self.log or self.decisions else b""

    def needs_decision(self, now_ms: int) -> bool:
        """As it was then."""
        del now_ms
        if self._next_order() != "":
            return False
        self.log.append(self._left.pop())
        return True

    def nearest(self, order: str, lat: float, lon: float, limit: int, now_ms: int) -> list[RiderDistance]:
        """The riders seen then. Raises JournalError where this version looks at another order than the recorded one."""
        del lat, lon, limit, now_ms
        last = self._left[-1] if self._left else None
        if not isinstance(last, NearestObservation) or last.order != order:
            recorded = "nothing" if self._next_order() is None else f"order {self._next_order()!r}"
            raise JournalError(
                f"The decision now looks for riders near order {order!r}, but the recorded one looked at {recorded}: "
                f"another version of the policy made it. Replay it with the doorstep that recorded it."
            )
        self.log.append(self._left.pop())
        return last.riders

    def silent(self, now_ms: int) -> list[str]:
        """The silent riders of then."""
        del now_ms
        last = self._left[-1] if self._left else None
        if not isinstance(last, SilentRiders):
            return []
        self.log.append(self._left.pop())
        return last.riders

    def _next_order(self) -> str | None:
        last = self._left[-1] if self._left else None
        return last.order if isinstance(last, NearestObservation) else None
