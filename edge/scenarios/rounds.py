"""What the rounds of every scenario here need: whole milliseconds, a snapshot read back, and the event that failed."""

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
