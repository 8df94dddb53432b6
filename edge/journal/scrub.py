"""Reading the whole journal through for rot: at the start and then daily, beside everything else.

A start reads only what comes after the newest snapshot, so a bit that flips in older rows would stay unnoticed until
somebody needs them. The reading has a connection and a thread of its own, of the lowest priority, takes a few rows at a
time and rests between them. Nothing is mended: what is rotten is named.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from ..errors import DoorstepError
from ..log.events import NOT_SCRUBBED, SCRUBBED
from .journal import Journal
from .reader import UNREADABLE, JournalReader, RowError

SCRUB_INTERVAL_S: Final = 24 * 3600.0
"""From the end of a pass to the beginning of the next one."""

SCRUB_LOOK_S: Final = 60.0
"""Meanwhile: how often it is asked for what the writer came upon."""

SCRUB_ROWS: Final = 128
"""Rows in one step: about 64 kB, and well below a millisecond of the interpreter's lock."""

SCRUB_PAUSE_S: Final = 0.05
"""Between two steps. A journal of a week at 20 orders a second takes seven hours; 0.4 % of a core."""

FINDINGS_MAX: Final = 1_000
"""Beyond it a pass ends: the disk is lost, and a damaged number may pretend any number of rows."""

Report = Callable[[str | None], object]


class Scrub:
    """`report` gets a sentence as soon as something rotten is found, and None after a pass that found nothing; it is
    called in the loop's thread."""

    def __init__(self, journal: Journal, report: Report, *, pause_s: float = SCRUB_PAUSE_S) -> None:
        self._journal, self._report, self._pause_s = journal, report, pause_s
        self._stop = threading.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, "scrub", _yield_to_others)
        try:
            while True:
                await loop.run_in_executor(thread, self._pass, loop)
                again = loop.time() + SCRUB_INTERVAL_S
                while loop.time() < again:
                    await asyncio.sleep(SCRUB_LOOK_S)
                    if self._journal.damage:
                        self._report(sentence([self._journal.damage]))
        finally:
            self._stop.set()
            thread.shutdown(wait=False)

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read everything once."""
        path = self._journal.path
        found: list[str] = []

        def report() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._report, sentence(found) if found else None)

        try:
            _forget_cached(path)
            with JournalReader.open(path) as reader:
                for error in read_through(reader):
                    if error is not None:
                        found.append(str(error))
                        report()
                    if self._stop.wait(self._pause_s) or len(found) >= FINDINGS_MAX:
                        break
        except UNREADABLE as error:
            found.append(f"{path}: the file's own structure cannot be read ({error})")
        except (apsw.Error, OSError, DoorstepError) as error:
            NOT_SCRUBBED.write(path=str(path), sentence=str(error))
            return
        if not self._stop.is_set():
            report()
            SCRUBBED.write(path=str(path), found=found[0] if found else "nothing is rotten")


def read_through(reader: JournalReader) -> Iterator[RowError | None]:
    """Every snapshot and every row that is there, in steps: what is rotten, or None where a step found nothing. Rows
    that are deleted meanwhile, or added, are no gap."""
    for kept in reader.snapshots():
        try:
            reader.snapshot(kept)
        except RowError as error:
            if kept in reader.snapshots():
                yield error
        yield None
    after = reader.bounds()[0] - 1
    while after < reader.bounds()[1]:
        try:
            for number, _ in reader.rows(after, SCRUB_ROWS):
                after = number
        except RowError as error:
            first = reader.bounds()[0]
            if first > after + 1:  # deleted meanwhile
                after = first - 1
                continue
            # A damaged row goes alone, a damaged page with all that a step reads.
            after = error.number or after + SCRUB_ROWS
            yield error
        yield None


def sentence(found: list[str]) -> str:
    """What is rotten, and what to do."""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return (
        f"{found[0]}{more}. The disk loses data. Decisions go on and nothing promised is lost so far: the state is in "
        "memory, and a stop writes it down whole. Look at the disk (dmesg, smartctl), stop the node, copy data_dir to "
        "another disk, and start it there. What is rotten can be read neither by replay nor by explain."
    )


def _yield_to_others() -> None:
    """The lowest priority for this thread alone, as Linux has it."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def _forget_cached(path: Path) -> None:
    """What the system has in memory is no proof of what is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
