"""Accepted orders that go to another rider: one who is free now and would be at the door far sooner.

Their riders are held up elsewhere, with another order, a customer who does not come down, a slow kitchen. Who is nearly
at the shop keeps what it came for, and so does whoever was chosen by a person.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from ..lifecycle import ACCEPTED, IN_BAG
from ..options import DispatchOptions
from ..records import Decision
from ..state.orders import Order, Orders
from ..state.riders import Riders
from ..state.sensor import Sensor
from .candidates import CANDIDATES_MAX, CANDIDATES_RECORDED, costs, why_moved

NEAR_MS: Final = 180_000
"""A rider who will be at the shop this soon keeps the order."""

LOOKED_AT: Final = 64
"""Busy riders looked at in a round, as many in any district: those who will be free last."""

MOVES_MAX: Final = 4
"""Of these, orders that are held up and for which riders near are looked at in one round; the next is soon."""


def moves(
    orders: Orders,
    riders: Riders,
    rules: DispatchOptions,
    now_ms: int,
    behind_ms: int,
    sensor: Sensor,
    decided: Sequence[Decision],
    rule: str,
) -> list[Decision]:
    """Accepted orders with their new riders. Riders that waiting orders get, or are planned for, take nothing else."""
    taken = {order.plan for order in orders.waiting.values()} | {decision.rider for decision in decided}
    found: list[Decision] = []
    held_up = (each for each in _movable(orders, riders) if _is_held_up(*each, rules, now_ms))
    for order, door_ms in islice(held_up, MOVES_MAX):
        seen = sensor.nearest(order.id, order.pickup_lat, order.pickup_lon, CANDIDATES_MAX, now_ms, riders.fits(order))
        could = costs(order, seen, (), orders, riders, rules, now_ms)
        row = [one for one in could if one.offer and one.rider not in taken]
        if not row:
            continue
        gain_s = (order.dropoff_ms + _late_ms(door_ms, now_ms) - row[0].dropoff_ms) // 1000
        if gain_s > rules.reassign_gain_s:
            taken.add(row[0].rider)
            known = [one.candidate(behind_ms) for one in row[:CANDIDATES_RECORDED]]
            why = why_moved(row[0], order.rider, gain_s, now_ms)
            found.append(Decision(order.id, row[0].rider, True, rule, why, known))
    return found


def held_up_from_ms(orders: Orders, riders: Riders, rules: DispatchOptions, now_ms: int) -> int | None:
    """When an order is held up, at the earliest, if nothing happens until then; None: at no time. Time alone does it
    where food is in a bag that should be at its door, and what comes after it is not ready yet."""
    found: int | None = None
    for order, door_ms in _movable(orders, riders):
        if _is_held_up(order, door_ms, rules, now_ms):
            return now_ms
        if door_ms is None or order.ready_ms <= now_ms:
            continue
        from_ms = order.ready_ms + rules.reassign_gain_s * 1000 - (order.pickup_ms - door_ms)
        if now_ms <= from_ms < order.ready_ms and (found is None or from_ms < found):
            found = from_ms
    return found


def _movable(orders: Orders, riders: Riders) -> Iterator[tuple[Order, int | None]]:
    """Accepted orders about which no person has decided, and when their rider is to be at the door of what it has in
    its bag; None where that is empty."""
    for rider in riders.free_last(LOOKED_AT):
        held = [orders.open[name] for name in rider.orders]
        door_ms = held[0].dropoff_ms if held and held[0].state in IN_BAG else None
        for order in held:
            if order.state is ACCEPTED and order.override is None:
                yield order, door_ms


def _late_ms(door_ms: int | None, now_ms: int) -> int:
    """A rider who should have been at a door before now will be at the shop later by that, too."""
    return 0 if door_ms is None else max(0, now_ms - door_ms)


def _is_held_up(order: Order, door_ms: int | None, rules: DispatchOptions, now_ms: int) -> bool:
    """Whether it would gain enough if somebody were at the shop now."""
    late_ms = _late_ms(door_ms, now_ms)
    if order.arrive_ms + late_ms - now_ms <= NEAR_MS:
        return False
    return order.pickup_ms + late_ms - max(order.ready_ms, now_ms) > rules.reassign_gain_s * 1000
