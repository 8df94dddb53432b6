"""Everything that the node has learned about time, as the round uses it, and its snapshot.

`begin` sets the rules of a round: the configured ones with rides and handovers as they were learned. So whoever works
out a ride or a stop needs to know nothing of learning. No person is in here: shops, hours, and cells of a kilometre.
"""

from typing import Final

from msgspec import Struct, structs

from ..options import DispatchOptions
from . import kitchens, rides
from .kitchens import Errors, band_of
from .means import Mean, touched
from .promises import Interval, Promises
from .rides import Rides

SHOPS_MAX: Final = 2_000
"""Shops that are remembered, some 2 MB; that of the oldest label goes first."""

PACE_STEPS: Final = 50
"""A pace is used in steps of 2 %, so that not every ride of a round changes all others."""

DAY_MS: Final = 86_400_000
MS_PER_DEG: Final = DAY_MS // 360

_RIDES: Final = ("speed_mps", "detour_factor", "pickup_service_s", "dropoff_service_s")
"""Options against which rides and handovers are learned."""


class Shop(Struct, array_like=True):
    """What is known of one shop. `stated` and `unstated` are errors of preparation times, `handover` seconds beyond the
    configured time before the pickup, `late` the size of errors of its promises."""

    stated: Errors
    unstated: Errors
    handover: Mean
    late: Mean

    @classmethod
    def empty(cls) -> "Shop":
        """Nothing learned."""
        return cls(Errors.empty(), Errors.empty(), Mean(), Mean())

    def errors(self, stated: bool) -> Errors:
        """Of orders that state their preparation time, or of those that do not."""
        return self.stated if stated else self.unstated


class Learned(Struct, array_like=True):
    """The durable part. `against` are the options that rides and handovers are learned against, `lon` the longitude of
    the first shop, whole degrees: a day begins at midnight of the sun there, when fewest orders are on their way."""

    shops: dict[str, Shop]
    node: Shop
    rides: Rides
    promises: Promises
    against: list[float]
    lon: int = 0

    @classmethod
    def empty(cls) -> "Learned":
        """Nothing learned."""
        return cls({}, Shop.empty(), Rides.empty(), Promises.empty(), [])


class Times:
    """What was learned, and the round's clock. Does nothing where the options switch learning off."""

    def __init__(self, options: DispatchOptions) -> None:
        self.learned = Learned.empty()
        self.wall_ms = 0
        self.options = self.rules = options
        """As configured, and as they hold in the round."""
        self._used: tuple[DispatchOptions, float, int, int] | None = None

    def begin(self, wall_ms: int) -> DispatchOptions:
        """A round begins: the rules that hold in it."""
        self.wall_ms, options = wall_ms, self.options
        if not options.learn_times:
            self.rules = options
            return options
        self._compare(options)
        day, found = self.day, self.learned.rides
        pace = max(1, round(found.pace_at(wall_ms, day) * PACE_STEPS)) / PACE_STEPS
        shop_s, door_s = round(2 * found.shop_s(day)), round(2 * found.door_s(day))
        used = options, pace, shop_s, door_s
        if used != self._used:
            self._used = used
            self.rules = structs.replace(
                options,
                speed_mps=options.speed_mps / pace,
                pickup_service_s=max(0, options.pickup_service_s + shop_s),
                dropoff_service_s=max(0, options.dropoff_service_s + door_s),
            )
        return self.rules

    def _compare(self, options: DispatchOptions) -> None:
        """Rides and handovers are learned against the options: where those change, they begin anew."""
        against = [float(getattr(options, name)) for name in _RIDES]
        if against != self.learned.against:
            self.learned.against = against
            self.learned.rides = Rides.empty()
            for shop in self.learned.shops.values():
                shop.handover = Mean()

    @property
    def day(self) -> int:
        """The day of the round."""
        return (self.wall_ms + self.learned.lon * MS_PER_DEG) // DAY_MS

    def shop(self, name: str) -> Shop:
        """What is known of a shop, to add to it."""
        return touched(self.learned.shops, name, Shop.empty(), SHOPS_MAX)

    def ready_ms(self, shop: str, stated: bool, assumed_ms: int, now_ms: int, lon: float) -> int:
        """When an order that is placed now is ready. `assumed_ms` is what it `stated`, or what `prep_s` has for all."""
        learned, found = self.learned, self.learned.shops.get(shop)
        if not self.options.learn_times:
            return assumed_ms
        learned.lon = learned.lon or round(lon)
        errors = found.errors(stated) if found is not None else None
        node, band = learned.node.errors(stated), band_of(self.wall_ms)
        return max(now_ms, assumed_ms + round(kitchens.correction(errors, node, stated, band, self.day)) * 1000)

    def beyond_s(self, shop: str, lat: float, lon: float) -> int:
        """By how many seconds the handovers at one shop and one door take longer than in the rules."""
        found, ways, day = self.learned.shops.get(shop), self.learned.rides, self.day
        general = ways.shop_s(day)
        own = general if found is None else found.handover.towards(general, rides.SHOP_WEIGHT, day)
        return round(2 * (own - general) + ways.door_at(lat, lon, day) - ways.door_s(day))

    def interval(self, shop: str, stated: bool) -> Interval:
        """Seconds from a prediction."""
        found = self.learned.shops.get(shop)
        return self.learned.promises.interval(None if found is None else found.late, stated, self.day)

    def forget(self, shop: str) -> None:
        """Nothing is known of the shop any more."""
        self.learned.shops.pop(shop, None)
