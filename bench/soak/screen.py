"""What a person reads at the end of a soak."""

from typing import Any

from rich.console import Console
from rich.table import Table

from .figures import LEVEL_MINUTES


def soak_table(report: dict[str, Any]) -> None:
    """The slopes with their intervals, and what was driven."""
    console = Console()
    table = Table(title=f"{report['minutes']:g} minutes, growth in a real hour with its 95 % interval")
    for name in ("", "mean", "over all", "within lives"):
        table.add_column(name, justify="left" if not name else "right")
    for name, found in report["slopes"].items():
        table.add_row(
            name, f"{found['over_all']['level']:.1f}", _words(found["over_all"]), _words(found.get("within_lives"))
        )
    console.print(table)
    driven = ", ".join(f"{name} {count}" for name, count in sorted(report["faults"].items()))
    console.print(f"driven: {driven}")
    console.print(
        f"{report['events']:,} events, lost {report['lost']}, doubled {report['doubled']}; processes that died "
        f"unordered: {sum(report['died_unordered'].values())}"
    )
    for name in report["upward"]:
        console.print(f"[bold]It grows: {name}[/]")
    if report["upward"] and report["minutes"] < LEVEL_MINUTES:
        console.print(f"Take {LEVEL_MINUTES:g} minutes or more: in fewer memory is on its way to its level.")


def _words(line: dict[str, Any] | None) -> str:
    if line is None:
        return ""
    return f"{line['per_hour']:+.2f} ({line['low']:+.2f} to {line['high']:+.2f})"
