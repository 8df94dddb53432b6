"""What a person sees of a comparison."""

from typing import Any

from ..tables import Table
from .paired import FIGURES, ROUNDS_MIN, SLOWER


def compare_table(report: dict[str, Any]) -> Table:
    """The ratios, this over the other."""
    rows: list[tuple[str, ...]] = []
    for name, figure in report["figures"].items():
        span = "" if figure["low"] is None else f"{figure['low']:.3f}–{figure['high']:.3f}"
        within = figure["verdict"] == SLOWER and not figure["beyond"]
        result = figure["verdict"] + (f", within × {figure['threshold']:g}" if within else "")
        values = (f"{figure['this']:.4g}", f"{figure['other']:.4g}", f"{figure['ratio']:.3f}")
        rows.append((FIGURES[name].words, *values, span, result))
    title = f"{_named(report['this'])} over {_named(report['other'])}; medians, 95 % intervals"
    return Table(title, ("this", "other", "ratio", "interval", "verdict"), rows)


def compare_lines(report: dict[str, Any]) -> list[str]:
    """What limits the comparison: too few rounds, lost orders, other environments and processes."""
    pairs = max(len(figure["ratios"]) for figure in report["figures"].values())
    few = f"{pairs} pair{'s' * (pairs > 1)} of rounds: an interval, and so a result, needs {ROUNDS_MIN}."
    found = [few] if pairs < ROUNDS_MIN else []
    for one in (report["this"], report["other"]):
        if one["lost"] or one["refused"]:
            found.append(f"{_named(one)}: {one['lost']} orders lost, {one['refused']} messages refused")
    if "others_cores" not in report:
        return [*found, "Not measured in turns: what the machine did at either time is in the ratios."]
    found.append(f"The other revision ran with {report['other']['environment']}.")
    return [*found, f"Other processes used {report['others_cores']:g} cores meanwhile."]


def _named(one: dict[str, Any]) -> str:
    """Revision or file, with its commit where the name is not the commit itself."""
    name = one.get("report") or one.get("revision") or "this tree"
    commit = one["commit"] or ""
    if commit and commit.startswith(name):
        return commit[:7]
    return f"{name} ({commit[:7] or 'commit unknown'}{', dirty' * bool(one['dirty'])})"
