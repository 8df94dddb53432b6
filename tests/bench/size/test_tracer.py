"""The tracer, on a package of our own making and on the real node."""

import asyncio
import contextvars
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bench.size.tracer import Call, Order, Tracer, is_own, median, memory_folder, traced
from edge.errors import DoorstepError

PACKAGE = "traced_house"
FILES = {
    "__init__.py": "",
    "door.py": """
import asyncio
from . import room

class Door:
    def data_received(self, data):
        asyncio.get_running_loop().call_soon(self.later)
        return list(map(room.double, [1, 2]))
    def later(self):
        return sum(room.numbers()) + len([x for x in (1, 2)])

def tick():
    room.double(1)
""",
    "room.py": """
def double(x):
    return 2 * x

def numbers():
    yield 1
    yield 2
""",
}


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package's module where the bytes come in."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]
    return importlib.import_module(f"{PACKAGE}.door")


def test_only_what_the_order_causes_is_traced(door: ModuleType) -> None:
    """A call through `map` is a move, a generator one call, a comprehension none; what was read and what that
    scheduled is the order's, the timer of before is not."""

    async def main() -> list[Call]:
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, door.tick)
        with Tracer(Path(str(door.__file__)).parent, None) as tracer:
            loop.call_soon(door.Door().data_received, b"x")
            await asyncio.sleep(0.05)
        return tracer.calls

    def started() -> list[Call]:
        is_own.set(True)
        return asyncio.run(main())

    in_door, in_room = f"{PACKAGE}/door.py", f"{PACKAGE}/room.py"
    calls = contextvars.copy_context().run(started)
    assert calls == [
        Call(0, in_door, "Door.data_received", ""),
        Call(1, in_room, "double", in_door),
        Call(1, in_room, "double", in_door),
        Call(0, in_door, "Door.later", ""),
        Call(1, in_room, "numbers", in_door),
    ]
    assert (Order(calls).files, Order(calls).moves) == ([in_door, in_room], 3)


def test_the_median_is_one_of_the_orders() -> None:
    """By moves, so that its files and its calls belong together."""
    orders = [Order([Call(0, "a", "f", "b")] * count) for count in (5, 1, 3)]
    assert median(orders) is orders[2]


def test_an_order_passes_through_the_whole_node() -> None:
    """The node's own wiring is traced from the first read to the acknowledgement; two runs pass the same files."""
    runs: list[Order] = []
    for _ in range(2):
        with memory_folder() as folder:
            runs.append(median(traced(folder, 3)))
    for order in runs:
        passed = {file.rpartition("/")[0] for file in order.files}
        assert {"edge/pipeline", "edge/journal", "edge/core", "edge/mqtt/server"} <= passed
        assert any(folder.startswith("edge/scenarios/dispatch") for folder in passed)
        assert order.calls[0].function.endswith("data_received")
        assert any("acknowledge" in call.function for call in order.calls[-30:])
        assert len(order.files) < order.moves < len(order.calls)
        assert not [file for file in order.files if not file.startswith("edge/")]
    assert sorted(runs[0].files) == sorted(runs[1].files)


def test_an_error_of_the_tracer_is_reported(tmp_path: Path) -> None:
    """A folder that is not there: the message has the process's own words."""
    with pytest.raises(DoorstepError, match="FileNotFoundError"):
        traced(tmp_path / "nowhere", 1)
