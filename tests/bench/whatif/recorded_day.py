"""Days for tests of the what-if: small ones by hand, the small district, and its journal as a real core writes it."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from bench.demo.district.geometry import Geometry
from bench.demo.district.instance import read
from bench.rows import opened
from bench.whatif.day import Day, Order, Outcome, Place, Reply, Shift
from bench.whatif.simulation import Simulation
from edge.core.model import Answer, Commit, Configure, Effect, Input, Now, Observed, Rules
from edge.core.node import Node
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.up import RiderPosition
from edge.scenarios.dispatch.options import DispatchOptions

T0 = 1_790_000_000_000
SHOP: Place = (31.20, 121.40)
DOOR: Place = (31.21, 121.40)
SMALL = Path(__file__).parents[2] / "data" / "small-district"

# A straight metre is a metre, ten of them take a second, and handing over takes none: figures to check by hand.
RULES = DispatchOptions(speed_mps=10.0, detour_factor=1.0, pickup_service_s=0, dropoff_service_s=0)
RIDE_S = 112
"""From SHOP to DOOR: 0.01 degrees of latitude are 1,112 m."""


def order(number: int, at_s: int = 0, ready_s: int = 600, **changes: Any) -> Order:
    """An order at the shop, placed `at_s` after T0 and ready `ready_s` after that."""
    placed_ms = T0 + at_s * 1000
    ready_ms = placed_ms + ready_s * 1000
    made = Order(f"o-{number}", f"customer-{number}", "shop-1", SHOP, DOOR, placed_ms, ready_ms, ready_ms)
    return msgspec.structs.replace(made, **changes)


def shift(
    rider: str, from_s: int = 0, until_s: int | None = 20_000, start: Place = SHOP, capacity: int = 1, **limits: Any
) -> Shift:
    """A shift that ends when it was to end."""
    until_ms = None if until_s is None else T0 + until_s * 1000
    return Shift(rider, capacity, T0 + from_s * 1000, until_ms, until_ms, start, limits)


def day(orders: list[Order], shifts: list[Shift], **changes: Any) -> Day:
    """A day on which everybody accepts at once and every order was delivered the moment it was ready."""
    outcomes = {one.name: Outcome("delivered", one.ready_ms) for one in orders}
    made = Day(RULES, tuple(orders), tuple(shifts), {}, {}, outcomes, 1.0, 0, 0)
    return msgspec.structs.replace(made, **changes)


def simulate(what: Day, policy: str = "planned") -> dict[str, Outcome]:
    """What becomes of every order."""
    simulation = Simulation(what, policy)
    while not simulation.over:
        simulation.step()
    return simulation.outcomes


def door_s(what: Day, outcomes: dict[str, Outcome], number: int) -> float:
    """Click to door of a delivered order, seconds."""
    found = next(one for one in what.orders if one.name == f"o-{number}")
    assert outcomes[found.name].state == "delivered"
    return (outcomes[found.name].ended_ms - found.placed_ms) / 1000


def small_district() -> Day:
    """The 40 orders and 8 couriers of tests/data/small-district; some kitchens are late, some riders decline."""
    instance = read(SMALL)
    geometry = Geometry(*instance.middle())

    def place(x: float, y: float) -> Place:
        found = geometry.place(x, y)
        return found.lat, found.lon

    shops = {one.name: place(one.x, one.y) for one in instance.restaurants}
    orders: list[Order] = []
    for number, one in enumerate(instance.orders):
        placed_ms, expected_ms = T0 + one.placed * 60_000, T0 + one.ready * 60_000
        late_ms = 240_000 if number % 7 == 3 else 0
        made = Order(
            one.name,
            f"customer-{one.name}",
            f"shop-{one.restaurant}",
            shops[one.restaurant],
            place(one.x, one.y),
            placed_ms,
            expected_ms,
            expected_ms + late_ms,
            True,
            True,
            ((expected_ms - 60_000, expected_ms + late_ms),) if late_ms else (),
        )
        if number == 20:
            cancel = {"cancelled_ms": placed_ms + 60_000, "cancelled_by": made.client, "announced": False}
            made = msgspec.structs.replace(made, **cancel)
        orders.append(made)
    shifts = tuple(
        Shift(
            f"rider-{one.name}",
            1 + number % 3,
            T0 + one.on * 60_000,
            end := T0 + one.off * 60_000,
            end,
            place(one.x, one.y),
        )
        for number, one in enumerate(instance.couriers)
    )
    accept = Reply("accept", 8_000)
    replies = {one.rider: (accept,) for one in shifts} | {
        shifts[1].rider: (accept, Reply("decline", 5_000), accept),
        shifts[2].rider: (accept, accept, Reply("lapse", 0)),
    }
    rules = DispatchOptions(speed_mps=320 / 60, detour_factor=1.0)
    return Day(rules, tuple(orders), shifts, replies, {}, {}, 1.0, 0, 0)


class Recorded(Simulation):
    """The simulation with a whole node; `rows` are the rows that the node writes into its journal."""

    def __init__(self, what: Day) -> None:
        super().__init__(what, "planned")
        self.node = Node([Dispatch])
        self.rows: list[bytes] = []
        self._dispatch: Any = self
        rules = Rules(node="n-1", scenarios={"dispatch": msgspec.Raw(msgspec.msgpack.encode(what.rules))})
        self._take(self.node.handle([Configure(rules)], self._now()))

    def observe(self, client: str, message: Any, now: Now) -> None:
        self._take(self.node.handle([Observed(client, message)], now))

    def next_deadline(self) -> float | None:
        return self.node.next_deadline()

    def _round(self) -> None:
        inbox, self._inbox, self._round_ms = self._inbox, [], self._now_ms
        batch: list[Input] = []
        for event, _ in inbox:
            batch.append(event)
            place = self._couriers[event.client].place() if event.client in self._couriers else None
            if place is not None:
                batch.append(Observed(event.client, RiderPosition(points=[(self._now_ms, *place)])))
        thens = {event.body.id: then for event, then in inbox if then is not None}
        self._take(self.node.handle(batch, self._now()), thens)

    def _take(self, effects: list[Effect], thens: dict[str, Any] | None = None) -> None:
        for effect in effects:
            if isinstance(effect, Commit):
                self.rows.append(effect.row)
            if not isinstance(effect, Answer):
                continue
            body = opened(effect.kind, effect.payload)
            if effect.kind == "receipt":
                if body.promise is not None:
                    self.outcomes[body.order] = Outcome(promised_ms=body.promise.dropoff_at)
                if thens and body.id in thens:
                    thens[body.id](body.reason)
            elif effect.kind == "update":
                if body.state in ("delivered", "cancelled", "undeliverable"):
                    self._end(body.order, body.state)
            elif effect.kind == "assignment" and effect.client in self._couriers:
                self._couriers[effect.client].touch(body)


@cache
def recorded() -> tuple[list[bytes], dict[str, Outcome]]:
    """The small district's journal, and the outcomes of its orders."""
    simulation = Recorded(small_district())
    while not simulation.over:
        simulation.step()
    return simulation.rows, simulation.outcomes
