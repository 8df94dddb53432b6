"""The sensor through which a round sees positions: live, or as it is in a row.

A decision depends on positions that are never stored, and must still replay. So a live round notes down each answer of
the table, and a recorded one gets the noted answers back.
"""

from collections.abc import Sequence
from typing import TypeVar

from ....errors import JournalError
from ..records import (
    Decision,
    GoneRiders,
    NearestObservation,
    Observation,
    RiderDistance,
    SilentRiders,
    StandbyPlace,
    StandbyPlaces,
    encode_record,
)
from ..travel.spatial_index import Fits
from .positions import Positions
from .standby import Demand, Waiting

Observed = TypeVar("Observed", bound=Observation)


class LiveSensor:
    """Answers from the table. `log` is every answer, in sequence; `decisions` what the round has decided, once it
    has."""

    def __init__(self, positions: Positions) -> None:
        self.log: list[Observation] = []
        self.decisions: list[Decision] | None = None
        self._positions = positions

    def record(self) -> bytes:
        """For the row."""
        return _packed(self)

    def needs_decision(self, now_ms: int) -> bool:
        """Whether riders came into sight, or it is time for another look; noted as an observation for no order."""
        needs_decision = self._positions.needs_decision(now_ms)
        if needs_decision:
            self.log.append(NearestObservation("", []))
        return needs_decision

    def nearest(
        self, order: str, lat: float, lon: float, limit: int, now_ms: int, fits: Fits = None
    ) -> list[RiderDistance]:
        """The nearest riders who can be offered something, and take this, with seconds of travel and of age."""
        riders = self._positions.nearest(lat, lon, limit, now_ms, fits)
        self.log.append(NearestObservation(order, riders))
        return riders

    def ride(self, order: str, rider: str, lat: float, lon: float, now_ms: int) -> list[RiderDistance]:
        """The same of one rider on shift, whatever it does; nothing where its place is not known."""
        riders = self._positions.ride(rider, lat, lon, now_ms)
        self.log.append(NearestObservation(order, riders))
        return riders

    def silent(self, now_ms: int) -> tuple[list[str], list[str]]:
        """Riders on shift without contact for too long, and those who have been so for AWAY_S; noted only where there
        are any."""
        riders, gone = self._positions.silent(now_ms)
        if riders:
            self.log.append(SilentRiders(riders))
        if gone:
            self.log.append(GoneRiders(gone))
        return riders, gone

    def standby(self, waiting: Waiting, demand: Demand, now_ms: int) -> list[StandbyPlace]:
        """Where idle riders would be of more use: the last question of a round; noted only where there is any."""
        found = self._positions.standby(waiting, demand, now_ms)
        if found:
            self.log.append(StandbyPlaces(found))
        return found


class RecordedSensor:
    """Answers from a row, and where it stands, what was decided. `log` holds the answers that were asked for."""

    def __init__(self, observations: Sequence[Observation], decisions: list[Decision] | None = None) -> None:
        self.log: list[Observation] = []
        self.decisions = decisions
        self._left = list(reversed(observations))

    def record(self) -> bytes:
        """For the row."""
        return _packed(self)

    def needs_decision(self, now_ms: int) -> bool:
        """As it was then."""
        del now_ms
        last = self._last(NearestObservation)
        return last is not None and not last.order and self._take()

    def nearest(
        self, order: str, lat: float, lon: float, limit: int, now_ms: int, fits: Fits = None
    ) -> list[RiderDistance]:
        """The riders seen then. Raises JournalError where this version looks at another order than the recorded one."""
        del lat, lon, limit, now_ms, fits
        last = self._last(NearestObservation)
        if last is None or last.order != order:
            recorded = "nothing" if last is None else f"order {last.order!r}"
            raise JournalError(
                f"The decision now looks for riders near order {order!r}, but the recorded one looked at {recorded}: "
                f"another version of the policy made it. Replay it with the doorstep that recorded it."
            )
        self._take()
        return last.riders

    def ride(self, order: str, rider: str, lat: float, lon: float, now_ms: int) -> list[RiderDistance]:
        """The ride seen then."""
        del rider
        return self.nearest(order, lat, lon, 1, now_ms)

    def silent(self, now_ms: int) -> tuple[list[str], list[str]]:
        """The silent riders of then, and those who were gone."""
        del now_ms
        silent = self._last(SilentRiders)
        riders = silent.riders if silent is not None and self._take() else []
        gone = self._last(GoneRiders)
        return riders, gone.riders if gone is not None and self._take() else []

    def standby(self, waiting: Waiting, demand: Demand, now_ms: int) -> list[StandbyPlace]:
        """The advice of then. Where decisions stand, observations that they were made on come before it, unread."""
        del waiting, demand, now_ms
        found = self._left[0] if self._left else None
        if not isinstance(found, StandbyPlaces):
            return []
        self.log.append(self._left.pop(0))
        return found.places

    def _last(self, form: type[Observed]) -> Observed | None:
        last = self._left[-1] if self._left else None
        return last if isinstance(last, form) else None

    def _take(self) -> bool:
        self.log.append(self._left.pop())
        return True


Sensor = LiveSensor | RecordedSensor
"""What a round may ask about positions."""


def _packed(sensor: Sensor) -> bytes:
    return encode_record((sensor.log, sensor.decisions or ())) if sensor.log or sensor.decisions else b""
