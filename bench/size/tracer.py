"""Which files of the node one order passes through, and how often it moves from one to another. A process of its own.

    python -m bench.size.tracer FOLDER ORDERS          writes FOLDER/orders.json

The node is the product's own (`edge.app.run.run`), over loopback TCP, with its data in FOLDER; its clients live in the
same event loop. An order is traced from its first byte read to the last write that it causes, with `sys.setprofile` on
the loop's thread. Only functions in files of `edge/` count:

call    a Python function begins. A generator counts once, however often it goes on. A comprehension is no function.
move    a call from one file into another. What lies between them outside of `edge/` (asyncio, a C function) is passed
        over. What the event loop calls has no caller, so it is no move.

What belongs to the order is known by its context (`contextvars`), which asyncio hands on to whatever a callback
schedules: the node's own work (heartbeat, deadlines, retention) has the context of the start, and is left out.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextvars import ContextVar, Token
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, Self

import msgspec
from msgspec import Struct

import edge
from edge.errors import DoorstepError

from ..lab.settings import write_config
from .order import NODE, Scene

WARM_UP: Final = 20
"""Orders before the first traced one: then everything is imported, and buffers have their size."""

QUIET_S: Final = 0.7
"""Between orders: longer than acknowledged answers wait for a round that takes them to disk, which is half a second."""

SETTLED_S: Final = 0.02
"""After the last answer: what the order causes behind its last write is in the trace too."""

TRACE_S_MAX: Final = 120.0
"""For the whole process: 99 orders take 80 s."""

FOUND: Final = "orders.json"
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it

_ROOT: Final = Path(edge.__file__).parents[1]
_ENTRIES: Final = ("data_received", "buffer_updated")  # asyncio's two kinds of protocols
_COMPREHENSIONS: Final = ("<listcomp>", "<setcomp>", "<dictcomp>")  # Python 3.12 calls no function for them
_GENERATES: Final = 0x20 | 0x80 | 0x200  # inspect.CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR

is_own: Final[ContextVar[bool]] = ContextVar("is_own", default=False)
"""Whether the node, or a client, does it of its own accord. What the journal's thread schedules is the order's."""


class Call(Struct, frozen=True, array_like=True):
    """A function of the node begins. `depth` counts the node's functions above it; `caller` is the file of the one
    directly above, or empty."""

    depth: int
    file: str
    function: str
    caller: str


class Order(Struct, frozen=True):
    """The calls that one order took, in their sequence."""

    calls: list[Call]

    @property
    def files(self) -> list[str]:
        """The files, in the sequence of their first call."""
        return list(dict.fromkeys(call.file for call in self.calls))

    @property
    def moves(self) -> int:
        """Calls from one file into another."""
        return sum(call.caller not in ("", call.file) for call in self.calls)


class Tracer:
    """The profile function of one order. Code is the node's where its file is below `package`; `base` is the frame that
    the event loop runs in."""

    def __init__(self, package: Path, base: FrameType | None) -> None:
        self.calls: list[Call] = []
        self._prefix = f"{package}{os.sep}"
        self._base = base
        self._frames: dict[int, FrameType] = {}
        """Generators that have begun, by id. They are kept, so no other frame gets that id."""
        self._entry: FrameType | None = None
        self._token: Token[bool] | None = None

    def __enter__(self) -> Self:
        sys.setprofile(self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _on_event(self, frame: FrameType, event: str, arg: Any) -> None:
        del arg
        if event == "call":
            self._on_call(frame)
        elif event == "return" and frame is self._entry and self._token is not None:
            is_own.reset(self._token)
            self._entry = self._token = None

    def _on_call(self, frame: FrameType) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(self._prefix) or code.co_name in _COMPREHENSIONS:
            return
        above = self._above(frame)
        if not above and code.co_name in _ENTRIES:
            self._entry, self._token = frame, is_own.set(False)
        if is_own.get() or self._is_resumed(frame):
            return
        caller = self._name(above[0]) if above else ""
        self.calls.append(Call(len(above), self._name(code), code.co_qualname, caller))

    def _above(self, frame: FrameType) -> list[CodeType]:
        """The node's functions that are running, the innermost first."""
        found: list[CodeType] = []
        at = frame.f_back
        while at is not None and at is not self._base:
            code = at.f_code
            if code.co_filename.startswith(self._prefix) and code.co_name not in _COMPREHENSIONS:
                found.append(code)
            at = at.f_back
        return found

    def _is_resumed(self, frame: FrameType) -> bool:
        if not frame.f_code.co_flags & _GENERATES:
            return False
        known = id(frame) in self._frames
        self._frames[id(frame)] = frame
        return known

    def _name(self, code: CodeType) -> str:
        return Path(code.co_filename).relative_to(Path(self._prefix).parent).as_posix()


def trace(folder: Path, orders: int) -> list[Order]:
    """Run a node in `folder`, and trace so many orders. Takes over this process: call `traced` instead."""
    from edge.app.run import run

    write_config(
        folder / "edge.toml",
        {
            "node": NODE,
            "data_dir": "data",
            "listen": "127.0.0.1:0",
            "anonymous": True,
            "status_listen": "",
            "log_level": "warning",
        },
    )
    tasks: list[asyncio.Task[list[Order]]] = []

    def on_ready() -> None:
        tasks.append(asyncio.get_running_loop().create_task(_live(folder, orders)))

    is_own.set(True)
    run(str(folder / "edge.toml"), on_ready)
    if not tasks:
        raise DoorstepError("The node did not become ready.")
    return tasks[0].result()


async def _live(folder: Path, orders: int) -> list[Order]:
    base = sys._getframe().f_back
    scene = Scene()
    try:
        await scene.open(json.loads((folder / "data" / "ports.json").read_text(encoding="utf-8"))["listen"])
        for number in range(WARM_UP):
            await scene.place(f"warm-{number}")
            await scene.deliver(f"warm-{number}")
        found: list[Order] = []
        for number in range(orders):
            await asyncio.sleep(QUIET_S)
            with Tracer(Path(edge.__file__).parent, base) as tracer:
                await scene.place(f"order-{number}")
                await asyncio.sleep(SETTLED_S)
            found.append(Order(tracer.calls))
            await scene.deliver(f"order-{number}")
        return found
    finally:
        scene.close()
        signal.raise_signal(signal.SIGTERM)


@contextlib.contextmanager
def memory_folder() -> Generator[Path]:
    """A folder for the node's data, in memory where the system has such files: on a slow disk a thread commits, and
    what a thread does is in no trace."""
    folder = Path(tempfile.mkdtemp(prefix="doorstep-size-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def traced(folder: Path, orders: int) -> list[Order]:
    """Trace in a process of its own. Raises DoorstepError."""
    command = [sys.executable, "-m", __name__, str(folder), str(orders)]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, check=False, timeout=TRACE_S_MAX)
    except subprocess.TimeoutExpired:
        raise DoorstepError(f"The tracer did not end within {TRACE_S_MAX:g} s.") from None
    if done.returncode:
        raise DoorstepError(f"The tracer failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return msgspec.json.decode((folder / FOUND).read_bytes(), type=list[Order])


def median(orders: list[Order]) -> Order:
    """The one in the middle, by its moves, then its calls."""
    return sorted(orders, key=lambda order: (order.moves, len(order.calls)))[len(orders) // 2]


if __name__ == "__main__":
    # A file, not stdout: without a buffer (PYTHONUNBUFFERED) a write to a pipe may be cut short without an error.
    (Path(sys.argv[1]) / FOUND).write_bytes(msgspec.json.encode(trace(Path(sys.argv[1]), int(sys.argv[2]))))
