"""Sums are worked out in a process of their own, beside the one that stores: on a second core, and never in the way of
an acknowledgement. It only reads; what it finds is written by `store.Store.apply`.

The two speak over pipes, in frames of MessagePack with their length before them. The process ends with the pipe, so it
never outlives the centre.
"""

import os
import select
import struct
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from edge.log.events import SUMS_ENDED

from .sums import ROLLED_AT_ONCE, Sums, Work
from .tiers import Calendar

CLOSE_S_MAX: Final = 10.0
"""A step takes tens of milliseconds."""

_LENGTH: Final = struct.Struct("<I")
_encode = msgspec.msgpack.Encoder().encode
_work = msgspec.msgpack.Decoder(Work).decode


class Order(Struct, frozen=True):
    """Where the store is: the folder of SQLite, or the URL and password of PostgreSQL."""

    folder: str
    url: str
    password: str
    timezone: str


_order = msgspec.msgpack.Decoder(Order).decode


class SummingProcess:
    """The other process, started when it is first asked, and again should it end. For one thread."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: int | None = None

    @property
    def at_work(self) -> bool:
        """Whether an answer is to come."""
        return self._asked is not None

    def ask(self, bucket: int) -> None:
        """Work out the next step of a bucket."""
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", __name__]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            self._send(_encode(self._order))
        self._send(_encode(bucket))
        self._asked = bucket

    def answer(self, wait_s: float = 0.0) -> Work | None:
        """What it worked out, None where it has not yet. Where it ended instead, there was nothing to do."""
        if self._asked is None or self._process is None or self._process.stdout is None:
            return None
        # Not select: beside thousands of sessions the number of its descriptor is beyond what that can take.
        waiting = select.poll()
        waiting.register(self._process.stdout, select.POLLIN)
        if not waiting.poll(int(wait_s * 1000)):
            return None
        bucket, self._asked = self._asked, None
        frame = _read(self._process.stdout)
        if frame is None:
            SUMS_ENDED.write(sentence=f"code {self._process.wait()}")
            self._process = None
            return Work(bucket)
        return _work(frame)

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None and process.stdout is not None:
            process.stdin.close()
            process.stdout.close()
            try:
                process.wait(CLOSE_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _send(self, frame: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_LENGTH.pack(len(frame)) + frame)
        except BrokenPipeError:
            SUMS_ENDED.write(sentence="it does not listen")  # `answer` finds its end


def _read(stream: IO[bytes]) -> bytes | None:
    head = _exactly(stream, _LENGTH.size)
    return None if head is None else _exactly(stream, _LENGTH.unpack(head)[0])


def _exactly(stream: IO[bytes], size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = stream.read(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def main() -> None:
    """The other process: an order, then one answer for each bucket."""
    from .open import open_driver

    asked, answers = os.fdopen(0, "rb", 0), os.fdopen(1, "wb", 0)
    frame = _read(asked)
    if frame is None:
        return
    order = _order(frame)
    where = Path(order.folder) if order.folder else order.url
    sums = Sums(open_driver(where, order.password, readonly=True), Calendar(order.timezone))
    while (frame := _read(asked)) is not None:
        answer = _encode(sums.work(msgspec.msgpack.decode(frame, type=int), ROLLED_AT_ONCE))
        answers.write(_LENGTH.pack(len(answer)) + answer)


if __name__ == "__main__":
    import signal

    # Ctrl-C, and a service manager's stop, are for the centre, which ends this one.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    main()
