"""What happened on a day, as the three files that the instance set's own evaluator reads.

Whitespace separated, one header line, whole minutes; orders that were not delivered are left out.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct

ASSIGNMENTS: Final = "solution_info_assignments.txt"
ORDERS: Final = "solution_info_orders.txt"
COURIERS: Final = "solution_info_couriers.txt"
START: Final = "0"
"""Where a courier's first move begins: the place where its shift does."""


class Trip(Struct, frozen=True):
    """A bundle: when its orders were last decided, when it was picked up, its orders as they are dropped off."""

    assigned: int
    pickup: int
    courier: str
    orders: tuple[str, ...]


class Delivery(Struct, frozen=True):
    """One delivered order."""

    order: str
    placed: int
    ready: int
    pickup: int
    dropoff: int
    courier: str


class Move(Struct, frozen=True):
    """A courier leaves `origin` for `destination`: names of orders and restaurants, or START."""

    courier: str
    departure: int
    origin: str
    destination: str


class Solution(Struct, frozen=True):
    """A whole day. The moves of one courier are in their sequence."""

    trips: list[Trip]
    deliveries: list[Delivery]
    moves: list[Move]


HEADERS: Final = {
    ASSIGNMENTS: "assignment_time pickup_time courier orders",
    ORDERS: "order placement_time ready_time pickup_time dropoff_time courier",
    COURIERS: "courier departure_time origin destination",
}


def write(solution: Solution, folder: str | Path) -> None:
    """The three files in `folder`, which is made where it is missing."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[tuple[str | int, ...]]] = {
        ASSIGNMENTS: [(t.assigned, t.pickup, t.courier, *t.orders) for t in solution.trips],
        ORDERS: [(d.order, d.placed, d.ready, d.pickup, d.dropoff, d.courier) for d in solution.deliveries],
        COURIERS: [(m.courier, m.departure, m.origin, m.destination) for m in solution.moves],
    }
    for name, cells in rows.items():
        lines = [HEADERS[name], *(" ".join(map(str, row)) for row in cells)]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
