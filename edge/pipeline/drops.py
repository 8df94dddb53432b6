"""What is counted and in no row yet, drops and repeats: kept beside the journal, so that a kill takes at most the last
seconds of it.

Counts go to the journal with the next row, half a second later at most. While the disk is full there is no
next row, for hours perhaps. So the heartbeat writes them over one block of a file that has its place already; only the
kernel needs to take them, which outlives the process, not a power cut. Of each number the journal or this file has it,
never both: a row that was committed after the block was written took along what stands in it.
"""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec

from ..core.model import Counted
from ..log.events import DROPS_UNKEPT

FILE_NAME: Final = "drops"
BLOCK_BYTES: Final = 4096


class _Block(msgspec.Struct, frozen=True, array_like=True):
    """`number` is the last row that did not take these counts along; `stopped`: the node has ended by itself, so
    that they are all there are."""

    number: int = 0
    counts: list[Counted] = []
    stopped: bool = True


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Block).decode


class DropCounter:
    """`found` is the block as the process before left it; `write` puts another one in its place."""

    def __init__(self, found: bytes, write: Callable[[bytes], object]) -> None:
        self._found = self._kept = _read(found)
        self._write = write

    @classmethod
    def open(cls, path: Path) -> Self:
        """The block in the file at `path`. Without room for it the node runs all the same."""
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.posix_fallocate(file, 0, BLOCK_BYTES)
        except OSError as error:
            DROPS_UNKEPT.write(sentence=f"{path} cannot be used ({error.strerror}): a kill may take them with it")
            return cls(b"", lambda _: None)
        return cls(os.pread(file, BLOCK_BYTES, 0), lambda block: os.pwrite(file, block, 0))

    @property
    def was_stopped(self) -> bool:
        """Whether the process before ended by itself: then no count is missing."""
        return self._found.stopped

    def unrecorded(self, number: int) -> list[Counted]:
        """Counts that no row up to `number`, the last one in the journal, has taken along."""
        return [] if number > self._found.number else self._found.counts

    def keep(self, number: int, counts: list[Counted], committed: int, *, stopped: bool = False) -> None:
        """What is in no row up to `number`, of which those up to `committed` are on disk."""
        block = _Block(number, counts, stopped)
        if block.counts:
            moot = block == self._kept
        else:
            # Until the row that took them along is on disk they stay here, too.
            moot = committed <= self._kept.number if self._kept.counts else stopped == self._kept.stopped
        if moot:
            return
        body = _encode(block)
        data = zlib.crc32(body).to_bytes(4, "big") + len(body).to_bytes(4, "big") + body
        try:
            self._write(data.ljust(BLOCK_BYTES, b"\0"))
            self._kept = block
        except OSError as error:
            DROPS_UNKEPT.write(sentence=f"they cannot be kept ({error.strerror})")


def _read(data: bytes) -> _Block:
    """What a block holds; where it is damaged, that nothing is known."""
    if not data.strip(b"\0"):
        return _Block()
    body = data[8 : 8 + int.from_bytes(data[4:8], "big")]
    try:
        if zlib.crc32(body) == int.from_bytes(data[:4], "big"):
            return _decode(body)
    except msgspec.DecodeError:
        DROPS_UNKEPT.write(sentence="they are from another version, and are not read")
    return _Block(stopped=False)
