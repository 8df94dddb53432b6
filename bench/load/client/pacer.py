"""Wakes the loop at an instant, to some tens of microseconds.

The loop's own timers count whole milliseconds, which is longer than what is to be measured. A timerfd is a file
descriptor that the kernel makes readable at a given time, on the clock that `time.perf_counter` reads.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from typing import Final

_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC are the same bits, timerfd(2)
_ABSOLUTE: Final = 1  # TFD_TIMER_ABSTIME

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Timespec(ctypes.Structure):
    _fields_ = (("s", ctypes.c_long), ("ns", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Pacer:
    """One timer. `fire` is called in the loop once for each `at`. Close it when done."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> None:
        self._loop, self._fire = loop, fire
        self._fd = _libc.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        loop.add_reader(self._fd, self._expired)

    def at(self, when: float) -> None:
        """Fire at this instant of `time.perf_counter`; at once where it is past."""
        ns = max(int(when * 1e9), 1)  # all zeros would disarm it
        setting = _Setting(_Timespec(0, 0), _Timespec(ns // 1_000_000_000, ns % 1_000_000_000))
        if _libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(setting), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def close(self) -> None:
        """No more calls of `fire`."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _expired(self) -> None:
        os.read(self._fd, 8)
        self._fire()
