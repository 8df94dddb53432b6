"""What one durable append costs the disk: the same bytes, one write, one fdatasync, on the journal's file system."""

import os
import time
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray


def sync_times(folder: Path, size: int, count: int, pause_s: float) -> NDArray[np.float64]:
    """Milliseconds of `count` appends of `size` bytes, `pause_s` apart, each with its own fdatasync. Blocks."""
    path = folder / "sync"
    body = os.urandom(size)
    times: list[float] = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(count):
            begin = perf_counter()
            os.write(descriptor, body)
            os.fdatasync(descriptor)
            times.append(perf_counter() - begin)
            time.sleep(pause_s)
    finally:
        os.close(descriptor)
        path.unlink()
    return np.array(times) * 1000


def file_system(folder: Path) -> str:
    """The type of the file system under a folder. Source: /proc/self/mounts, proc(5)."""
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, point, name, *_ = line.split()
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, name
    return kind
