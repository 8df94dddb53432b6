"""A process for a second: what it answers, and that nothing of it is left."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from edge.uplink.child import asked


def test_it_answers_what_it_is_asked() -> None:
    """With its words and the question; the exit code comes with it."""
    assert asyncio.run(asked("json.tool", b"[1]", 20, ["--compact"])) == (0, b"[1]\n")
    code, answer = asyncio.run(asked("json.tool", b"[1", 20))
    assert (code, answer) == (1, b"")


def test_one_that_hangs_is_ended() -> None:
    """In time, and it is no zombie afterwards."""

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asked("http.server", b"", 0.05, ["--bind", "127.0.0.1", "0"])

    asyncio.run(main())
    ours = [path.read_text() for path in Path("/proc").glob("[0-9]*/status") if path.exists()]
    assert not [each for each in ours if f"PPid:\t{os.getpid()}\n" in each and "State:\tZ" in each]


def test_without_room_for_a_process_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks knows what that means."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(OSError, match="No such file"):
        asyncio.run(asked("json.tool", b"", 20))
