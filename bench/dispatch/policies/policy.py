"""The seam between the world and whoever decides: news in, decisions out, in whole minutes of the day.

A policy is made for a `Day`, which holds what is known before it begins, and is then asked whenever there is news, and
at the minutes that it asked for with `Wake`. One that plans in rounds wakes itself and remembers the news between; one
driven by events decides on each. It never sees an order before its placement.

Within one minute news come first, then decisions, then pickups; a pickup is news of the same minute.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

from ...demo.district.instance import Courier, Parameters, Restaurant

Place = tuple[int, int]
"""Metres east and north."""


class Known(Struct, frozen=True):
    """An order as the policy sees it. `ready` is when it will be ready; where `estimated` is true, only its
    restaurant's mean preparation time, until `Ready` has the real one."""

    name: str
    place: Place
    placed: int
    restaurant: str
    ready: int
    estimated: bool = False


class Day(Struct, frozen=True):
    """What is known before the day begins. `mean_preparation` (minutes, by restaurant) is empty where ready times are
    known at placement."""

    couriers: Mapping[str, Courier]
    restaurants: Mapping[str, Restaurant]
    parameters: Parameters
    mean_preparation: Mapping[str, int]

    def travel(self, origin: Place, destination: Place) -> int:
        """Whole minutes for the straight line, rounded up."""
        x, y = origin[0] - destination[0], origin[1] - destination[1]
        return math.ceil(math.sqrt(x * x + y * y) / self.parameters.metres_per_minute)

    def site(self, restaurant: str) -> Place:
        """Where a restaurant is."""
        found = self.restaurants[restaurant]
        return found.x, found.y

    @property
    def before_pickup(self) -> int:
        """Minutes from arrival at a restaurant to the earliest pickup: half of the service."""
        return self.parameters.pickup_service // 2

    @property
    def after_pickup(self) -> int:
        """Minutes from pickup to departure: the other half."""
        return self.parameters.pickup_service - self.before_pickup

    @property
    def before_dropoff(self) -> int:
        """Minutes from arrival at a customer to the drop-off."""
        return self.parameters.dropoff_service // 2

    @property
    def after_dropoff(self) -> int:
        """Minutes from drop-off to departure."""
        return self.parameters.dropoff_service - self.before_dropoff


# -- news --------------------------------------------------------------------------------------------------------------


class Placed(Struct, frozen=True):
    """A customer ordered, this minute."""

    order: Known


class Ready(Struct, frozen=True):
    """An order is ready for pickup since this minute."""

    order: str


class Free(Struct, frozen=True):
    """A courier stands at `place` with nothing to do: as its shift begins, or after a repositioning or a bundle."""

    courier: str
    place: Place


class PickedUp(Struct, frozen=True):
    """A courier has its bundle: it can no longer be changed. It will be free at minute `free`, at its last drop-off."""

    courier: str
    orders: tuple[str, ...]
    free: int


class GaveUp(Struct, frozen=True):
    """A courier's shift ended before its bundle was ready. The orders are open again."""

    courier: str
    orders: tuple[str, ...]


class Declined(Struct, frozen=True):
    """A courier refuses what it was sent for: it declined, or did not answer until the reply was due (`silent`). It has
    not moved, and the orders are open again; that it is `Free` follows. Only in runs with refusals, never on the strict
    track."""

    courier: str
    orders: tuple[str, ...]
    silent: bool


News = Placed | Ready | Free | PickedUp | GaveUp | Declined

ASK_AGAIN_MIN: Final = 10
"""Minutes for which the baselines do not ask a courier again for an order that it refused: two of the published
method's rounds."""

# -- decisions ---------------------------------------------------------------------------------------------------------


class Assign(Struct, frozen=True):
    """A free courier starts now towards the restaurant of `orders`, which it will drop off in this sequence."""

    courier: str
    orders: tuple[str, ...]


class Change(Struct, frozen=True):
    """New sets for bundles not yet picked up, all at once, so that couriers can exchange orders. Each stays at its
    restaurant and keeps at least one order."""

    bundles: tuple[tuple[str, tuple[str, ...]], ...]


class Reposition(Struct, frozen=True):
    """A courier moves to a restaurant in the very minute in which its shift begins; once, and never later."""

    courier: str
    restaurant: str


class Wake(Struct, frozen=True):
    """Ask again at this later minute, news or not."""

    at: int


Decision = Assign | Change | Reposition | Wake


class Policy(Protocol):
    """Whoever decides."""

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """What to do at minute `now`, after `news`. Decisions are carried out in their sequence."""
        ...


@runtime_checkable
class Promising(Protocol):
    """A policy that promises the customer a time. Asked once, after the decision in the minute of the
    placement."""

    def promise(self, order: str) -> tuple[int, float] | None:
        """The expected minute of the drop-off, and how probable (0 to 1) it is not to be later. None: no promise."""
        ...
