"""Why a run's figures are not to be quoted: the load before it, other processes meanwhile, a late load generator."""

import os
from pathlib import Path
from time import perf_counter
from typing import Any, Final

LOAD_PER_CORE_MAX: Final = 0.75
"""Load average of the last minute, for each core, before the run begins."""

OTHERS_CORES_MAX: Final = 0.25
"""What other processes may use of the machine meanwhile, in cores."""


class OtherProcesses:
    """From now on: how many cores are busy with what is neither this process nor one of its children that has ended."""

    def __init__(self) -> None:
        self._begin = perf_counter(), busy_s(), self._own_s()

    def cores(self) -> float:
        """On average."""
        then, busy, own = self._begin
        used_s = busy_s() - busy - (self._own_s() - own)
        return round(max(used_s, 0.0) / max(perf_counter() - then, 1e-3), 2)

    def _own_s(self) -> float:
        return sum(os.times()[:4])


def busy_s() -> float:
    """Seconds that all cores have worked for processes, and that a hypervisor took. Source: proc(5), /proc/stat."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split(maxsplit=9)
    return sum(int(fields[at]) for at in (1, 2, 3, 8)) / os.sysconf("SC_CLK_TCK")


def reasons(report: dict[str, Any]) -> list[str]:
    """Short ones, from a report with its `machine`; none where its figures may be quoted."""
    machine, found = report.get("machine", {}), []
    load = machine.get("load_average", [0.0])[0]
    if load > LOAD_PER_CORE_MAX * machine.get("cores", 1):
        found.append(f"load {load:g}")
    if (others := report.get("others_cores") or 0.0) > OTHERS_CORES_MAX:
        found.append(f"other processes used {others:g} cores")
    if report.get("generator_late", {}).get("too_late"):
        found.append("generator late")
    return found
