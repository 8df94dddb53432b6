"""What a person reads at the end of a soak, and on the page of all reports."""

from typing import Any

from ..tables import Table
from .figures import LEVEL_MINUTES


def soak_tables(report: dict[str, Any]) -> list[Table]:
    """The slopes with their intervals: over the whole run, and within the lives of a process that is killed."""
    title = f"{report['minutes']:g} minutes, growth in a real hour with its 95 % interval"
    rows = [
        (name, f"{found['over_all']['level']:.1f}", _words(found["over_all"]), _words(found.get("within_lives")))
        for name, found in report["slopes"].items()
    ]
    return [Table(title, ("mean", "over all", "within lives"), rows)]


def soak_lines(report: dict[str, Any]) -> list[str]:
    """What was driven, what came of it, and what grows."""
    driven = ", ".join(f"{name} {count}" for name, count in sorted(report["faults"].items()))
    counts = f"{report['events']:,} events, lost {report['lost']}, doubled {report['doubled']}"
    died = f"processes that died unordered: {sum(report['died_unordered'].values())}"
    found = [f"driven: {driven}", f"{counts}; {died}"]
    found += [f"It grows: {name}" for name in report["upward"]]
    if report["upward"] and report["minutes"] < LEVEL_MINUTES:
        found.append(f"Take {LEVEL_MINUTES:g} minutes or more: in fewer memory is on its way to its level.")
    return found


def _words(line: dict[str, Any] | None) -> str:
    if line is None:
        return ""
    return f"{line['per_hour']:+.2f} ({line['low']:+.2f} to {line['high']:+.2f})"
