"""What the machine has: a disk that keeps its word in time and has room, a clock, file descriptors."""

import ctypes
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from ..app.config import Config
from ..limits import CONNECTIONS_MAX, DESCRIPTORS_SPARE
from .finding import Report

SYNCS: Final = 100
"""Writes that are timed: enough for a 99th percentile, and a second on a slow card."""

SYNC_MS_SLOW: Final = 20.0
"""At the 99th percentile: from here on the disk is most of an answer's time."""

SYNC_MS_MAX: Final = 1_000.0
"""From here on an answer takes seconds of the eight that people wait."""

ORDER_BYTES: Final = 15_000
"""Journal for an order, with what riders and shelf labels send meanwhile: 1.70 MB for the 112 orders of `doorstep demo
--headless --speed 300 --minutes 0.6`."""

SPARE_BYTES: Final = 200_000_000
"""Beside the journal: snapshots, the WAL, a copy of what is damaged."""

VERSION_BYTES_MAX: Final = 300_000_000
"""Room for the next version beside this one."""

_VOLATILE: Final = frozenset(("tmpfs", "ramfs"))
_TIME_ERROR: Final = 5
"""What adjtimex(2) returns while the clock is not synchronised."""


def disk(folder: Path, config: Config, orders_per_day: int, report: Report) -> None:
    """Check the disk below the data directory: its kind, its speed, its room."""
    kind = _kind(folder)
    if kind in _VOLATILE:
        text = f"{folder} lies on {kind}, in memory: a power cut takes every promise with it."
        report.error("volatile_disk", f"{text} Name a data_dir on a disk.")
    elif (slow := _sync_ms(folder)) is None:
        report.error("disk_write", f"A file in {folder} cannot be written and synced. Look at the disk and its space.")
    else:
        report.facts["disk_sync_p99_ms"] = round(slow, 2)
        text = f"A write takes {slow:.0f} ms to be safe on the disk of {folder} (99th percentile of {SYNCS})."
        if slow > SYNC_MS_MAX:
            report.error("slow_disk", f"{text} Orders wait for it: put data_dir on another disk.")
        elif slow > SYNC_MS_SLOW:
            report.warning("slow_disk", f"{text} Each answer waits for it. An SSD takes below 5 ms.")
    needed = int(config.retention_days * orders_per_day * ORDER_BYTES) + SPARE_BYTES
    held = sum(path.stat().st_size for path in Path(config.data_dir).glob("journal.sqlite3*"))
    free = shutil.disk_usage(folder).free
    report.facts["disk_free_gb"] = round(free / 1e9, 2)
    report.facts["disk_needed_gb"] = round(needed / 1e9, 2)
    if free + held < needed:
        report.error(
            "disk_space",
            f"{orders_per_day:,} orders a day for {config.retention_days:g} days take {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB are free at {folder}. Make room, shorten retention_days, or give the number of "
            "orders with --orders-per-day.",
        )
    if 0 < config.journal_max_gb < needed / 1e9:
        text = f"{orders_per_day:,} orders a day for {config.retention_days:g} days take {needed / 1e9:.1f} GB"
        report.warning(
            "journal_too_small",
            f"{text}: with journal_max_gb = {config.journal_max_gb:g} the node will refuse events. Raise it, shorten "
            "retention_days, or give the number of orders with --orders-per-day.",
        )
    home = Path(sys.prefix)
    if shutil.disk_usage(home).free < VERSION_BYTES_MAX:
        text = (
            f"Less than {VERSION_BYTES_MAX // 10**6} MB are free at {home}: the next version has no room beside this."
        )
        report.warning("no_room_for_upgrade", f"{text} Make room before an upgrade.")


def _kind(folder: Path) -> str:
    """The type of the file system that a folder lies on, as /proc/mounts has it."""
    found, longest = "", -1
    real = folder.resolve()
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, place, kind, *_ = line.split(" ")
        if real.is_relative_to(place) and len(place) >= longest:
            found, longest = kind, len(place)
    return found


def _sync_ms(folder: Path) -> float | None:
    """The 99th percentile of a 4 kB write with fdatasync, in ms; None where the disk refuses it."""
    times: list[float] = []
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(SYNCS):
                begin = time.perf_counter()
                file.write(bytes(4096))
                file.flush()
                os.fdatasync(file.fileno())
                times.append(time.perf_counter() - begin)
    except OSError:
        return None
    return sorted(times)[SYNCS * 99 // 100 - 1] * 1000


def clock(report: Report) -> None:
    """Check whether somebody keeps the clock right: promises and the windows of the centre rest on it."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    if state == _TIME_ERROR:
        report.warning(
            "clock",
            "The clock is not synchronised. Switch on a time service: apt install systemd-timesyncd (or chrony).",
        )


def descriptors(report: Report) -> None:
    """Check how many connections fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CONNECTIONS_MAX + 3 * DESCRIPTORS_SPARE:
        room = max(0, hard - 3 * DESCRIPTORS_SPARE)
        report.warning(
            "descriptors",
            f"{hard} open files are allowed, so {room} clients fit instead of {CONNECTIONS_MAX:,}. Raise the limit: "
            "LimitNOFILE in the unit, as deploy/ has it, or ulimit -Hn.",
        )
