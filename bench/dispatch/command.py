"""`doorstep bench dispatch`: how good dispatch is on the public meal-delivery instances."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from edge.errors import InputError

from ..cli_options import check_writable, counting, write_report
from ..plotting import check_installed, write
from ..source import source

if TYPE_CHECKING:
    from .days import Job
    from .report import Beside, Result

TABLE_WIDTH: Final = 140
"""Columns that the table needs; a narrower terminal wraps its lines rather than its numbers."""


@click.command(short_help="Measure dispatch on the public meal-delivery instances.")
@click.option("--instances", multiple=True, metavar="DIR...", help="Folders of instances, or a folder of such folders.")
@click.argument("further", nargs=-1, metavar="[DIR]...")
@click.option(
    "--policy",
    type=click.Choice(["doorstep", "rolling-horizon", "nearest"]),
    default="doorstep",
    show_default=True,
    help="Who decides.",
)
@click.option(
    "--baseline",
    type=click.Choice(["rolling-horizon", "none"]),
    help="Who decides beside it on the same days, in rounds of its own and of one minute.  "
    "[default: rolling-horizon beside doorstep, else none]",
)
@click.option("--uncertain", is_flag=True, help="Only mean preparation times are known until an order is ready.")
@click.option(
    "--track",
    type=click.Choice(["strict", "open"]),
    default="strict",
    show_default=True,
    help="The rules: those of the published comparison. The open track is refused: no policy here uses its freedoms.",
)
@click.option("--fair-s", type=click.IntRange(0, 600), metavar="S", help="The node's option fair_s; 0: no fairness.")
@click.option(
    "--riders",
    type=click.Choice(["willing", "real"]),
    default="willing",
    show_default=True,
    help="real: replies after seconds, refusals, silence, old positions, slow rides, kitchens that report nothing.",
)
@click.option("--keep", is_flag=True, help="With --riders real: the days in sequence on one node, which remembers.")
@click.option("--decline", type=click.FloatRange(0, 1), default=0.0, help="Probability that a courier declines.")
@click.option("--silent", type=click.FloatRange(0, 1), default=0.0, help="Probability that a courier does not answer.")
@click.option("--decide-times", is_flag=True, help="Time decisions in generated districts, up to 2,000 x 2,000.")
@click.option("--node", "node", is_flag=True, help="Give each day to a node process, too, and compare each decision.")
@click.option("--export", metavar="DIR", help="Write each day's solution files to DIR/<instance>/.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Days run at once.")
@click.option("--json", "report_path", required=True, metavar="FILE", help="Write the report here.")
@click.option("--plot", metavar="FILE", help="Draw quality against response time here: .svg or .png.")
def dispatch(
    instances: Sequence[str],
    further: Sequence[str],
    policy: str,
    baseline: str | None,
    uncertain: bool,
    track: str,
    fair_s: int | None,
    riders: str,
    keep: bool,
    decline: float,
    silent: float,
    decide_times: bool,
    node: bool,
    export: str | None,
    jobs: int,
    report_path: str,
    plot: str | None,
) -> None:
    """Run whole days of the public Meal Delivery Routing Problem set through a policy, and score them.

    The simulator enforces every rule and shows the policy only the stream; a scorer that shares no logic with it checks
    the solution again. The table stands beside the published numbers; intervals are bootstrapped by seed.

    \b
    doorstep bench dispatch --instances mdrplib/0o50t100s1p100 --json out.json
    doorstep bench dispatch --instances mdrplib --policy nearest --jobs 2 --json nearest.json
    doorstep bench dispatch --instances mdrplib --uncertain --export solutions --json uncertain.json
    doorstep bench dispatch --instances mdrplib --decline 0.1 --silent 0.05 --json refusals.json
    doorstep bench dispatch --instances mdrplib/0o100t100s1p100 mdrplib/5o50t100s1p100 --riders real --json real.json
    doorstep bench dispatch --instances small-district --node --json node.json
    doorstep bench dispatch --decide-times --json times.json

    Exit codes: 0 done, 1 a solution was infeasible or a node decided otherwise, 2 an input cannot be used.
    """
    if not (instances or further or decide_times):
        raise click.UsageError("Name folders with --instances, or give --decide-times, or both.")
    if keep and riders != "real":
        raise click.UsageError("--keep is for --riders real: on the strict track every day begins with an empty node.")
    if riders == "real":
        strict_only = (uncertain, decline, silent, node, export, plot, decide_times, fair_s is not None)
        _real(policy == "doorstep" and not any(strict_only), [*instances, *further], keep, report_path)
        return
    if decline + silent > 1:
        raise click.UsageError(f"--decline {decline:g} and --silent {silent:g} are more than 1 together.")
    if plot and not (instances or further):
        raise click.UsageError("--plot draws days: name folders with --instances.")
    if node and (policy != "doorstep" or uncertain or not (instances or further)):
        raise click.UsageError("--node compares days of doorstep with known times: name folders with --instances.")
    if track == "open":
        hint = "cross-restaurant routes and free repositioning are not built. Use --track strict."
        raise InputError("--track open", None, hint)
    check_writable(report_path, plot)
    if plot:
        check_installed()
    beside = baseline or ("rolling-horizon" if policy == "doorstep" else "none")
    days = _days([*instances, *further], policy, uncertain, export or "", fair_s)
    report: dict[str, Any] = {}
    if days:
        report |= _measured(days, "" if beside == "none" else beside, decline, silent, jobs, report_path, plot)
    if decide_times:
        report |= _timed(policy)
    same = True
    if node:
        same, report["node"] = _through_node(days)
    write_report(report_path, {**report, "versions": source()})
    if not same:
        raise SystemExit(1)


def _days(named: Sequence[str], policy: str, uncertain: bool, export: str, fair_s: int | None) -> "list[Job]":
    """What is to be run, with the node's options as they are asked for."""
    from .days import Job, folders

    changes = {} if fair_s is None else {"fair_s": fair_s}
    return [Job(folder, policy, uncertain, export, changes=changes) for folder in folders(named)]


def _measured(
    days: "Sequence[Job]", baseline: str, decline: float, silent: float, jobs: int, report_path: str, plot: str | None
) -> dict[str, Any]:
    """The days, those beside them, and the picture."""
    from msgspec.structs import replace
    from rich.console import Console

    from .report import Beside, build
    from .simulator.refusals import Unwilling
    from .table import remarks, table

    unwilling = Unwilling(decline, silent)
    todo = [*days]
    if baseline:
        todo += [replace(day, policy=baseline, export="", every=every) for every in (0, 1) for day in days]
    if unwilling:
        todo += [replace(day, unwilling=unwilling, export="") for day in days]
    found = _run(todo, jobs, "days")
    parts = [found[start : start + len(days)] for start in range(0, len(found), len(days))]
    results = parts.pop(0)
    rounds = (parts.pop(0), parts.pop(0)) if baseline else ((), ())
    beside = Beside(baseline, *rounds, unwilling, parts.pop(0) if unwilling else ())
    report = build(results, beside)
    # The picture takes as long again: what is known is written before.
    write_report(report_path, {**report, "versions": source()})
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(table(results, days[0].policy, days[0].uncertain, beside))
    for words in remarks(results, beside):
        console.print(words)
    if plot:
        report["response"] = _picture(days, results, beside, jobs, plot)
    return report


def _picture(
    days: "Sequence[Job]", results: "Sequence[Result]", beside: "Beside", jobs: int, plot: str
) -> dict[str, Any]:
    """Quality against response time on a scarce and a calm day, drawn; as it stands in the report."""
    from msgspec.structs import replace

    from .response import build, chosen, jobs_of, line
    from .response_plot import response_plot

    numbers = chosen(results)
    each = [jobs_of(replace(days[number], export="")) for number in numbers]
    done = iter(_run([job for todo in each for job in todo], jobs, "response times"))
    lines = [
        line(
            [next(done) for _ in todo],
            [found[number] for found in (beside.each_minute_results, beside.baseline_results) if found],
        )
        for number, todo in zip(numbers, each, strict=True)
    ]
    write(plot, lambda: response_plot(days[0].policy, lines))
    return build(lines)


def _timed(policy: str) -> dict[str, Any]:
    """Decisions in generated districts."""
    from .days import POLICIES
    from .generated import CASES, build, lines, times

    timed = []
    with counting("time to decide", len(CASES)) as show:
        for each in times(POLICIES[policy]):
            timed.append(each)
            show(len(timed))
    for words in lines(timed):
        click.echo(words)
    return {"decide_times": {"policy": policy, "cases": build(timed)}}


def _real(alone: bool, named: Sequence[str], keep: bool, report_path: str) -> None:
    """The cases of real riders: their table, and the report. `alone`: nothing is asked for that only the strict track
    has."""
    from pathlib import Path

    import msgspec

    from ..demo.district.instance import read
    from ..tables import show as show_tables
    from .days import folders
    from .real_riders.measure import CASES, Row, rows
    from .real_riders.table import table

    if not alone:
        raise click.UsageError(
            "--riders real runs doorstep alone, with riders of its own: leave out the other options."
        )
    check_writable(report_path)
    instances = [read(Path(folder).resolve()) for folder in folders(named)]
    found: list[Row] = []
    with counting("cases", len(CASES)) as show:
        for number, name in enumerate(CASES, 1):
            found += rows(name, instances, keep)
            show(number)
    show_tables([table(found)], width_min=TABLE_WIDTH)
    report = {"riders": "real", "instances": [each.name for each in instances], "keep": keep}
    shown = {row.name: msgspec.to_builtins(row) for row in found}
    write_report(report_path, {**report, "rows": shown, "versions": source()})


def _through_node(days: "Sequence[Job]") -> tuple[bool, dict[str, Any]]:
    """Each day once more in this process and through a node. Whether all decisions were the same, and the report."""
    import tempfile
    from pathlib import Path

    import msgspec

    from ..demo.district.instance import read
    from .node.comparison import compare

    found: dict[str, Any] = {}
    same = True
    for day in days:
        instance = read(Path(day.folder).resolve())
        with tempfile.TemporaryDirectory(prefix="doorstep-bench-") as room:
            comparison = compare(instance, Path(room) / "node", day.changes)
        same = same and comparison.same
        click.echo(f"{instance.name}: {comparison.sentence()}")
        found[instance.name] = {"same": comparison.same, **msgspec.to_builtins(comparison)}
    return same, found


def _run(todo: "Sequence[Job]", jobs: int, what: str) -> "list[Result]":
    """Run with a progress bar. The results are in the sequence of `todo`."""
    from .days import run_all

    done: dict[int, Result] = {}
    with counting(what, len(todo)) as show:
        for number, result in run_all(todo, jobs):
            done[number] = result
            show(len(done))
    return [done[number] for number in range(len(todo))]
