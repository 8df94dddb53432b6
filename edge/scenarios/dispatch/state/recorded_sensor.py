"""The sensor of a round that is in a row: what the round saw, and where that stands, what it decided."""

from collections.abc import Sequence

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
from .shops import Demand
from .standby import Waiting


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

    def nearest(
        self, order: str, lat: float, lon: float, limit: int, now_ms: int, fits: Fits = None
    ) -> list[RiderDistance]:
        """The riders seen then. Raises JournalError where this version looks at another order than the recorded one."""
        del lat, lon, limit, now_ms, fits
        last = self._left[-1] if self._left else None
        if not isinstance(last, NearestObservation) or last.order != order:
            recorded = "nothing" if self._next_order() is None else f"order {self._next_order()!r}"
            raise JournalError(
                f"The decision now looks for riders near order {order!r}, but the recorded one looked at {recorded}: "
                f"another version of the policy made it. Replay it with the doorstep that recorded it."
            )
        self.log.append(self._left.pop())
        return last.riders

    def ride(self, order: str, rider: str, lat: float, lon: float, now_ms: int) -> list[RiderDistance]:
        """The ride seen then."""
        del rider
        return self.nearest(order, lat, lon, 1, now_ms)

    def silent(self, now_ms: int) -> tuple[list[str], list[str]]:
        """The silent riders of then, and those who were gone."""
        del now_ms
        return self._riders(SilentRiders), self._riders(GoneRiders)

    def standby(self, waiting: Waiting, demand: Demand, now_ms: int) -> list[StandbyPlace]:
        """The advice of then. Where decisions stand, observations that they were made on come before it, unread."""
        del waiting, demand, now_ms
        last = self._left[0] if self._left else None
        if not isinstance(last, StandbyPlaces):
            return []
        self.log.append(self._left.pop(0))
        return last.places

    def _riders(self, form: type[SilentRiders | GoneRiders]) -> list[str]:
        last = self._left[-1] if self._left else None
        if not isinstance(last, form):
            return []
        self.log.append(self._left.pop())
        return last.riders

    def _next_order(self) -> str | None:
        last = self._left[-1] if self._left else None
        return last.order if isinstance(last, NearestObservation) else None
