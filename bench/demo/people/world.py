"""What is true in the district whether or not the node knows it: the meals, the ways, the hours.

Customers, riders and kitchens talk to each other only here, face to face: a rider sees that a meal is ready, a kitchen
hands it to whoever comes first. Everything else they know comes over MQTT.
"""

import random
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from edge.messages.envelope import Place

from ...courier import Action
from ..district.geometry import Geometry
from ..district.instance import Instance, Order
from ..proof.records import OrderRecord, Records
from .clients import Fleet
from .scheduler import Scheduler

MINUTE_MS: Final = 60_000
CONNECT_AHEAD_REAL_S: Final = 1.0
"""People open their app this long before they do something, in real seconds: a handshake is no simulated thing."""


class Habits(Struct, frozen=True, kw_only=True):
    """How often people do the unwelcome, as probabilities from 0 to 1."""

    decline: float = 0.03
    silent: float = 0.01
    cancel: float = 0.01
    fail: float = 0.02
    redeliver: float = 0.4
    delay: float = 0.05
    mute: float = 0.25
    """Kitchens that state no preparation time and call nothing ready."""
    override: float = 0.5
    """Looks of the dispatcher at the orders after which it does something."""
    slow: float = 0.3
    """Not a probability: by how much rides take longer than configured while it rains."""
    varied: float = 0.2
    """Orders with a load, with a priority, or with a time in the bag; riders on a bicycle, with a limit to what they
    carry, or with a break."""
    repeat: float = 0.02


class World:
    """One day of one instance: where things are, what time it is, who waits for which meal."""

    def __init__(
        self, instance: Instance, scheduler: Scheduler, fleet: Fleet, records: Records, seed: int, habits: Habits
    ) -> None:
        self.instance = instance
        self.scheduler = scheduler
        self.fleet = fleet
        self.records = records
        self.day_ms = 0
        """Minute 0 of the instance, wall ms. Set when everything is ready, before anybody plans."""
        self.seed = seed
        self.habits = habits
        self.geometry = Geometry(*instance.middle())
        placed = sorted(order.placed for order in instance.orders)
        self._rain = (placed[len(placed) // 3], placed[2 * len(placed) // 3]) if placed else (0, 0)
        """From minute to minute: while the second third of the orders are placed."""
        self.mute = {
            restaurant.name
            for restaurant in instance.restaurants
            if self.draw(f"mute {restaurant.name}").random() < habits.mute
        }
        """Restaurants whose kitchens report nothing."""
        records.counts["mute_kitchens"] = len(self.mute)
        self.shops = {restaurant.name: restaurant for restaurant in instance.restaurants}
        self.closed = False
        self._ready: dict[str, int] = {}
        self._waiting: dict[str, list[Callable[[int], object]]] = {}

    def now_ms(self) -> int:
        """The simulated wall clock."""
        return self.scheduler.now_ms()

    def at(self, wall_ms: int, action: Action) -> None:
        """Do `action` at `wall_ms`, unless the day is over by then."""
        self.scheduler.at(wall_ms, lambda due_ms: None if self.closed else action(due_ms))

    def ms(self, minute: float) -> int:
        """A minute of the instance's day as wall milliseconds."""
        return self.day_ms + round(minute * MINUTE_MS)

    def draw(self, who: str) -> random.Random:
        """Somebody's own dice: the same for the same seed, whatever the others do."""
        return random.Random(f"{self.seed} {who}")

    def pace(self) -> float:
        """How many times as long as configured a ride takes that begins now."""
        begin, end = (self.ms(minute) for minute in self._rain)
        return 1 + self.habits.slow if begin <= self.now_ms() < end else 1.0

    def ahead(self, wall_ms: int) -> int:
        """When to connect in order to act at `wall_ms`."""
        return wall_ms - round(CONNECT_AHEAD_REAL_S * self.scheduler.clock.speed * 1000)

    def pickup(self, order: Order) -> Place:
        """Where the order's meal is made, degrees."""
        shop = self.shops[order.restaurant]
        return self.geometry.place(shop.x, shop.y)

    def record(self, order: Order) -> OrderRecord:
        """The entry for an order, made at first sight."""
        known = self.records.orders.get(order.name)
        if known is None:
            known = self.records.orders[order.name] = OrderRecord(self.ms(order.placed))
        return known

    def meal_ready(self, order: str, wall_ms: int) -> None:
        """The meal stands on the counter: those who wait for it see it."""
        self._ready[order] = wall_ms
        for see in self._waiting.pop(order, []):
            see(wall_ms)

    def await_meal(self, order: str, see: Callable[[int], object]) -> None:
        """Stand at the counter: `see` is called with the wall ms at which the meal was ready, at once where it is."""
        if order in self._ready:
            see(self._ready[order])
        else:
            self._waiting.setdefault(order, []).append(see)
