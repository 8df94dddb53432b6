"""Days for a node that remembers: real ones cut into two, so that the second has the same shops and other orders."""

import random
from typing import Final

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.state.travel import METRES_PER_DEG

from ..demo.district.instance import Instance
from ..demo.district.instance import Order as Published
from ..whatif.day import Day, Order, Shift

ZERO_MS: Final = 1_767_225_600_000
"""The wall clock at minute 0 of the first day."""

DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000


def halves(instance: Instance, seed: int) -> tuple[list[Published], list[Published]]:
    """The orders of a day, dealt to two days by lot."""
    lots = random.Random(seed)
    parts: tuple[list[Published], list[Published]] = ([], [])
    for order in instance.orders:
        parts[lots.random() < 0.5].append(order)
    return parts


def day_of(
    instance: Instance,
    orders: list[Published],
    number: int,
    stated: bool,
    pace: float,
    seed: int,
    announced: float = 0.0,
) -> Day:
    """These orders as day `number` of a node that is configured for the instance: its speed, its service times. Rides
    and handovers take `pace` times as long. Seven of ten riders work, since half of the orders come. `announced` is
    the share of orders that the kitchen calls ready."""
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
    made = tuple(
        Order(
            f"d{number}-{order.name}",
            "app",
            order.restaurant,
            shops[order.restaurant],
            _place(order.x, order.y),
            zero_ms + order.placed * MINUTE_MS,
            zero_ms + order.ready * MINUTE_MS if stated else 0,
            zero_ms + max(order.ready, order.placed) * MINUTE_MS,
            announced=lots.random() < announced,
        )
        for order in orders
    )
    shifts = tuple(
        Shift(
            each.name,
            3,
            zero_ms + each.on * MINUTE_MS,
            zero_ms + each.off * MINUTE_MS,
            zero_ms + each.off * MINUTE_MS,
            _place(each.x, each.y),
        )
        for place, each in enumerate(instance.couriers)
        if each.off > each.on and place % 10 < 7
    )
    return Day(rules, made, shifts, {}, {}, {}, pace, 0, 0)


def _place(x: float, y: float) -> tuple[float, float]:
    return 1.0 + y / METRES_PER_DEG, 1.0 + x / METRES_PER_DEG
