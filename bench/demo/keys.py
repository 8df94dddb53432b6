"""Single keys from the terminal while something is shown on it, which is as before afterwards, whatever ends it."""

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Callable, Iterator
from typing import Final, TextIO

READ_BYTES: Final = 64


@contextlib.contextmanager
def keys(stream: TextIO, pressed: Callable[[str], None]) -> Iterator[bool]:
    """Call `pressed` for each key, in the running loop. Yields whether there is a keyboard: not where `stream` is no
    terminal, nor where another process of it is in the foreground. Ctrl-C stays the signal that it is."""
    if not stream.isatty() or not _is_in_front(stream.fileno()):
        yield False
        return
    descriptor = stream.fileno()
    loop = asyncio.get_running_loop()

    def read() -> None:
        data = os.read(descriptor, READ_BYTES)
        if not data:
            loop.remove_reader(descriptor)  # the terminal is gone
        elif not data.startswith(b"\x1b"):  # an arrow or a function key is none of ours
            for key in data.decode(errors="ignore"):
                pressed(key)

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        loop.add_reader(descriptor, read)
        yield True
    finally:
        loop.remove_reader(descriptor)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _is_in_front(descriptor: int) -> bool:
    """Whether this process may change the terminal: one in the background would be stopped for it."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True  # a terminal that controls no processes stops none
