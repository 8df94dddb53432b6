"""`doorstep bench revoke`."""

import asyncio
from pathlib import Path
from statistics import median
from typing import Any

import click

from ..cli_options import Progress, ask, data_dir, json_file
from ..tables import Table, show


@click.command(short_help="How long a revoked client, or node, is still there.")
@click.option("--rounds", type=click.IntRange(1, 100), default=20, show_default=True, help="Revocations of each kind.")
@click.option("--idle", type=click.IntRange(0, 1_000), default=200, show_default=True, help="Other open sessions.")
@json_file
@data_dir
def revoke(rounds: int, idle: int, report_path: str | None, data_dir: str | None) -> None:
    """Revoke clients of a node, by credential, and nodes of a centre, by certificate: the time from the write of the
    revocation until the session of who only listens has ended, beside other sessions that stay.

    \b
    Example:
      doorstep bench revoke --rounds 20 --idle 200 --json revoke.json
    """
    from .measure import measure

    async def measured(folder: Path, progress: Progress) -> dict[str, Any]:
        return await asyncio.to_thread(measure, folder, rounds, idle, progress)

    report = ask(measured, 2, data_dir, report_path)
    show([Table("ms until a session has ended", ("median", "longest", "others that ended"), rows(report))])


def rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row of each kind."""
    return [
        (name, f"{median(found['ms']):.0f}", f"{max(found['ms']):.0f}", str(found["others_ended"]))
        for name, found in report["revoked"].items()
    ]
