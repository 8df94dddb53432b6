"""Two reports of one kind, where they were asked for the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from edge.errors import InputError

from ..load.lateness import sentence
from .paired import evaluate

Report = dict[str, Any]
Pairs = dict[str, tuple[list[float], list[float]]]
"""By name of a figure: the values of the first report and of the second, of one round each."""

SAME_MACHINE: Final = ("processor", "cores", "kernel", "file_system")
PACE_MAX: Final = 1.1
"""Between two paces of the interpreter on one machine; more is another build, or a busy machine."""


def compare(paths: tuple[str, str], threshold: float | None) -> Report:
    """The report of the first over the second. Raises InputError where they cannot be compared, with what differs."""
    first, second = (read(path) for path in paths)
    kind = first["benchmark"]
    if second["benchmark"] != kind:
        raise InputError(paths[1], None, f"it is of {second['benchmark']}, {paths[0]} of {kind}. Name two of one kind.")
    asked, values = KINDS[kind]
    differing = differences(first[asked], second[asked])
    if differing:
        hint = f"it was asked for something else than {paths[0]}: {', '.join(differing)}. Measure one of them again."
        raise InputError(paths[1], None, hint)
    try:
        pairs = values(first, second)
        figures = {name: evaluate(name, *pair, threshold) for name, pair in pairs.items()}
    except (KeyError, TypeError, ValueError) as error:
        hint = f"it, or {paths[0]}, has no figures to compare ({error!r}). Measure again."
        raise InputError(paths[1], None, hint) from None
    reasons = _reasons(paths, first, second)
    report: Report = {"do_not_quote": " ".join(reasons)} if reasons else {}
    report |= {"benchmark": "compare", "of": kind, "plan": first[asked]}
    for name, path, one in zip(("this", "other"), paths, (first, second), strict=True):
        versions, machine = one.get("versions", {}), one.get("machine", {})
        report[name] = {"report": path, "commit": versions.get("commit"), "dirty": versions.get("dirty")}
        report[name] |= {"lost": one.get("lost", 0), "refused": one.get("refused", 0), "machine": machine}
    return {**report, "figures": figures}


def read(path: str) -> Report:
    """A report of one of KINDS. Raises InputError."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, None, f"{error.strerror}. Name a file that doorstep bench NAME --json wrote.") from None
    except ValueError as error:
        raise InputError(path, None, f"it is no JSON ({error}). Name what doorstep bench NAME --json wrote.") from None
    kind = found.get("benchmark") if isinstance(found, dict) else None
    if kind not in KINDS:
        hint = f"it is no report of {' or '.join(KINDS)} (benchmark = {kind!r}); only those can be compared."
        raise InputError(path, None, hint)
    return found


def differences(first: Report, second: Report) -> list[str]:
    """Names and values of what two plans do not agree in."""
    return [
        f"{name} ({first.get(name, 'absent')} and {second.get(name, 'absent')})"
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    ]


def _latency(first: Report, second: Report) -> Pairs:
    """Of each round: rounds of one number have the same arrival times in both."""
    ours, theirs = (one["rounds"]["doorstep"] for one in (first, second))
    return {name: ([one[name] for one in ours], [one[name] for one in theirs]) for name in ("p50", "p99")}


def _throughput(first: Report, second: Report) -> Pairs:
    """One value each: the search has no rounds. CPU is that at the highest rate that both held: in a crowd an order
    costs less."""
    ours, theirs = (
        {one["rate"]: one["cpu_us"] for one in report["doorstep"]["tried"] if one["held"]} for report in (first, second)
    )
    common = max(ours.keys() & theirs.keys())
    return {"rate": ([max(ours)], [max(theirs)]), "cpu_us": ([ours[common]], [theirs[common]])}


def _reasons(paths: tuple[str, str], *reports: Report) -> list[str]:
    """Why the comparison is not to be quoted."""
    found = [
        f"{path}: {late.replace(' above', '')}"
        for path, one in zip(paths, reports, strict=True)
        if "generator_late" in one and (late := sentence(one["generator_late"]))
    ]
    first, second = (one.get("machine", {}) for one in reports)
    apart = differences(
        {name: first.get(name) for name in SAME_MACHINE}, {name: second.get(name) for name in SAME_MACHINE}
    )
    if apart:
        found.append(f"They are of two machines: {', '.join(apart)}.")
    paces = [one.get("python_loop_ms") or 1.0 for one in (first, second)]
    if max(paces) / min(paces) > PACE_MAX:
        found.append(f"A loop of Python took {paces[0]} and {paces[1]} ms: the machine was not equally fast.")
    return found


KINDS: Final[dict[str, tuple[str, Callable[[Report, Report], Pairs]]]] = {
    "latency": ("plan", _latency),
    "throughput": ("search", _throughput),
}
"""By kind: the field with what was asked for, and what gives the values of paired.FIGURES."""
