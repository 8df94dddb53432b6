"""Bundles as the published rolling-horizon method builds them: parallel insertion, one restaurant at a time.

Source: Reyes, Erera, Savelsbergh, Sahasrabudhe, O'Neil: The Meal Delivery Routing Problem, 2018, its bundle generation
procedure.
"""

from collections.abc import Sequence
from typing import Final

from .policy import Day, Known

BETA: Final = 1.0
"""What a minute that food waits, or rides, longer than alone costs against a minute of the courier's travel."""


def build(
    day: Day, restaurant: str, fixed: Sequence[list[Known]], loose: Sequence[Known], size: int
) -> list[list[Known]]:
    """Routes for the orders of one restaurant, empty ones left out; the first ones are those of `fixed`.

    `fixed`: bundles of couriers on their way here, which may gain orders but lose none. `loose`: the other orders.
    `size`: how many orders a bundle should have now. There are at least as many routes as that makes necessary. An
    order goes where it costs least, earliest ready first; into a full route only if the route's time for each order
    falls. Then each loose order is taken out once more and put where it is best.
    """
    count = max(len(fixed), -(-(len(loose) + sum(map(len, fixed))) // size))
    routes = [list(route) for route in fixed] + [[] for _ in range(count - len(fixed))]
    queue = sorted(loose, key=lambda order: (order.ready, order.placed, order.name))
    for order in queue:
        _insert(day, restaurant, routes, order, size)
    for order in queue:
        next(route for route in routes if order in route).remove(order)
        _insert(day, restaurant, routes, order, size)
    return [route for route in routes if route]


def _insert(day: Day, restaurant: str, routes: list[list[Known]], order: Known, size: int) -> None:
    best: tuple[float, int, int] | None = None
    for index, route in enumerate(routes):
        before, spent = cost(day, restaurant, route), timing(day, restaurant, route)[1]
        for position in range(len(route) + 1):
            longer = [*route[:position], order, *route[position:]]
            if len(route) >= size and timing(day, restaurant, longer)[1] * len(route) >= spent * len(longer):
                continue
            more = cost(day, restaurant, longer) - before
            if best is None or more < best[0]:
                best = more, index, position
    if best is None:
        routes.append([order])
    else:
        routes[best[1]].insert(best[2], order)


def timing(day: Day, restaurant: str, route: Sequence[Known]) -> tuple[int, int]:
    """Minutes from pickup to the last drop-off, and to being free again."""
    last, elapsed, place = 0, day.after_pickup, day.site(restaurant)
    for order in route:
        last = elapsed + day.travel(place, order.place) + day.before_dropoff
        elapsed, place = last + day.after_dropoff, order.place
    return last, elapsed


def cost(day: Day, restaurant: str, route: Sequence[Known]) -> float:
    """A route's minutes, and BETA for each minute that an order arrives later than alone and at once."""
    if not route:
        return 0.0
    site = day.site(restaurant)
    pickup = max(order.ready for order in route)
    elapsed, place, late = 0, site, 0
    for order in route:
        elapsed += day.travel(place, order.place)
        late += pickup + elapsed - order.ready - day.travel(site, order.place)
        elapsed += day.before_dropoff + day.after_dropoff
        place = order.place
    return elapsed + BETA * late
