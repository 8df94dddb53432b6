"""A district made up from a seed, shaped like the published statistics of real days.

What it copies of them (Reyes et al. 2018, and the public instances): 250 to 500 orders for 55 to 110 restaurants, of
which a few are famous; a small peak at lunch and a large one at dinner; preparation of 17 minutes on average with a
long tail; drop-offs around 2.2 km away, none beyond 5; couriers in shifts of three hours, most of them where the peaks
are, about one for each 4.3 orders. No line of the public files is in it.
"""

import math
from typing import Final

import numpy as np

from .instance import Courier, Instance, Order, Restaurant

DAY_MINUTES: Final = 720
"""From the first order to the last: 11:00 to 23:00. It opens into lunch, so that there is something to see at once."""

LUNCH: Final = (0.30, 0.11, 0.075)
DINNER: Final = (0.57, 0.70, 0.090)
"""Peaks of the day: share of all orders, middle and standard deviation as shares of the day; the rest comes evenly."""

PREPARATION: Final = (3.4, 5.0)
"""Gamma distribution of the minutes from placing to ready: shape and scale, mean 17, standard deviation 9."""

DROPOFF: Final = (1.6, 1.8, 4_700)
"""Beta distribution of the metres from shop to drop-off: its two shapes and the largest."""

SHIFTS: Final = ((60, 90, 120, 180, 240), (0.10, 0.12, 0.13, 0.55, 0.10))
"""Minutes of a shift, and how often each occurs."""

ORDERS_PER_COURIER: Final = 4.3
RESTAURANT_FAME: Final = 0.85
"""Exponent of the Zipf law by which orders choose their restaurant: the first takes about a tenth of all."""


SMALL_ORDERS: Final = (30, 46)
SMALL_SHOPS: Final = 5
SMALL_ORDERS_PER_COURIER: Final = 3.0
"""A corner of a district, for several nodes on one machine. More riders than usual, so that no order waits for long."""


def small(seed: int, minutes: int) -> Instance:
    """A corner of a district whose day has so many minutes."""
    draw = np.random.default_rng((seed, minutes))
    count = int(draw.integers(*SMALL_ORDERS))
    shops = _restaurants(draw, SMALL_SHOPS)
    placed = sorted(int(minute) for minute in draw.uniform(0, minutes, size=count))
    orders = _orders(draw, placed, shops)
    homes = [shops[number % len(shops)] for number in range(math.ceil(count / SMALL_ORDERS_PER_COURIER))]
    couriers = [Courier(f"c{number}", shop.x, shop.y, 0, minutes + 90) for number, shop in enumerate(homes, start=1)]
    return Instance(f"corner-{seed}", orders, couriers, shops)


def generate(seed: int) -> Instance:
    """The district of a seed: the same seed, the same district, on every machine."""
    draw = np.random.default_rng(seed)
    count = int(draw.integers(250, 501))
    shops = _restaurants(draw, int(np.clip(round(count * draw.uniform(0.20, 0.36)), 55, 110)))
    courier_count = int(np.clip(round(count / ORDERS_PER_COURIER), 60, 110))
    placed = _times(draw, count)
    orders = _orders(draw, placed, shops)
    return Instance(f"seed-{seed}", orders, _couriers(draw, courier_count, placed, shops), shops)


def _restaurants(draw: np.random.Generator, count: int) -> list[Restaurant]:
    """Restaurants around a handful of centres, more around the first ones."""
    centres = draw.normal((6_000, 5_500), (1_700, 1_400), size=(max(count // 12, 2), 2))
    chosen = draw.integers(0, len(centres), size=count)
    points = centres[chosen] + draw.normal(0, 900, size=(count, 2))
    points = np.clip(np.rint(points), 500, 12_000).astype(int)
    return [Restaurant(f"r{number}", int(x), int(y)) for number, (x, y) in enumerate(points, start=1)]


def _times(draw: np.random.Generator, count: int) -> list[int]:
    """Placement times, in sequence."""
    part = draw.uniform(size=count)
    even = draw.uniform(0.01, 0.99, size=count)
    lunch = draw.normal(LUNCH[1], LUNCH[2], size=count)
    dinner = draw.normal(DINNER[1], DINNER[2], size=count)
    share = np.where(part < LUNCH[0], lunch, np.where(part < LUNCH[0] + DINNER[0], dinner, even))
    return sorted(int(minute) for minute in np.rint(np.clip(share, 0.005, 0.99) * DAY_MINUTES))


def _orders(draw: np.random.Generator, placed: list[int], shops: list[Restaurant]) -> list[Order]:
    fame = 1 / np.arange(1, len(shops) + 1) ** RESTAURANT_FAME
    chosen = draw.choice(len(shops), size=len(placed), p=fame / fame.sum())
    shape, scale = PREPARATION
    preparation = np.clip(np.rint(draw.gamma(shape, scale, size=len(placed))), 2, 60).astype(int)
    low, high, farthest = DROPOFF
    metres = draw.beta(low, high, size=len(placed)) * farthest
    angle = draw.uniform(0, 2 * math.pi, size=len(placed))
    orders: list[Order] = []
    for number, minute in enumerate(placed):
        shop = shops[int(chosen[number])]
        x = round(shop.x + float(metres[number]) * math.cos(float(angle[number])))
        y = round(shop.y + float(metres[number]) * math.sin(float(angle[number])))
        orders.append(Order(f"o{number + 1}", x, y, minute, shop.name, minute + int(preparation[number])))
    return orders


def _couriers(draw: np.random.Generator, count: int, placed: list[int], shops: list[Restaurant]) -> list[Courier]:
    """Shifts follow demand, and a first few cover the whole day, so that no hour is without anybody."""
    lengths, weights = SHIFTS
    spans: list[tuple[int, int]] = []
    step, end = 180, DAY_MINUTES + 30
    for start in range(0, DAY_MINUTES, step):
        spans.append((start, min(start + step + 30, end)))
    while len(spans) < count:
        length = int(draw.choice(lengths, p=weights))
        # Around the time an order becomes ready rather than placed, and never past the end of the day.
        around = placed[int(draw.integers(0, len(placed)))] + 10
        start = round((around - draw.uniform(0.1, 0.9) * length) / 5) * 5
        start = max(min(start, end - length), 0)
        spans.append((start, start + length))
    spans.sort()
    couriers: list[Courier] = []
    for number, (on, off) in enumerate(spans, start=1):
        shop = shops[int(draw.integers(0, len(shops)))]
        x, y = draw.normal((shop.x, shop.y), 1_200)
        couriers.append(Courier(f"c{number}", round(float(x)), round(float(y)), on, off))
    return couriers
