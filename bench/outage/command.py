"""`doorstep bench outage`: what is asked, and what is shown."""

from pathlib import Path
from typing import Any

import click

from ..cli_options import Progress, ask, data_dir, json_file, plot_file
from ..tables import show


@click.command(short_help="The uplink goes for hours: what users notice, what waits, how it drains.")
@click.option(
    "--minutes-offline", type=click.FloatRange(1, 60 * 24 * 400), default=1440.0, show_default=True, help="Of the day."
)
@click.option("--rate", type=click.FloatRange(1, 2_000), default=50.0, show_default=True, help="Orders a real second.")
@click.option(
    "--speed",
    type=click.FloatRange(1, 5_000),
    default=1440.0,
    show_default=True,
    help="So many times faster than life.",
)
@click.option(
    "--rounds", type=click.IntRange(0, 50), default=1, show_default=True, help="Outages without kills, for latencies."
)
@click.option(
    "--kills/--no-kills", default=True, show_default=True, help="One more outage, with kill -9 in it and in its drain."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the arrival times.")
@data_dir
@json_file
@plot_file
def outage(
    minutes_offline: float,
    rate: float,
    speed: float,
    rounds: int,
    kills: bool,
    seed: int,
    data_dir: str | None,
    report_path: str | None,
    plot_path: str | None,
) -> None:
    """Cut the uplink of a real node for so many minutes of a scaled day, and give it back.

    Orders go on at one rate, in open loop, before, during and after. The report shows how local answers fared, how much
    waited for the centre, how soon it was drained, and whether clients, journal and centre agree to the last event.

    \b
    Examples:
      doorstep bench outage --minutes-offline 1440 --json outage.json --plot outage.svg
      doorstep bench outage --minutes-offline 10080 --speed 2880 --rounds 0 --json week.json

    Exit code 1 where anything was lost or doubled.
    """

    from .figures import report as figures
    from .outage_plot import outage_plot
    from .outages import Plan, run
    from .proof import prove
    from .screen import outage_lines, outage_tables

    if not rounds and not kills:
        raise click.UsageError("Without rounds and without kills there is nothing to do. Take --rounds 1.")
    plan = Plan(minutes_offline=minutes_offline, rate=rate, speed=speed, rounds=rounds, kills=kills, seed=seed)

    async def measure(folder: Path, progress: Progress) -> dict[str, Any]:
        ended = await run(plan, folder, progress)
        progress("reading the journal")
        proof = prove(ended.site.journal, ended.crowd.promised, ended.crowd.waiting, ended.summary)
        return figures(ended, proof)

    steps = 3 + 3 * (rounds + kills) + 2 * kills
    found = ask(measure, steps, data_dir, report_path, plot_path, outage_plot)
    show(outage_tables(found), outage_lines(found))
    if found["lost"] or found["doubled"]:
        raise SystemExit(1)
