"""What was learned about time, and what it means for the next order.

How labels change it is in `kitchens`, `rides` and `promises`. Only +, -, *, / and roots of doubles are used, which IEEE
754 defines to the last bit: the same to the byte everywhere.
"""

from collections.abc import Callable, Iterator
from math import floor, sqrt
from typing import Final, TypeVar

from msgspec import Struct, field

from ....messages.envelope import Client

WINDOW: Final = 30
"""A mean weighs each new label 1/n, and at least 1/30: an exponentially weighted mean once it is warm."""

BAND_MS: Final = 2 * 3_600_000
BANDS: Final = 12
"""Preparation is learned by two-hour bands of the day (UTC)."""

HOUR_MS: Final = 3_600_000
HOURS: Final = 24

BAND_WEIGHT: Final = 3
HOUR_WEIGHT: Final = 10
CELL_WEIGHT: Final = 3
HANDOVER_WEIGHT: Final = 3
LATE_WEIGHT: Final = 10
SPREAD_WEIGHT: Final = 4
"""Labels that the level above counts for."""

RIDES_WEIGHT: Final = 5
"""Labels that the configuration counts for."""

STATED_WEIGHT: Final = 5
"""What an order states is believed until more labels than this differ."""

SPREAD_S: Final = {True: 60.0, False: 300.0}
LATE_S: Final = {True: 150.0, False: 300.0}
"""The mean size of an error of a preparation time, and of a promise, before anything is known: where the preparation
time was stated, and where not."""

PROMISE_TOLERANCE_S: Final = 300
"""A promise counts as kept up to this much after its time."""

SCARCE_MAX: Final = 2.0
"""How many times as large as usual errors are where riders are most scarce; one by this where they are least."""

KNOWN: Final = 5
"""Labels from which on a shop is known."""

BEGIN: Final = {True: (-0.5, 0.4, 2.2, 6.6), False: (-0.5, 0.4, 2.2, 3.8)}
"""The quantiles of errors before anything is learned, where the preparation time was stated, and where not. Food that
is early waits for its rider, who comes when it is expected: so orders are late by more than they are early. Riders who
decline are few, and make orders late by much against what is usual; kitchens are often off, and by less. Chosen on the
development seeds (0, 1, 5, 7) of the public instances, so that the first day keeps 97 of 100 promises where times are
stated."""

SHOPS_MAX: Final = 2_000
"""Shops that are remembered, some 2 MB; that of the oldest label goes first."""

K = TypeVar("K")
V = TypeVar("V")


class Mean(Struct, array_like=True):
    """The mean of `n` labels; `kept` is the value with which the day began, None on the first day."""

    n: int = 0
    value: float = 0.0
    kept: float | None = None

    def add(self, label: float) -> None:
        """One more label."""
        self.n += 1
        self.value += (label - self.value) / min(self.n, WINDOW)

    def towards(self, above: float, weight: float) -> float:
        """The value, shrunk towards that of the level above as if there were `weight` labels of it (Micci-Barreca
        2001)."""
        return (self.n * self.value + weight * above) / (self.n + weight)


class Quantile(Struct, array_like=True):
    """A level below which a share of `n` labels is, tracked; `kept` as with a mean."""

    value: float
    n: int = 0
    kept: float | None = None


class Errors(Struct, array_like=True):
    """Of preparation times, actual minus assumed, of one shop or of the whole node: seconds, by band of the day and in
    all. `size` is their mean size."""

    mean: Mean = field(default_factory=Mean)
    size: Mean = field(default_factory=Mean)
    bands: dict[int, Mean] = {}


class Shop(Struct, array_like=True):
    """What is known of one shop. `stated` and `unstated` are errors of preparation times, `handover` seconds beyond the
    configured time before the pickup, `late` the size of errors of its promises."""

    stated: Errors = field(default_factory=Errors)
    unstated: Errors = field(default_factory=Errors)
    handover: Mean = field(default_factory=Mean)
    late: Mean = field(default_factory=Mean)

    def errors(self, stated: bool) -> Errors:
        """Of orders that state their preparation time, or of those that do not."""
        return self.stated if stated else self.unstated


class Rides(Struct, array_like=True):
    """`pace` and `hours` (UTC) are factors, actual over configured; `shop`, `door` and `doors` seconds between arrival
    and the change of hands beyond the configured half of the service. Doors are by cells of 0.01 degrees, about a
    kilometre: no cell is one house."""

    pace: Mean = field(default_factory=Mean)
    hours: dict[int, Mean] = {}
    shop: Mean = field(default_factory=Mean)
    door: Mean = field(default_factory=Mean)
    doors: dict[str, Mean] = {}

    def pace_at(self, wall_ms: int) -> float:
        """The factor at an hour."""
        found = self.pace.towards(1.0, RIDES_WEIGHT)
        hour = self.hours.get(hour_of(wall_ms))
        return found if hour is None else hour.towards(found, HOUR_WEIGHT)

    def shop_s(self) -> float:
        """Beyond the configured time before the pickup."""
        return self.shop.towards(0.0, RIDES_WEIGHT)

    def door_s(self) -> float:
        """Beyond the configured time before the drop-off."""
        return self.door.towards(0.0, RIDES_WEIGHT)

    def beyond_door_s(self, lat: float, lon: float) -> float:
        """By how much the handover at one door takes longer than at the others."""
        cell = self.doors.get(cell_of(lat, lon))
        if cell is None:
            return 0.0
        general = self.door_s()
        return cell.towards(general, CELL_WEIGHT) - general


def _groups(stated: bool) -> list[list[Quantile]]:
    return [[Quantile(value) for value in BEGIN[stated]] for _ in range(3)]


class Interval(Struct, frozen=True):
    """Seconds from the prediction."""

    earliest: int
    promised: int
    latest: int


class Promises(Struct, array_like=True):
    """`size` is the node's mean size of an error where riders are as scarce as usual, seconds. `groups`: quantiles of
    errors in scales (their mean size at a shop, times how scarce riders were), of shops without labels, with fewer than
    KNOWN, and with more: less is known of a shop that is new. `unstated` the same of orders that state no time."""

    size: Mean = field(default_factory=Mean)
    groups: list[list[Quantile]] = field(default_factory=lambda: _groups(True))
    unstated: list[list[Quantile]] = field(default_factory=lambda: _groups(False))

    def scale(self, shop: Mean | None, stated: bool, scarce: float) -> float:
        """The size of errors of a shop, which `stated` its preparation time, where riders are so `scarce`."""
        found = self.size.towards(LATE_S[stated], SPREAD_WEIGHT)
        return max(1.0, found if shop is None else shop.towards(found, LATE_WEIGHT)) * scarce

    def group(self, shop: Mean | None, stated: bool) -> list[Quantile]:
        """The quantiles for a shop."""
        n = 0 if shop is None else shop.n
        return (self.groups if stated else self.unstated)[0 if not n else 1 if n < KNOWN else 2]

    def interval(self, shop: Mean | None, stated: bool, scarce: float) -> Interval:
        """Where 8 of 10 drop-offs are, and the time promised: one that 1 order in 50 misses by more than
        PROMISE_TOLERANCE_S, not the end of the interval, because errors have a long tail."""
        scale = self.scale(shop, stated, scarce)
        first, middle, last, rare = self.group(shop, stated)
        middle_s = scale * middle.value
        return Interval(
            round(min(scale * first.value, middle_s)),
            round(max(scale * rare.value - PROMISE_TOLERANCE_S, middle_s)),
            round(scale * last.value),
        )


class Learned(Struct, array_like=True):
    """Everything. No person is in here: shops, hours, and cells of a kilometre. `against` are the options that rides
    and handovers are learned against, `lon` the longitude of the first shop, whole degrees: a day begins at midnight of
    the sun there, when fewest orders are on their way. `day` is the present one."""

    shops: dict[Client, Shop] = {}
    node: Shop = field(default_factory=Shop)
    rides: Rides = field(default_factory=Rides)
    promises: Promises = field(default_factory=Promises)
    against: list[float] = []
    lon: int = 0
    day: int = 0

    def shop(self, name: str) -> Shop:
        """What is known of a shop, to add to it."""
        return touched(self.shops, name, Shop, SHOPS_MAX)

    def turn(self, day: int) -> None:
        """Another day. Of what the one before has changed, half stays: so a wrong day has half an influence, and a
        right one that follows takes half of the rest away. The first day stays whole."""
        if day == self.day:
            return
        self.day = day
        for each in self._figures():
            if each.n:
                if each.kept is not None:
                    each.value = (each.kept + each.value) / 2
                each.kept = each.value

    def _figures(self) -> Iterator[Mean | Quantile]:
        for shop in (self.node, *self.shops.values()):
            yield from (shop.handover, shop.late)
            for errors in (shop.stated, shop.unstated):
                yield from (errors.mean, errors.size, *errors.bands.values())
        rides = self.rides
        yield from (rides.pace, *rides.hours.values(), rides.shop, rides.door, *rides.doors.values())
        yield self.promises.size
        for group in (*self.promises.groups, *self.promises.unstated):
            yield from group


def correction(shop: Errors | None, node: Errors, stated: bool, band: int) -> float:
    """By how many seconds an order is ready later than assumed. A shop's mean is shrunk towards the node's, that of a
    band towards the shop's."""
    mean = node.mean
    found = mean.towards(0.0, STATED_WEIGHT if stated else 0) if mean.n else 0.0
    if shop is not None:
        found = shop.mean.towards(found, 1)
        of_band = shop.bands.get(band)
        if of_band is not None:
            found = of_band.towards(found, BAND_WEIGHT)
    return found


def scarcity(waiting: int, idle: int, stated: bool) -> float:
    """How scarce riders are, by the orders that wait for one and the riders who are idle: 1 where they are as many.
    Where there are fewer riders a refusal costs more, since the next one is farther away, and plans change more. That
    errors grow about with the root of it was seen on the development seeds (0, 1, 5, 7) of the public instances, among
    riders who decline. Of an order that has not `stated` its time it is 1: there the kitchen's error is the larger."""
    if not stated:
        return 1.0
    return min(SCARCE_MAX, max(1 / SCARCE_MAX, sqrt(max(1, waiting) / max(0.5, idle))))


def band_of(wall_ms: int) -> int:
    """The two hours of the day that a time is in, UTC."""
    return wall_ms // BAND_MS % BANDS


def hour_of(wall_ms: int) -> int:
    """The hour of the day that a time is in, UTC."""
    return wall_ms // HOUR_MS % HOURS


def cell_of(lat: float, lon: float) -> str:
    """The cell of 0.01 degrees that a door is in."""
    return f"{floor(lat * 100)},{floor(lon * 100)}"


def touched(table: dict[K, V], key: K, fresh: Callable[[], V], most: int) -> V:
    """The entry of `key`, a `fresh` one where there is none; it is now the last to go. The first ones go where there
    are more than `most`."""
    entry = table.pop(key, None)
    table[key] = entry = fresh() if entry is None else entry
    while len(table) > most:
        del table[next(iter(table))]
    return entry


def clipped(value: float, most: float) -> float:
    """The value, no further than `most` from 0."""
    return min(max(value, -most), most)
