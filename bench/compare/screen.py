"""What a person sees of a comparison."""

from typing import Any

from rich.console import Console
from rich.table import Table

from .paired import FIGURES, ROUNDS_MIN, SLOWER


def compare_table(report: dict[str, Any]) -> None:
    """The ratios, this over the other."""
    console = Console()
    table = Table(title=f"{_named(report['this'])} over {_named(report['other'])}; medians, 95 % intervals")
    for heading in ("", "this", "other", "ratio", "interval", "verdict"):
        table.add_column(heading, justify="left" if heading in ("", "verdict") else "right")
    for name, figure in report["figures"].items():
        span = "" if figure["low"] is None else f"{figure['low']:.3f}–{figure['high']:.3f}"
        result = figure["verdict"]
        if result == SLOWER and not figure["beyond"]:
            result += f", within × {figure['threshold']:g}"
        values = (f"{figure['this']:.4g}", f"{figure['other']:.4g}", f"{figure['ratio']:.3f}")
        table.add_row(FIGURES[name].words, *values, span, f"[bold]{result}[/]" if figure["beyond"] else result)
    console.print(table)
    pairs = max(len(figure["ratios"]) for figure in report["figures"].values())
    if pairs < ROUNDS_MIN:
        console.print(f"{pairs} pair{'s' * (pairs > 1)} of rounds: an interval, and so a result, needs {ROUNDS_MIN}.")
    for name in ("this", "other"):
        one = report[name]
        if one["lost"] or one["refused"]:
            console.print(f"[bold]{_named(one)}:[/] {one['lost']} orders lost, {one['refused']} messages refused")
    if "others_cores" in report:
        console.print(f"The other revision ran with {report['other']['environment']}.")
        console.print(f"Other processes used {report['others_cores']:g} cores meanwhile.")
    else:
        console.print("Not measured in turns: what the machine did at either time is in the ratios.")


def _named(one: dict[str, Any]) -> str:
    """Revision or file, with its commit where the name is not the commit itself."""
    name = one.get("report") or one.get("revision") or "this tree"
    commit = one["commit"] or ""
    if commit and commit.startswith(name):
        return commit[:7]
    return f"{name} ({commit[:7] or 'commit unknown'}{', dirty' * bool(one['dirty'])})"
