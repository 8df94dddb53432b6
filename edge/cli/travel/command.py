"""`doorstep travel`: makes the file for the option `travel_table`."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Final

import click
import numpy as np

from ...errors import InputError
from ...messages.coordinates import converted
from ...scenarios.dispatch.travel.table import CELLS_MAX, RESOLUTION_MAX, UNKNOWN, Seconds, packed, unpacked
from .osrm import PLACES_MAX, Place, durations

_OPEN: Final = UNKNOWN - 1
"""Of a ride that was not asked for yet."""


@click.command(short_help="Make a table of travel times for dispatch.")
@click.option(
    "--osrm", "url", metavar="URL", help="A routing service that speaks OSRM's table, such as http://127.0.0.1:5000."
)
@click.option("--profile", default="driving", show_default=True, help="How it rides, as the service names it.")
@click.option(
    "--around", "places", multiple=True, metavar="LAT,LON", help="The middle of an area; repeat it for several."
)
@click.option("--km", type=click.FloatRange(0.1, 100), default=5.0, show_default=True, help="How far an area reaches.")
@click.option(
    "--resolution",
    type=click.IntRange(5, RESOLUTION_MAX),
    default=9,
    show_default=True,
    help="Of the cells of H3: 8 for 900 m, 9 for 350 m, 10 for 130 m.",
)
@click.option(
    "--crs",
    type=click.Choice(["wgs84", "gcj02"]),
    default="wgs84",
    show_default=True,
    help="The node's coordinate system; the service is asked in wgs84.",
)
@click.option(
    "--csv", "csv_file", type=click.Path(exists=True, dir_okay=False), help="Instead: a file with from, to, seconds."
)
@click.option("--to", "target", required=True, metavar="FILE", help="Where to write the table.")
def travel(
    url: str | None,
    profile: str,
    places: Sequence[str],
    km: float,
    resolution: int,
    crs: str,
    csv_file: str | None,
    target: str,
) -> None:
    """Make a table of travel times: seconds between cells of H3, from a routing service or a CSV file.

    What was asked for stays in FILE.part until all is there: run the same command again to go on.

    \b
    doorstep travel --osrm http://127.0.0.1:5000 --profile bike --around 31.23,121.47 --km 5 --to travel.table
    doorstep travel --csv rides.csv --to travel.table

    Exit codes: 0 written; 1 the service cannot be asked; 2 an input cannot be used.
    """
    from .cells import around, centres, read_csv

    if bool(url) == bool(csv_file):
        raise click.UsageError("Give one of --osrm and --csv.")
    out = Path(target)
    if csv_file:
        resolution, cells, seconds = read_csv(Path(csv_file))
    else:
        assert url is not None
        if not url.startswith(("http://", "https://")):
            raise click.BadParameter("write http://… or https://…", param_hint="--osrm")
        cells = around([_place(place) for place in places], km, resolution)
        if not 0 < len(cells) <= CELLS_MAX:
            many = "No cell" if not cells else f"More than {CELLS_MAX} cells"
            raise click.UsageError(f"{many}: name --around, with a smaller --km or --resolution.")
        ends = [converted(*place, crs, "wgs84") for place in centres(cells)]
        seconds = _asked(out, url, profile, ends, f"{url} {profile} {crs} {cells}")
    body = packed(resolution, cells, seconds)
    part = out.with_name(f"{out.name}.new")
    part.write_bytes(body)
    part.replace(out)
    out.with_name(f"{out.name}.part").unlink(missing_ok=True)
    known = int((seconds != UNKNOWN).sum())
    click.echo(
        f"{out}: {len(cells)} cells of resolution {resolution}, {known} of {seconds.size} rides known, ", nl=False
    )
    click.echo(f"{len(body) / 1e6:.1f} MB, sha256 {unpacked(body).digest}")
    click.echo(f'Write travel_table = "{out}" into the section [dispatch].')


def _place(text: str) -> Place:
    lat, _, lon = text.partition(",")
    try:
        place = float(lat), float(lon)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no LAT,LON", param_hint="--around") from None
    if not (-90 <= place[0] <= 90 and -180 <= place[1] <= 180):
        raise click.BadParameter(f"{text!r} is no place on earth", param_hint="--around")
    return place


def _asked(out: Path, url: str, profile: str, places: Sequence[Place], request: str) -> Seconds:
    """All rides, in requests of PLACES_MAX x PLACES_MAX; those that an earlier run has asked for are read from the
    file beside the target."""
    part = out.with_name(f"{out.name}.part")
    mark, shape = sha256(request.encode()).digest(), (len(places), len(places))
    if not part.exists():
        part.write_bytes(mark + np.full(shape, _OPEN, np.uint16).tobytes())
    with part.open("rb") as file:
        if file.read(len(mark)) != mark or part.stat().st_size != len(mark) + 2 * len(places) ** 2:
            hint = "It is from another command. Delete it, or give the options of then to go on with it."
            raise InputError(str(part), None, hint)
    seconds = np.memmap(part, np.uint16, "r+", len(mark), shape)
    starts = range(0, len(places), PLACES_MAX)
    blocks = [(slice(one, one + PLACES_MAX), slice(two, two + PLACES_MAX)) for one, two in product(starts, starts)]
    with click.progressbar(blocks, label=f"{len(blocks)} requests") as shown:
        for rows, columns in shown:
            if (seconds[rows, columns] == _OPEN).any():
                seconds[rows, columns] = durations(url, profile, places[rows], places[columns])
                seconds.flush()
    return np.array(seconds)
