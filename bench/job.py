"""What a rider has to do, how it moves, and how long a handover takes."""

from typing import Literal

from msgspec import Struct

Place = tuple[float, float]
"""Two coordinates of a plane, in the subclass's unit."""

Step = Literal["accepted", "to_shop", "at_shop", "handing", "in_bag", "to_door", "at_door", "to_return", "going_back"]


class Leg(Struct, frozen=True):
    """One straight way from `begin` at `start_ms` to `end` at `end_ms`. Standing still is a leg of no length."""

    begin: Place
    end: Place
    start_ms: int = 0
    end_ms: int = 0

    def at(self, ms: int) -> Place:
        """Where one is on this way at an instant."""
        if ms >= self.end_ms or self.end_ms <= self.start_ms:
            return self.end
        share = max(ms - self.start_ms, 0) / (self.end_ms - self.start_ms)
        (x0, y0), (x1, y1) = self.begin, self.end
        return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share


class Service(Struct, frozen=True):
    """Milliseconds from arrival to the earliest handing over at a shop and at a door, and from there to departure."""

    before_pickup: int
    after_pickup: int
    before_dropoff: int
    after_dropoff: int


class Job(Struct):
    """An order that a rider was offered. `ready_ms` is 0 until the rider knows when the meal is ready."""

    order: str
    offer: int
    shop: str
    pickup: Place
    dropoff: Place
    step: Step = "accepted"
    ready_ms: int = 0

    @property
    def carried(self) -> bool:
        """The bag is with the rider: nobody can take the job away now."""
        return self.step in ("in_bag", "to_door", "at_door", "to_return", "going_back")

    @property
    def under_way(self) -> bool:
        """The rider is busy with it right now."""
        return self.step not in ("accepted", "in_bag", "to_return")
