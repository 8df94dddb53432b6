"""`doorstep bench size`."""

from collections import Counter
from typing import Any

import click

from edge.errors import InputError

from ..cli_options import check_writable, json_file, write_report
from ..source import ROOT, source
from ..tables import Table, show


@click.command(short_help="The structure of the code, and an order's way through it.")
@click.option("--orders", type=click.IntRange(1, 99), default=9, show_default=True, help="To trace; the median counts.")
@click.option("--trace", "show_trace", is_flag=True, help="Print each call of one order too, and between which files.")
@json_file
def size(orders: int, show_trace: bool, report_path: str | None) -> None:
    """Measure the structure of this clone: what imports what, lines (the kernel is edge/ without mqtt, scenarios, cli
    and web), full folders, and the files that one order passes through in a real node, with its moves: calls from one
    file into another.

    \b
    Examples:
      doorstep bench size --json size.json
      doorstep bench size --orders 1 --trace
    """
    if not (ROOT / "pyproject.toml").is_file():
        raise InputError(str(ROOT), None, "the sources are not there. Run it in a clone, not in an installation.")
    check_writable(report_path)
    report = measure(orders)
    write_report(report_path, report)
    if show_trace:
        for line in trace_lines(report["order"]):
            click.echo(line)
    show([Table("the code base", ("",), size_rows(report))])


def measure(orders: int) -> dict[str, Any]:
    """The whole report: `structure`, `lines`, `words` (None where nothing counts them), and `order`, the median one."""
    from .lines import lines, words_left
    from .structure import structure
    from .tracer import median, memory_folder, traced

    with memory_folder() as folder:
        found = traced(folder, orders)
    order = median(found)
    return {
        "versions": source(),
        "structure": structure(ROOT),
        "lines": lines(ROOT),
        "words": words_left(),
        "order": {
            "files": order.files,
            "moves": order.moves,
            "calls": len(order.calls),
            "of_orders": [[len(one.files), one.moves, len(one.calls)] for one in found],
            "trace": [[call.depth, call.file, call.function, call.caller] for call in order.calls],
        },
    }


def trace_lines(order: dict[str, Any]) -> list[str]:
    """Each call, indented by its depth, with `>` before one that moves; then the pairs of files, most moves first."""
    made = [
        f"{'  ' * depth}{'> ' if caller not in ('', file) else ''}{file}:{function}"
        for depth, file, function, caller in order["trace"]
    ]
    pairs = Counter((caller, file) for _, file, _, caller in order["trace"] if caller not in ("", file))
    return [*made, "", *(f"{count:4} {caller} > {file}" for (caller, file), count in pairs.most_common()), ""]


def size_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """What was found, in words."""
    structure, lines, order = report["structure"], report["lines"], report["order"]
    upward = structure["upward"]
    largest = [f"{name} {count}" for name, count in lines["largest"].items()]
    full = [f"{name} {count}" for name, count in lines["full_folders"].items()]
    return [
        ("flat files in edge/", str(len(structure["flat_files"]))),
        ("packages: these and folders", str(structure["parts"])),
        ("floors: longest import chain", str(structure["floors"])),
        ("import arrows between them", str(structure["arrows"])),
        ("circles of imports", "\n".join(map(_circle, structure["circles"])) or "none"),
        ("upward imports", "no layers contract" if upward is None else "\n".join(map(_arrow, upward)) or "none"),
        ("lines of edge/", f"{lines['edge']:,}"),
        ("lines of the kernel", f"{lines['kernel']:,}"),
        ("lines of edge/scenarios/dispatch/", f"{lines['dispatch']:,}"),
        ("lines of bench/ and tests/", f"{lines['bench_and_tests']:,}"),
        ("lines of README.md", f"{lines['readme']:,}"),
        ("private words left", "not counted" if report["words"] is None else f"{report['words']:,}"),
        ("folders of more than 10 files", "\n".join(full) or "none"),
        ("largest files", "\n".join(largest)),
        ("files one order passes through", str(len(order["files"]))),
        ("moves of it between files", str(order["moves"])),
        ("calls of it in edge/", str(order["calls"])),
    ]


def _circle(circle: dict[str, Any]) -> str:
    """The parts, and its thinnest arrow: the first to cut."""
    thinnest = min(circle["arrows"], key=lambda arrow: len(arrow["files"]))
    return f"{', '.join(circle['parts'])}: thinnest {_arrow(thinnest)}"


def _arrow(arrow: dict[str, Any]) -> str:
    return f"{arrow['from']} > {arrow['to']} ({', '.join(arrow['files'])})"
