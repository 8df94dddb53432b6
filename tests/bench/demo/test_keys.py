"""Single keys from a terminal."""

import asyncio
import os
import pty
import termios
from collections.abc import Iterator
from typing import TextIO

import pytest

from bench.demo.keys import keys


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    """Both ends of a terminal: who types, and what is typed into."""
    typist, end = pty.openpty()
    with os.fdopen(end, encoding="utf-8") as stream:
        yield typist, stream
    os.close(typist)


async def typed(typist: int, stream: TextIO, data: bytes, count: int) -> list[str]:
    """The keys that arrive, at least `count`."""
    found: list[str] = []
    enough = asyncio.Event()

    def pressed(key: str) -> None:
        found.append(key)
        if len(found) >= count:
            enough.set()

    with keys(stream, pressed) as has_keys:
        assert has_keys
        os.write(typist, data)
        await asyncio.wait_for(enough.wait(), 20)
    return found


def test_each_key_arrives_at_once(terminal: tuple[int, TextIO]) -> None:
    """Without Enter, and without an echo; an arrow is no key of ours."""
    typist, stream = terminal
    assert asyncio.run(typed(typist, stream, b"k", 1)) == ["k"]
    assert asyncio.run(typed(typist, stream, b"uh", 2)) == ["u", "h"]
    os.set_blocking(typist, False)
    with pytest.raises(BlockingIOError):
        os.read(typist, 10)

    async def after_an_arrow() -> None:
        found: list[str] = []
        with keys(stream, found.append):
            os.write(typist, b"\x1b[A")
            await asyncio.sleep(0.05)
        assert found == []

    asyncio.run(after_an_arrow())


def test_the_terminal_is_as_before_whatever_ends_it(terminal: tuple[int, TextIO]) -> None:
    """Lines and echo come back after an exception, too."""
    _, stream = terminal
    before = termios.tcgetattr(stream.fileno())

    async def ends_badly() -> None:
        with keys(stream, lambda _: None):
            assert termios.tcgetattr(stream.fileno()) != before
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(ends_badly())
    assert termios.tcgetattr(stream.fileno()) == before


def test_without_a_terminal_there_are_no_keys() -> None:
    """A pipe is read by nobody."""

    async def look() -> bool:
        reading, writing = os.pipe()
        with os.fdopen(reading, encoding="utf-8") as stream, keys(stream, lambda _: None) as has_keys:
            os.close(writing)
            return has_keys

    assert asyncio.run(look()) is False
