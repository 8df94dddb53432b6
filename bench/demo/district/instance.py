"""One day of a district: its orders, couriers and restaurants, read from and written to files.

The format is that of the public Meal Delivery Routing Problem instances (Reyes, Erera, Savelsbergh, Sahasrabudhe,
O'Neil: The Meal Delivery Routing Problem, 2018): four tab-separated files with one header line, integers, minutes since
the start of the day, metres. What cannot be used is refused with the file and the line.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from edge.errors import InputError

HEADERS: Final = {
    "orders.txt": ("order", "x", "y", "placement_time", "restaurant", "ready_time"),
    "couriers.txt": ("courier", "x", "y", "on_time", "off_time"),
    "restaurants.txt": ("restaurant", "x", "y"),
    "instance_parameters.txt": (
        "meters_per_minute",
        "pickup service minutes",
        "dropoff service minutes",
        "target click-to-door",
        "maximum click-to-door",
        "pay per order",
        "guaranteed pay per hour",
    ),
}
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,47}")
"""What can become part of an identifier on the wire, with a prefix before it."""

MINUTES_MAX: Final = 7 * 24 * 60
"""Longer than a week is no day; it is more likely a file in other units."""

ROWS_MAX: Final = 100_000
"""Lines in one file: ten times the largest published day."""


class Order(Struct, frozen=True):
    """Drop-off in metres; placed and ready in minutes of the day."""

    name: str
    x: int
    y: int
    placed: int
    restaurant: str
    ready: int


class Courier(Struct, frozen=True):
    """Where the shift begins, metres, and from when to when, minutes of the day."""

    name: str
    x: int
    y: int
    on: int
    off: int


class Restaurant(Struct, frozen=True):
    """Where it is, metres."""

    name: str
    x: int
    y: int


class Parameters(Struct, frozen=True):
    """Speed, service times (minutes at each stop, half before and half after the handing over), and the yardsticks."""

    metres_per_minute: int = 320
    pickup_service: int = 4
    dropoff_service: int = 4
    click_to_door_target: int = 40
    click_to_door_max: int = 90
    pay_per_order: int = 10
    pay_per_hour: int = 15


class Instance(Struct, frozen=True):
    """A whole day, in the sequence of its files."""

    name: str
    orders: list[Order]
    couriers: list[Courier]
    restaurants: list[Restaurant]
    parameters: Parameters = Parameters()

    def middle(self) -> tuple[float, float]:
        """The centre of the box around everything, metres."""
        xs = [thing.x for group in (self.orders, self.couriers, self.restaurants) for thing in group]
        ys = [thing.y for group in (self.orders, self.couriers, self.restaurants) for thing in group]
        return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

    def last_minute(self) -> int:
        """When the last order is ready, or the last shift ends."""
        return max(*(order.ready for order in self.orders), *(courier.off for courier in self.couriers))


T = TypeVar("T", Order, Courier, Restaurant, Parameters)


def read(folder: str | Path) -> Instance:
    """The instance in `folder`. Raises InputError, which names the file and the line."""
    folder = Path(folder)
    if not folder.is_dir():
        hint = "there is no such folder. Name one that holds " + ", ".join(HEADERS) + "."
        raise InputError(str(folder), None, hint)
    restaurants = _read(folder / "restaurants.txt", _restaurant)
    known = {restaurant.name for restaurant in restaurants}
    parameters = _read(folder / "instance_parameters.txt", _parameters)
    if len(parameters) != 1:
        raise InputError(str(folder / "instance_parameters.txt"), 3, "one line of parameters is expected, and no more.")

    def order(path: Path, line: int, cells: list[str]) -> Order:
        return _order(path, line, cells, known)

    orders = _read(folder / "orders.txt", order)
    couriers = _read(folder / "couriers.txt", _courier)
    return Instance(folder.name, orders, couriers, restaurants, parameters[0])


def write(instance: Instance, folder: str | Path) -> None:
    """The instance as files in `folder`, which is made where it is missing."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    groups: dict[str, list[tuple[str | int, ...]]] = {
        "orders.txt": [(o.name, o.x, o.y, o.placed, o.restaurant, o.ready) for o in instance.orders],
        "couriers.txt": [(c.name, c.x, c.y, c.on, c.off) for c in instance.couriers],
        "restaurants.txt": [(r.name, r.x, r.y) for r in instance.restaurants],
        "instance_parameters.txt": [
            tuple(getattr(instance.parameters, field) for field in Parameters.__struct_fields__)
        ],
    }
    for name, rows in groups.items():
        lines = ["\t".join(HEADERS[name]), *("\t".join(map(str, row)) for row in rows)]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read(path: Path, build: Callable[[Path, int, list[str]], T]) -> list[T]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(str(path), None, f"{error.strerror}. An instance needs {', '.join(HEADERS)}.") from None
    except UnicodeDecodeError as error:
        raise InputError(str(path), None, f"byte {error.start} is not text. Save the file as UTF-8.") from None
    header = HEADERS[path.name]
    if not lines or tuple(cell.strip() for cell in lines[0].split("\t")) != header:
        raise InputError(str(path), 1, f"the header is not what it should be: {' <tab> '.join(header)}.")
    if len(lines) > ROWS_MAX:
        raise InputError(str(path), ROWS_MAX, f"there are {len(lines)} lines; at most {ROWS_MAX} are read.")
    things: list[T] = []
    seen: dict[str, int] = {}
    for line, text in enumerate(lines[1:], start=2):
        if not text.strip():
            continue
        cells = [cell.strip() for cell in text.split("\t")]
        if len(cells) != len(header):
            hint = f"there are {len(cells)} columns, {len(header)} are expected: {' <tab> '.join(header)}."
            raise InputError(str(path), line, hint)
        thing = build(path, line, cells)
        name = cells[0].lower()
        if not isinstance(thing, Parameters) and name in seen:
            raise InputError(str(path), line, f"{header[0]} {cells[0]!r} stands in line {seen[name]} already.")
        seen[name] = line
        things.append(thing)
    if not things:
        raise InputError(str(path), 2, f"there is no {header[0]}; at least one line is needed after the header.")
    return things


def _name(path: Path, line: int, field: str, text: str) -> str:
    if not NAME.fullmatch(text):
        raise InputError(str(path), line, f"{field} is {text!r}; use letters, digits and dashes, 48 at most.")
    return text.lower()


def _number(path: Path, line: int, field: str, text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise InputError(str(path), line, f"{field} is {text!r}; an integer is expected.") from None
    if not low <= value <= high:
        raise InputError(str(path), line, f"{field} is {value}; it must be from {low} to {high}.")
    return value


def _metres(path: Path, line: int, x: str, y: str) -> tuple[int, int]:
    return _number(path, line, "x", x, -1_000_000, 1_000_000), _number(path, line, "y", y, -1_000_000, 1_000_000)


def _order(path: Path, line: int, cells: list[str], restaurants: set[str]) -> Order:
    x, y = _metres(path, line, cells[1], cells[2])
    placed = _number(path, line, "placement_time", cells[3], 0, MINUTES_MAX)
    ready = _number(path, line, "ready_time", cells[5], placed, placed + 24 * 60)
    restaurant = _name(path, line, "restaurant", cells[4])
    if restaurant not in restaurants:
        raise InputError(str(path), line, f"restaurant {restaurant!r} is not in restaurants.txt. Add it there.")
    return Order(_name(path, line, "order", cells[0]), x, y, placed, restaurant, ready)


def _courier(path: Path, line: int, cells: list[str]) -> Courier:
    x, y = _metres(path, line, cells[1], cells[2])
    on = _number(path, line, "on_time", cells[3], 0, MINUTES_MAX)
    off = _number(path, line, "off_time", cells[4], on, on + 24 * 60)
    return Courier(_name(path, line, "courier", cells[0]), x, y, on, off)


def _restaurant(path: Path, line: int, cells: list[str]) -> Restaurant:
    return Restaurant(_name(path, line, "restaurant", cells[0]), *_metres(path, line, cells[1], cells[2]))


def _parameters(path: Path, line: int, cells: list[str]) -> Parameters:
    fields = HEADERS["instance_parameters.txt"]
    lows = (1, 0, 0, 1, 1, 0, 0)
    highs = (3_000, 60, 60, 1_000, 1_000, 100_000, 100_000)
    values = [_number(path, line, *column) for column in zip(fields, cells, lows, highs, strict=True)]
    return Parameters(*values)
