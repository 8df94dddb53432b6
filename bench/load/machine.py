"""Where a figure was measured, and with what: without it a figure means nothing."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from ..lab.programs import find_program
from ..source import source
from .floors.disk import file_system

_DISTRIBUTIONS: Final = ("doorstep", "mqtt5", "uvloop", "apsw", "msgspec", "numpy")


def machine(folder: Path) -> dict[str, Any]:
    """Processor, cores that this process may use, kernel, the interpreter's pace, the file system of `folder`, load
    average, and when."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python_loop_ms": round(python_loop_ms(), 1),
        "file_system": file_system(folder),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def python_loop_ms() -> float:
    """What a fixed loop of plain Python costs: builds of one version differ by half, and a figure with them. Best of 9,
    in milliseconds of wall time."""

    def once() -> float:
        begin = perf_counter()
        seen: dict[int, tuple[int, int]] = {}
        total = 0
        for number in range(50_000):
            seen[number & 1023] = (number, total)
            total += len(seen[number & 1023])
        return perf_counter() - begin

    return min(once() for _ in range(9)) * 1000


def versions() -> dict[str, str | bool | None]:
    """The commit and whether it was changed, Python, what the node is made of, and Mosquitto."""
    found: dict[str, str | bool | None] = {**source(), "python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    program = find_program("mosquitto")
    help_text = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout
    found["mosquitto"] = (
        help_text.splitlines()[0].removeprefix("mosquitto version ").strip() if help_text else "unknown"
    )
    return found
