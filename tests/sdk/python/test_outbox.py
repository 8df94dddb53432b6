"""Where events wait."""

import asyncio
from pathlib import Path

import pytest

from doorstep_client.errors import OutboxFull
from doorstep_client.messages import Event
from doorstep_client.outbox import Outbox


def event(id_: str) -> Event:
    """One that nobody awaits."""
    return Event(id_, "order.place", b"{}", asyncio.new_event_loop().create_future())


def test_a_file_holds_what_is_waiting_in_its_sequence(tmp_path: Path) -> None:
    """Another outbox on the same file has what was added and not removed, oldest first."""
    first = Outbox(tmp_path / "events.db")
    for id_ in ("c", "a", "b"):
        first.add(event(id_))
    assert first.remove("a") is not None
    assert first.remove("a") is None
    first.close()
    second = Outbox(tmp_path / "events.db")
    assert second.stored() == [("c", "order.place", b"{}"), ("b", "order.place", b"{}")]
    second.close()


def test_a_full_outbox_takes_nothing() -> None:
    """The bound is named, and what waits is untouched."""
    outbox = Outbox(None, events_max=1)
    outbox.add(event("a"))
    with pytest.raises(OutboxFull, match=r"1 events wait .* order\.place was not taken"):
        outbox.add(event("b"))
    assert list(outbox.events) == ["a"]
    assert outbox.stored() == []
