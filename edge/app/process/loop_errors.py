"""Handles exceptions in callbacks of the event loop, which no caller sees and asyncio only logs.

Each is counted and raises an alarm, because it is a fault of the node. If the callback belongs to a stage that all
events pass (`STAGES`), its work is never finished, so the node gives up and a new process starts from the disk. A fault
in the callback of a connection affects that connection only.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from ...health.status import Status
from ...log.events import INTERNAL_ERROR

STAGES: Final = frozenset(
    f"edge.{name}"
    for name in (
        "pipeline.pipeline",
        "pipeline.ingest",
        "pipeline.pending",
        "journal.journal",
        "journal.writer",
    )
)


class LoopExceptionHandler:
    """`count` exceptions so far. `give_up` ends the process; its argument is the reason, in a sentence."""

    def __init__(self, status: Status, give_up: Callable[[str], None]) -> None:
        self.count = 0
        self._status, self._give_up = status, give_up
        status.register("errors", lambda: {"core": {"errors_caught": self.count}})

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG002 - asyncio's
        """For `loop.set_exception_handler`."""
        error = context.get("exception")
        self.count += 1
        INTERNAL_ERROR.write(error=error or "in the event loop")
        module = _module_of(error.__traceback__) if error is not None else ""
        what = type(error).__name__ if error is not None else context.get("message")
        times = "once" if self.count == 1 else f"{self.count} times"
        text = f"An error of the node's own was caught {times}, the last in {module or 'the event loop'}: {what}."
        # A task has an owner that waits for it, or a connection; a callback of a stage has none.
        if module in STAGES and "task" not in context and "future" not in context:
            self._give_up(f"{text} Nothing more can pass there. This is a bug: please report the lines above.")
        else:
            todo = "What was under way there may be lost. Please report this with the node's log, and restart the node."
            self._status.alarm("caught", f"{text} {todo}")


def _module_of(trace: TracebackType | None) -> str:
    """The first module of the node in the traceback, which owns the callback."""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.startswith("edge."):
            return name
        trace = trace.tb_next
    return ""
