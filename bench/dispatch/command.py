"""`doorstep bench dispatch`: how good dispatch is on the public meal-delivery instances."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge.errors import InputError

if TYPE_CHECKING:
    from .report import Result
    from .run import Job

TABLE_WIDTH: Final = 132
"""Columns that the table needs; a narrower terminal wraps its lines rather than its numbers."""


@click.command(short_help="Measure dispatch on the public meal-delivery instances.")
@click.option(
    "--instances",
    multiple=True,
    required=True,
    metavar="DIR...",
    help="Folders of instances, or a folder that holds such folders.",
)
@click.argument("further", nargs=-1, metavar="[DIR]...")
@click.option(
    "--policy",
    type=click.Choice(["rolling-horizon", "nearest"]),
    default="rolling-horizon",
    show_default=True,
    help="Who decides.",
)
@click.option("--uncertain", is_flag=True, help="Only mean preparation times are known until an order is ready.")
@click.option(
    "--track",
    type=click.Choice(["strict"]),
    default="strict",
    show_default=True,
    help="The rules: those of the published comparison.",
)
@click.option("--export", metavar="DIR", help="Write each day's solution files to DIR/<instance>/.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Days run at once.")
@click.option("--json", "report_path", required=True, metavar="FILE", help="Write the report here.")
@click.option("--plot", metavar="FILE", help="Draw quality against response time (SVG).")
def dispatch(
    instances: Sequence[str],
    further: Sequence[str],
    policy: str,
    uncertain: bool,
    track: str,  # noqa: ARG001  there is one so far
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

    Exit codes: 0 done, 1 a solution was infeasible, 2 an input cannot be used.
    """
    from rich.console import Console

    from .report import build, table
    from .run import Job, folders

    for path in filter(None, (report_path, plot)):
        if Path(path).is_dir() or not Path(path).absolute().parent.is_dir():
            raise InputError(path, None, "it cannot be written there. Name a file in an existing folder.")
    todo = [Job(folder, policy, uncertain, export or "") for folder in folders([*instances, *further])]
    results = _shown(todo, jobs)
    Path(report_path).write_text(json.dumps(build(results), indent=2) + "\n", encoding="utf-8")
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(table(results, policy, uncertain))
    if plot:
        Path(plot).write_text(_picture(todo, results, policy), encoding="utf-8")


def _shown(todo: "Sequence[Job]", jobs: int) -> "list[Result]":
    """Run with a progress bar. The results are in the sequence of `todo`."""
    from rich.console import Console
    from rich.progress import track

    from .run import run_all

    order = {Path(job.folder).resolve().name: index for index, job in enumerate(todo)}
    running = run_all(todo, jobs)
    done = track(running, "days", total=len(todo), console=Console(stderr=True))
    return sorted(done, key=lambda result: order[result.name])


def _picture(todo: "Sequence[Job]", results: "Sequence[Result]", policy: str) -> str:
    """The day on which couriers were scarcest, and the calmest."""
    from .plot import svg
    from .run import waits

    def scarcity(index: int) -> tuple[float, float]:
        score = results[index].score
        return score.undelivered_pct, score.ctd_penalised - score.lb_ctd

    sequence = sorted(range(len(results)), key=scarcity)
    chosen = list(dict.fromkeys((sequence[-1], sequence[0])))
    return svg(policy, [waits(todo[index]) for index in chosen])
