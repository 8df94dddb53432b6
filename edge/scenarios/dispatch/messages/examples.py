"""Valid messages of dispatch, for the harness, the documents and the fuzzers. Pure: drawn from a seed by arithmetic."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from ..lifecycle import Cause

AT: Final = 1_790_000_000_000
"""Wall ms of the first message."""


CAUSES: Final = get_args(Cause)


def _draws(seed: int) -> Iterator[int]:
    """A linear congruential generator (Numerical Recipes' constants): equal on every machine."""
    state = seed & 0xFFFF_FFFF
    while True:
        state = (1_664_525 * state + 1_013_904_223) & 0xFFFF_FFFF
        yield state >> 8


def examples(seed: int) -> list[tuple[str, str, Mapping[str, Any]]]:
    """An evening of two riders, one shop and a few orders, as (client, kind, fields); every kind occurs."""
    draws = _draws(seed)
    made: list[tuple[str, str, Mapping[str, Any]]] = []

    def add(client: str, kind: str, **fields: Any) -> None:
        number = len(made) + 1
        made.append((client, kind, {"id": f"e-{seed}-{number}", "at": AT + 1_000 * number, **fields}))

    def spot() -> dict[str, float]:
        north, east = next(draws) % 2_000, next(draws) % 2_000
        return {"lat": round(52.5 + north / 100_000, 5), "lon": round(13.4 + east / 100_000, 5)}

    for rider in ("rider-1", "rider-2"):
        add(rider, "rider.shift", on=True, capacity=1 + next(draws) % 3, place=spot())
        place = spot()
        points = [[AT + 1_000 * len(made), place["lat"], place["lon"]]]
        made.append((rider, "rider.position", {"points": points}))
    shop = spot()
    orders = [f"o-{seed}-{number}" for number in range(1, 4)]
    for order in orders:
        prep_s = 60 * (next(draws) % 20)
        add("customer-1", "order.place", order=order, shop="shop-1", pickup=shop, dropoff=spot(), prep_s=prep_s)
    add("shop-1", "kitchen.delay", order=orders[0], ready_at=AT + 900_000)
    add("shop-1", "kitchen.ready", order=orders[1])
    add("rider-1", "rider.reply", order=orders[0], offer=1, accept=True)
    add("rider-2", "rider.reply", order=orders[1], offer=2, accept=False, reason="flat tyre")
    for step in ("at_shop", "picked_up", "at_customer", "failed", "redelivery", "delivered"):
        if step == "redelivery":
            add("shop-1", "order.redeliver", order=orders[0], dropoff=spot())
        elif step == "failed":
            cause = CAUSES[next(draws) % len(CAUSES)]
            add("rider-1", "rider.progress", order=orders[0], step=step, cause=cause, reason="nobody opens")
        else:
            add("rider-1", "rider.progress", order=orders[0], step=step)
        made.append(("customer-1", "order.track", {"order": orders[0]}))
        made.append(("rider-1", "orders.list", {}))
    made.append(("desk-1", "order.preview", {"order": orders[2]}))
    made.append(("desk-1", "board.list", {}))
    made.append(("desk-1", "riders.list", {}))
    add("shop-1", "order.reschedule", order=orders[2], dropoff_by=AT + 3_600_000, priority=next(draws) % 101)
    add("desk-1", "order.hold", order=orders[2], reason="wrong address?")
    add("desk-1", "order.release", order=orders[2])
    add("desk-1", "order.pin", order=orders[2], rider="rider-2")
    add("desk-1", "order.assign", order=orders[2], rider="rider-2", position=next(draws) % 3)
    add("desk-1", "rider.pause", rider="rider-2", reason="flat tyre")
    add("desk-1", "rider.resume", rider="rider-2")
    add("customer-1", "order.cancel", order=orders[2], reason="changed my mind")
    add("shop-1", "times.reset", shop="shop-1")
    add("rider-1", "rider.shift", on=False)
    return made
