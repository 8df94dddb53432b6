"""What the rounds of every scenario need: milliseconds, deadlines, a snapshot read back, the event that failed."""

import heapq
from typing import Any, TypeVar

import msgspec

from ..core.model import Event, Now
from ..errors import JournalError

T = TypeVar("T")


def milliseconds(now: Now) -> int:
    """The monotonic clock in whole milliseconds."""
    return round(now.mono * 1000)


def restored(body: bytes, form: type[T], version: int, name: str) -> T:
    """The state in a snapshot of the scenario `name`, whose first field is its version. Raises JournalError where it
    cannot be read."""
    try:
        state: Any = msgspec.msgpack.decode(body, type=form)
    except msgspec.DecodeError as error:
        raise JournalError(f"The snapshot of {name} cannot be read ({error}): another version wrote it.") from None
    if state.version != version:
        raise JournalError(
            f"The snapshot of {name} has version {state.version}, this doorstep reads version {version}. "
            f"Start the version that wrote it, stop it cleanly, and try again."
        )
    return state


def failed_on(name: str, event: Event) -> str:
    """For the trace of an exception, which ends the node: the scenario, the client and the event."""
    kind = event.body.__struct_config__.tag
    return f"The scenario {name} failed on the event {event.body.id} ({kind}) of the client {event.client}."


class Deadlines:
    """Deadlines by name: one for each, moved and dropped cheaply, due ones in an order that does not depend on history.

    A heap whose outdated entries are skipped, and swept out before they outnumber the live ones."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def set(self, key: str, due_ms: int) -> None:
        """One deadline for `key`; an earlier one is replaced."""
        if self._due.get(key) == due_ms:
            return
        self._due[key] = due_ms
        heapq.heappush(self._heap, (due_ms, key))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = sorted((due, name) for name, due in self._due.items())

    def drop(self, key: str) -> None:
        """No deadline for `key` any more."""
        self._due.pop(key, None)

    def next(self) -> int | None:
        """The earliest deadline."""
        heap = self._heap
        while heap and self._due.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def may_be_due(self, now_ms: int) -> bool:
        """Whether `pop` has to look: the earliest entry, outdated or not, is that old. False: none is due."""
        return bool(self._heap) and self._heap[0][0] <= now_ms

    def pop(self, now_ms: int) -> str | None:
        """The name of the earliest deadline that has come, which is dropped; equal ones in the order of their names."""
        # An outdated entry comes no later than the live ones behind it, so that one look is mostly enough.
        if not self.may_be_due(now_ms):
            return None
        due = self.next()
        if due is None or due > now_ms:
            return None
        key = heapq.heappop(self._heap)[1]
        del self._due[key]
        return key
