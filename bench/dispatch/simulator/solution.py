"""What happened on a day, as the three files that the instance set's own evaluator reads.

Whitespace separated, one header line, whole minutes; orders that were not delivered are left out.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct

from edge.errors import InputError

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


def read(folder: str | Path) -> Solution:
    """The solution in `folder`. Raises InputError, which names the file and the line."""
    folder = Path(folder)
    trips: list[Trip] = []
    for path, line, cells in _rows(folder / ASSIGNMENTS, least=4, most=None):
        trips.append(Trip(_minute(path, line, cells[0]), _minute(path, line, cells[1]), cells[2], tuple(cells[3:])))
    deliveries: list[Delivery] = []
    for path, line, cells in _rows(folder / ORDERS, least=6, most=6):
        placed, ready, pickup, dropoff = (_minute(path, line, cell) for cell in cells[1:5])
        deliveries.append(Delivery(cells[0], placed, ready, pickup, dropoff, cells[5]))
    moves: list[Move] = []
    for path, line, cells in _rows(folder / COURIERS, least=4, most=4):
        moves.append(Move(cells[0], _minute(path, line, cells[1]), cells[2], cells[3]))
    return Solution(trips, deliveries, moves)


def _rows(path: Path, least: int, most: int | None) -> list[tuple[Path, int, list[str]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(str(path), None, f"{error.strerror}. A solution needs {', '.join(HEADERS)}.") from None
    except UnicodeDecodeError as error:
        raise InputError(str(path), None, f"byte {error.start} is not text. Save the file as UTF-8.") from None
    rows: list[tuple[Path, int, list[str]]] = []
    for line, text in enumerate(lines[1:], start=2):
        cells = text.split()
        if not cells:
            continue
        if len(cells) < least or (most is not None and len(cells) > most):
            hint = f"there are {len(cells)} columns; expected: {HEADERS[path.name]}."
            raise InputError(str(path), line, hint)
        rows.append((path, line, cells))
    return rows


def _minute(path: Path, line: int, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(str(path), line, f"{text!r} is no time; whole minutes are expected.") from None
