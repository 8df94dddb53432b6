"""Days small enough to know by heart, and policies that do what a test wants."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import strategies as st
from msgspec.structs import astuple

from bench.demo.district.instance import HEADERS, Courier, Instance, Order, Parameters, Restaurant
from bench.dispatch.policies.policy import (
    Assign,
    Change,
    Day,
    Decision,
    Declined,
    Free,
    GaveUp,
    News,
    PickedUp,
    Placed,
    Reposition,
    Wake,
)
from bench.dispatch.promises import PromiseOutcome
from bench.dispatch.report import DecideMs, Result
from bench.dispatch.simulator.refusals import Refused
from bench.dispatch.simulator.scorer import Score

NOT_ASKED = Refused()
SMALL = Path(__file__).parents[2] / "data" / "small-district"
REAL = Path(__file__).parents[4] / "shared" / "data" / "mdrplib"

# 320 metres a minute: o1 and o2 are 10 and 5 minutes from r1, o3 is 5 from r2; c1 starts 2 from r1, c2 in it.
TOWN = Instance(
    "town",
    [
        Order("o1", 3_200, 0, 10, "r1", 20),
        Order("o2", 1_600, 0, 12, "r1", 22),
        Order("o3", 0, 4_800, 15, "r2", 30),
    ],
    [Courier("c1", 0, 640, 0, 120), Courier("c2", 0, 0, 5, 60)],
    [Restaurant("r1", 0, 0), Restaurant("r2", 0, 3_200)],
    Parameters(),
)

ALONE = Instance("alone", TOWN.orders[:1], TOWN.couriers[:1], TOWN.restaurants, Parameters())
"""One order, one courier: prepared in 10 minutes, driven in 10, two halves of a service: 24 at best."""


def scored(ctd: float | None, undelivered_pct: float = 0.0) -> Score:
    """A score with two values that matter."""
    return Score(undelivered_pct, ctd, 40.0, 1.0, 1.0, 2.0, 0.5, 11.0, 1.1, 0, 0, ctd or 120.0, 29.0, 2.0)


def result(
    name: str,
    ctd: float | None = 30.0,
    undelivered_pct: float = 0.0,
    promises: list[PromiseOutcome] | None = None,
    refused: Refused = NOT_ASKED,
) -> Result:
    """A result of a day."""
    return Result(name, scored(ctd, undelivered_pct), DecideMs(1, 2, 3), 1.0, promises, refused)


def write(instance: Instance, folder: Path) -> None:
    """The instance as files in `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = (instance.orders, instance.couriers, instance.restaurants, [instance.parameters])
    for (name, header), rows in zip(HEADERS.items(), groups, strict=True):
        lines = ["\t".join(header), *("\t".join(map(str, astuple(row))) for row in rows)]
        (folder / name).write_text("\n".join(lines) + "\n")


class Script:
    """Decides what was written down for each minute, whatever the news; keeps the news."""

    def __init__(self, day: Day, lines: Mapping[int, Sequence[Decision]]) -> None:
        self.day = day
        self.lines = dict(lines)
        self.news_log: list[tuple[int, News]] = []
        self.started = False

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """The line for this minute, once; at the first call also all the waking."""
        self.news_log += [(now, item) for item in news]
        wakes = [] if self.started else [Wake(at) for at in self.lines if at > now]
        self.started = True
        return [*wakes, *self.lines.pop(now, [])]


class Restless:
    """Does at random whatever the rules allow: repositions, bundles, changes and exchanges of orders."""

    def __init__(self, day: Day, seed: int) -> None:
        self.day = day
        self.random = random.Random(seed)
        self.open: dict[str, str] = {}  # order -> restaurant
        self.free: dict[str, tuple[int, int]] = {}
        self.bundles: dict[str, tuple[str, list[str], int]] = {}  # courier -> restaurant, orders, arrival
        self.ready: dict[str, int] = {}
        self.sent: set[str] = set()
        self.declined: dict[str, int] = {}  # courier -> when, so that nobody is asked twice in one minute

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """Some of what is possible."""
        for item in news:
            if isinstance(item, Placed):
                self.open[item.order.name] = item.order.restaurant
                self.ready[item.order.name] = item.order.ready
            elif isinstance(item, Free):
                self.free[item.courier] = item.place
            elif isinstance(item, PickedUp):
                del self.bundles[item.courier]
            elif isinstance(item, GaveUp | Declined):
                restaurant = self.bundles.pop(item.courier)[0]
                self.open.update(dict.fromkeys(item.orders, restaurant))
            if isinstance(item, Declined):
                self.declined[item.courier] = now
        decisions: list[Decision] = []
        for courier in sorted(self.free):
            if (
                self.declined.get(courier) != now
                and self.day.couriers[courier].off >= now
                and self.random.random() < 0.7
            ):
                decisions += self._use(now, courier)
        if self.bundles and self.random.random() < 0.5:
            decisions += self._change()
        if self.open:
            decisions.append(Wake(now + self.random.randint(1, 5)))
        return decisions

    def _use(self, now: int, courier: str) -> list[Decision]:
        place, shift = self.free[courier], self.day.couriers[courier]
        if now == shift.on and courier not in self.sent and self.random.random() < 0.5:
            self.sent.add(courier)
            del self.free[courier]
            return [Reposition(courier, self.random.choice(sorted(self.day.restaurants)))]
        if not self.open:
            return []
        restaurant = self.open[self.random.choice(sorted(self.open))]
        orders = [name for name in self.open if self.open[name] == restaurant][: self.random.randint(1, 3)]
        arrives = now + self.day.travel(place, self.day.site(restaurant))
        if self._pickup(orders, arrives) > shift.off:
            return []
        self.sent.add(courier)
        del self.free[courier]
        for name in orders:
            del self.open[name]
        self.bundles[courier] = restaurant, orders, arrives
        return [Assign(courier, tuple(orders))]

    def _pickup(self, orders: Sequence[str], arrives: int) -> int:
        return max([arrives + self.day.before_pickup, *(self.ready[name] for name in orders)])

    def _change(self) -> list[Decision]:
        """Everything that the couriers of one restaurant have, and what is open there, shuffled among them."""
        restaurant = self.random.choice(sorted(self.bundles.values()))[0]
        couriers = [name for name in sorted(self.bundles) if self.bundles[name][0] == restaurant]
        pool = [order for name in couriers for order in self.bundles[name][1]]
        pool += [name for name in self.open if self.open[name] == restaurant]
        self.random.shuffle(pool)
        sets = {name: [pool[index]] for index, name in enumerate(couriers)}
        for order in pool[len(couriers) :]:
            chosen = self.random.choice([*couriers, ""])
            if chosen:
                sets[chosen].append(order)
        for name in couriers:
            if self._pickup(sets[name], self.bundles[name][2]) > self.day.couriers[name].off:
                return []
        for order in pool:
            self.open[order] = restaurant
        for name in couriers:
            for order in sets[name]:
                del self.open[order]
            self.bundles[name] = restaurant, sets[name], self.bundles[name][2]
        return [Change(tuple((name, tuple(sets[name])) for name in couriers))]


metres = st.integers(-6_000, 6_000)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Small days of all shapes, scarce ones among them."""
    shops = [Restaurant(f"r{n}", draw(metres), draw(metres)) for n in range(draw(st.integers(1, 3)))]
    orders: list[Order] = []
    for n in range(draw(st.integers(1, 12))):
        placed = draw(st.integers(0, 90))
        shop = draw(st.sampled_from(shops)).name
        orders.append(Order(f"o{n}", draw(metres), draw(metres), placed, shop, placed + draw(st.integers(0, 40))))
    couriers: list[Courier] = []
    for n in range(draw(st.integers(1, 4))):
        on = draw(st.integers(0, 60))
        couriers.append(Courier(f"c{n}", draw(metres), draw(metres), on, on + draw(st.integers(1, 120))))
    parameters = Parameters(pickup_service=draw(st.integers(0, 5)), dropoff_service=draw(st.integers(0, 5)))
    return Instance("any", orders, couriers, shops, parameters)
