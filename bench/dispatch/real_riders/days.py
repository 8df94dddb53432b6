"""Days for a node that remembers: published ones, whole or dealt to two, so that the second has the same shops and
other orders, with people and kitchens as they are."""

import random
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.travel.ride_times import METRES_PER_DEG

from ...demo.district.instance import Instance
from ...demo.district.instance import Order as Published
from ...whatif.day import Day, Order, Place, Shift
from . import people

ZERO_MS: Final = 1_767_225_600_000
"""The wall clock at minute 0 of the first day."""

DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000
CAPACITY: Final = 3
"""Orders that a rider carries."""


class Conditions(Struct, frozen=True):
    """What is otherwise than the node is configured for, or gets word of. Rides and handovers take `pace` times as
    long. Orders are `stated` with their time, or with none. The kitchen calls the share `announced` of them ready.
    Every second shop is `early_s` late for what it states. In `queues` orders wait for a cook."""

    pace: float = 1.0
    stated: bool = True
    announced: float = 0.0
    early_s: int = 0
    queues: bool = False


def halves(instance: Instance, seed: int) -> tuple[list[Published], list[Published]]:
    """The orders of a day, dealt to two days by lot."""
    lots = random.Random(seed)
    parts: tuple[list[Published], list[Published]] = ([], [])
    for order in instance.orders:
        parts[lots.random() < 0.5].append(order)
    return parts


def day_of(instance: Instance, orders: Sequence[Published], number: int, conditions: Conditions, seed: int) -> Day:
    """These orders as day `number` of a node that is configured for the instance: its speed, its service times. Where
    they are not all of its orders, seven of ten riders work."""
    lots = random.Random(seed + number)
    zero_ms = ZERO_MS + number * DAY_MS
    parameters = instance.parameters
    rules = DispatchOptions(
        speed_mps=parameters.metres_per_minute / 60,
        detour_factor=1.0,
        pickup_service_s=parameters.pickup_service * 60,
        dropoff_service_s=parameters.dropoff_service * 60,
        radius_m_max=500_000,
        orders_per_customer_max=10_000,
        orders_per_shop_max=10_000,
    )
    shops = {shop.name: _place(shop.x, shop.y) for shop in instance.restaurants}
    late = {shop.name: conditions.early_s * 1000 * (place % 2) for place, shop in enumerate(instance.restaurants)}
    ready = _ready(orders, seed + number) if conditions.queues else {order.name: float(order.ready) for order in orders}
    made = tuple(
        Order(
            f"d{number}-{order.name}",
            "app",
            order.restaurant,
            shops[order.restaurant],
            _place(order.x, order.y),
            zero_ms + order.placed * MINUTE_MS,
            zero_ms + order.ready * MINUTE_MS - late[order.restaurant] if conditions.stated else 0,
            zero_ms + round(max(ready[order.name], order.placed) * MINUTE_MS),
            announced=lots.random() < conditions.announced,
        )
        for order in orders
    )
    part = len(orders) < len(instance.orders)
    shifts = tuple(
        Shift(
            each.name,
            CAPACITY,
            zero_ms + each.on * MINUTE_MS,
            zero_ms + each.off * MINUTE_MS,
            zero_ms + each.off * MINUTE_MS,
            _place(each.x, each.y),
        )
        for place, each in enumerate(instance.couriers)
        if each.off > each.on and (place % 10 < 7 or not part)
    )
    riders = [shift.rider for shift in shifts]
    return Day(
        rules,
        made,
        shifts,
        {rider: people.replies(rider, seed + number) for rider in riders},
        {},
        {},
        conditions.pace,
        0,
        0,
        people.POSITION_S,
        False,
        {rider: people.errors(rider, seed + number) for rider in riders},
    )


def _ready(orders: Sequence[Published], seed: int) -> dict[str, float]:
    shops: dict[str, list[Published]] = {}
    for order in orders:
        shops.setdefault(order.restaurant, []).append(order)
    return {name: minute for of_shop in shops.values() for name, minute in people.cooked(of_shop, seed).items()}


def _place(x: float, y: float) -> Place:
    return 1.0 + y / METRES_PER_DEG, 1.0 + x / METRES_PER_DEG
