"""`doorstep bench times`: how well a node learns how long things take."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from ..cli_options import check_writable, counting, json_file, write_report
from ..source import source
from ..tables import Table, show

TABLE_WIDTH = 130
"""Columns that the table needs."""


@click.command(short_help="How well a node learns how long things take.")
@click.option("--instances", multiple=True, required=True, metavar="DIR...", help="Folders of meal-delivery instances.")
@click.argument("further", nargs=-1, metavar="[DIR]...")
@json_file
def times(instances: Sequence[str], further: Sequence[str], report_path: str | None) -> None:
    """Run days through a node's dispatch whose configuration, or whose orders, are wrong about time, without and with
    learning: rides and handovers 30 % slower than configured; orders that state no preparation time, and kitchens that
    call none or 7 of 10 ready; every second shop six minutes later than it states; everything right.

    The orders of each instance are dealt to two days of one node by lot, with seven of ten riders on each. Reported are
    promises: late by more than five minutes, inside the interval, the interval's mean width, and click-to-door.

    \b
    Example:
      doorstep bench times --instances mdrplib/0o100t100s1p100 mdrplib/1o100t100s1p100 --json times.json
    """
    from ..demo.district.instance import read
    from .measure import CASES

    check_writable(report_path)
    read_in = [read(Path(folder)) for folder in (*instances, *further)]
    report: dict[str, object] = {"instances": [each.name for each in read_in]}
    rows: list[tuple[str, ...]] = []
    with counting("cases", 2 * len(CASES)) as shown:
        for name, case in CASES.items():
            for learn in (False, True):
                found = case(read_in, learn)
                report[f"{name}, {'learning' if learn else 'not learning'}"] = msgspec.to_builtins(found)
                for part, each in ((part, each) for part, each in found.items() if each.promises):
                    values = (each.late_percent, each.inside_percent, each.width_min, each.click_to_door_min)
                    cells = (str(each.promises), *(f"{value:.1f}" for value in values))
                    rows.append((f"{name}, {'learned' if learn else 'as configured'}, {part}", *cells))
                shown(len(report) - 1)
    write_report(report_path, {**report, "versions": source()})
    headings = ("promises", "late > 5 min, %", "inside, %", "width, min", "click to door, min")
    show([Table("learned times", headings, rows)], width_min=TABLE_WIDTH)
