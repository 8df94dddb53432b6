"""What the node has learned about time, as a round uses it.

`begin` sets the rules of a round: the configured ones with rides and handovers as they were learned. So whoever works
out a ride or a stop needs to know nothing of learning.
"""

from typing import Final

from msgspec import structs

from ..options import DispatchOptions
from ..travel.ride_times import RulesWithTable, slower, with_table
from .learned import HANDOVER_WEIGHT, Interval, Learned, Mean, Rides, band_of, correction

PACE_STEPS: Final = 50
"""A pace is used in steps of 2 %, so that not every ride of a round changes all others."""

DAY_MS: Final = 86_400_000
SLOT_MS: Final = DAY_MS // 360
"""What the sun needs for one degree. Hours and days, which begin by the sun over a whole degree, begin with a slot."""

_RIDES: Final = ("speed_mps", "detour_factor", "pickup_service_s", "dropoff_service_s")
"""Options against which rides and handovers are learned."""


class Times:
    """What was learned, and the round's clock. Does nothing where the options switch learning off."""

    def __init__(self, options: DispatchOptions) -> None:
        self.learned = Learned()
        self.wall_ms = 0
        self.options = self.rules = with_table(options)
        """As configured, and as they hold in the round."""
        self._slot: int | None = None
        """The slot in which `rules` hold, None where they are to be worked out anew."""
        self._used: tuple[DispatchOptions, float, int, int] | None = None

    def configure(self, options: DispatchOptions) -> None:
        """Other options, from the next round on."""
        self.options, self._slot = with_table(options), None

    def restore(self, learned: Learned) -> None:
        """From a snapshot."""
        self.learned, self._slot = learned, None

    def rides_changed(self) -> None:
        """Rides or handovers were learned: the next round has other rules."""
        self._slot = None

    def begin(self, wall_ms: int) -> DispatchOptions:
        """A round begins: the rules that hold in it."""
        self.wall_ms = wall_ms
        slot = wall_ms // SLOT_MS
        if slot != self._slot:
            self._slot = slot
            self._renew()
        return self.rules

    def _renew(self) -> None:
        options, learned = self.options, self.learned
        if not options.learn_times:
            self.rules = options
            return
        learned.turn((self.wall_ms + learned.lon * SLOT_MS) // DAY_MS)
        self._compare(options)
        found = learned.rides
        pace = max(1, round(found.pace_at(self.wall_ms) * PACE_STEPS)) / PACE_STEPS
        shop_s, door_s = round(2 * found.shop_s()), round(2 * found.door_s())
        used = options, pace, shop_s, door_s
        if used != self._used:
            self._used = used
            self.rules = structs.replace(
                slower(options, pace),
                pickup_service_s=max(0, options.pickup_service_s + shop_s),
                dropoff_service_s=max(0, options.dropoff_service_s + door_s),
            )

    def _compare(self, options: DispatchOptions) -> None:
        """Rides and handovers are learned against the options: where those change, they begin anew."""
        against = [float(getattr(options, name)) for name in _RIDES]
        if isinstance(options, RulesWithTable):
            against.append(float(int(options.table.digest[:12], 16)))
        if against != self.learned.against:
            self.learned.against = against
            self.learned.rides = Rides()
            for shop in self.learned.shops.values():
                shop.handover = Mean()

    def ready_ms(self, shop: str, stated: bool, assumed_ms: int, now_ms: int, lon: float) -> int:
        """When an order that is placed now is ready. `assumed_ms` is what it `stated`, or what `prep_s` has for all."""
        if not self.options.learn_times:
            return assumed_ms
        learned = self.learned
        if not learned.lon and round(lon):
            learned.lon, self._slot = round(lon), None
        found = learned.shops.get(shop)
        errors = found.errors(stated) if found is not None else None
        later_s = correction(errors, learned.node.errors(stated), stated, band_of(self.wall_ms))
        return max(now_ms, assumed_ms + round(later_s) * 1000)

    def beyond_s(self, shop: str, lat: float, lon: float) -> int:
        """By how many seconds the handovers at one shop and one door take longer than in the rules."""
        found, rides = self.learned.shops.get(shop), self.learned.rides
        beyond_s = rides.beyond_door_s(lat, lon)
        if found is not None and found.handover.n:
            general = rides.shop_s()
            beyond_s += 2 * (found.handover.towards(general, HANDOVER_WEIGHT) - general)
        return round(beyond_s)

    def interval(self, shop: str, stated: bool, scarce: float) -> Interval:
        """Seconds from a prediction that is made where riders are so `scarce`."""
        found = self.learned.shops.get(shop)
        return self.learned.promises.interval(None if found is None else found.late, stated, scarce)

    def forget(self, shop: str) -> None:
        """Nothing is known of the shop any more."""
        self.learned.shops.pop(shop, None)
