"""One day of a district: its orders, couriers and restaurants, read from files.

The format is that of the public Meal Delivery Routing Problem instances (Reyes, Erera, Savelsbergh, Sahasrabudhe,
O'Neil: The Meal Delivery Routing Problem, 2018): four tab-separated files with one header line, integers, minutes since
the start of the day, metres. What cannot be used is refused with the file and the line.
"""

from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

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

ROWS_MAX: Final = 100_000
"""Lines in one file: ten times the largest published day."""

DAY_MIN: Final = 24 * 60
"""The longest preparation, and the longest shift, minutes."""

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9-]{0,47}$")]
"""What can become part of an identifier on the wire, with a prefix before it: letters, digits and dashes."""

Metres = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Minute = Annotated[int, Meta(ge=0, le=7 * DAY_MIN)]
"""Of the day. Longer than a week is no day; it is more likely a file in other units."""

Service = Annotated[int, Meta(ge=0, le=60)]
Yardstick = Annotated[int, Meta(ge=1, le=1_000)]
Pay = Annotated[int, Meta(ge=0, le=100_000)]


class Order(Struct, frozen=True, array_like=True):
    """Drop-off in metres; placed and ready in minutes of the day."""

    name: Name
    x: Metres
    y: Metres
    placed: Minute
    restaurant: Name
    ready: int


class Courier(Struct, frozen=True, array_like=True):
    """Where the shift begins, metres, and from when to when, minutes of the day."""

    name: Name
    x: Metres
    y: Metres
    on: Minute
    off: int


class Restaurant(Struct, frozen=True, array_like=True):
    """Where it is, metres."""

    name: Name
    x: Metres
    y: Metres


class Parameters(Struct, frozen=True, array_like=True):
    """Speed, service times (minutes at each stop, half before and half after the handing over), and the yardsticks."""

    metres_per_minute: Annotated[int, Meta(ge=1, le=3_000)] = 320
    pickup_service: Service = 4
    dropoff_service: Service = 4
    click_to_door_target: Yardstick = 40
    click_to_door_max: Yardstick = 90
    pay_per_order: Pay = 10
    pay_per_hour: Pay = 15


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
    """The instance in `folder`, names in lower case. Raises InputError, which names the file and the line."""
    folder = Path(folder)
    if not folder.is_dir():
        hint = "there is no such folder. Name one that holds " + ", ".join(HEADERS) + "."
        raise InputError(str(folder), None, hint)
    restaurants = _read(folder / "restaurants.txt", Restaurant)
    parameters = _read(folder / "instance_parameters.txt", Parameters)
    if len(parameters) != 1:
        raise InputError(str(folder / "instance_parameters.txt"), 3, "one line of parameters is expected, and no more.")
    known = {restaurant.name for restaurant in restaurants.values()}
    orders = _read(folder / "orders.txt", Order)
    for line, order in orders.items():
        _check_end(folder / "orders.txt", line, "ready_time", order.placed, order.ready)
        if order.restaurant not in known:
            hint = f"restaurant {order.restaurant!r} is not in restaurants.txt. Add it there."
            raise InputError(str(folder / "orders.txt"), line, hint)
    couriers = _read(folder / "couriers.txt", Courier)
    for line, courier in couriers.items():
        _check_end(folder / "couriers.txt", line, "off_time", courier.on, courier.off)
    (each,) = parameters.values()
    return Instance(folder.name, [*orders.values()], [*couriers.values()], [*restaurants.values()], each)


def _read(path: Path, form: type[T]) -> dict[int, T]:
    """The rows of a file, by line."""
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
    rows: dict[int, T] = {}
    seen: dict[str, int] = {}
    for line, text in enumerate(lines[1:], start=2):
        if not text.strip():
            continue
        cells = [cell.strip().lower() for cell in text.split("\t")]
        if len(cells) != len(header):
            hint = f"there are {len(cells)} columns, {len(header)} are expected: {' <tab> '.join(header)}."
            raise InputError(str(path), line, hint)
        rows[line] = _row(path, line, cells, form)
        if form is not Parameters and seen.setdefault(cells[0], line) != line:
            raise InputError(str(path), line, f"{header[0]} {cells[0]!r} stands in line {seen[cells[0]]} already.")
    if not rows:
        raise InputError(str(path), 2, f"there is no {header[0]}; at least one line is needed after the header.")
    return rows


def _row(path: Path, line: int, cells: list[str], form: type[T]) -> T:
    try:
        return msgspec.convert(cells, form, strict=False)
    except msgspec.ValidationError as error:
        expected, _, place = str(error).partition(" - at `$[")
        column = int(place.rstrip("]`"))
        if "regex" in expected:
            expected = "Use letters, digits and dashes, 48 at most"
        hint = f"{HEADERS[path.name][column]} is {cells[column]!r}. {expected}."
        raise InputError(str(path), line, hint) from None


def _check_end(path: Path, line: int, field: str, begin: int, end: int) -> None:
    if not begin <= end <= begin + DAY_MIN:
        raise InputError(str(path), line, f"{field} is {end}; it must be from {begin} to {begin + DAY_MIN}.")
