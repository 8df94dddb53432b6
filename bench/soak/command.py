"""`doorstep bench soak`: what is asked, and what is shown."""

from pathlib import Path
from typing import Any

import click

from ..cli_options import Progress, ask, data_dir, json_file, plot_file
from ..tables import show


@click.command(short_help="Days of load with random faults: nothing may grow without end.")
@click.option("--minutes", type=click.FloatRange(0.1, 60 * 24 * 30), default=40.0, show_default=True, help="Real ones.")
@click.option("--rate", type=click.FloatRange(1, 2_000), default=40.0, show_default=True, help="Orders a real second.")
@click.option(
    "--speed", type=click.FloatRange(1, 2_000), default=288.0, show_default=True, help="So many times faster than life."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of faults and arrival times.")
@data_dir
@json_file
@plot_file
def soak(
    minutes: float,
    rate: float,
    speed: float,
    seed: int,
    data_dir: str | None,
    report_path: str | None,
    plot_path: str | None,
) -> None:
    """Load a real node and a real centre for as long as you like, and let things go wrong at random.

    kill -9 of either, cuts of the uplink, bursts of messages that nobody can read, most clients reconnecting at once.
    Memory, descriptors and disk are sampled each second; none of them may have an upward slope once caches are full.
    Kills come in the first third only, so that the rest is one life in which a slow leak shows.

    \b
    Examples:
      doorstep bench soak --json soak.json --plot soak.svg
      doorstep bench soak --minutes 480 --speed 72

    Exit code 1 where something grows, was lost or doubled, or a process died by itself.
    """
    from .figures import report as figures
    from .screen import soak_lines, soak_tables
    from .soak import PROGRESS_S, Plan, run
    from .soak_plot import soak_plot

    plan = Plan(minutes=minutes, rate=rate, speed=speed, seed=seed)

    async def measure(folder: Path, progress: Progress) -> dict[str, Any]:
        return figures(await run(plan, folder, progress))

    found = ask(measure, int(minutes * 60 / PROGRESS_S) + 1, data_dir, report_path, plot_path, soak_plot)
    show(soak_tables(found), soak_lines(found))
    if found["upward"] or found["lost"] or found["doubled"] or sum(found["died_unordered"].values()):
        raise SystemExit(1)
