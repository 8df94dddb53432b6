"""`doorstep dev`: one command from a blank page to an order on a rider's phone."""

import asyncio
import contextlib
import signal
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import click

from edge.errors import BusyError, InputError

from ..lab.site import UNLIMITED, Site
from .pages import Pages
from .recording import Recording

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "sdk/examples/web"
LIBRARY: Final = ROOT / "sdk/miniprogram/dist/doorstep.whole.js"
NODE: Final = "dev"
PANES: Final = (
    ("Customer", "customer", "phone-7", "customer"),
    ("Rider", "rider", "rider-12", "rider"),
    ("Kitchen", "kitchen", "noodle-bar", "shop"),
)
"""Title, page, client and role."""


@click.command(short_help="A node, riders and the pages of an app, to write a client.")
@click.option(
    "--pages",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="A folder with customer.html, rider.html, kitchen.html; the examples by default.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="Of the page; 0: any.")
@click.option(
    "--riders", type=click.IntRange(0, 50), default=2, show_default=True, help="Riders that ride by themselves."
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Keep what the pages send and receive as vectors in this file.",
)
@click.option(
    "--library",
    type=click.Path(dir_okay=False, path_type=Path),
    default=LIBRARY,
    help="The client that pages load as doorstep.whole.js; the one in sdk/miniprogram by default.",
)
def dev(pages: Path | None, port: int, riders: int, record: Path | None, library: Path) -> None:
    """Start a node that takes anybody on this machine, riders that move, and a page with three panes (customer, rider,
    kitchen) above a log of every message. Change a page's code and reload it. Ctrl-C ends it; nothing is kept.

    \b
    doorstep dev
    doorstep dev --pages my-app --riders 0 --record session.json

    Exit codes: 0 ended; 2 the client is not built; 3 the port is in use.
    """
    if not library.is_file():
        hint = "It is not built. Run make miniprogram in the project's folder (it needs Node.js and npm)."
        raise InputError(str(library), None, hint)
    with tempfile.TemporaryDirectory(prefix="doorstep-dev-") as folder, Site(Path(folder), NODE) as site:
        options = {**UNLIMITED, "anonymous": True, "listen_ws": "127.0.0.1:0", "log_level": "warning", "shops": ["*"]}
        site.configure((), options, centre=False)
        site.start()
        recording = Recording(record, {client: role for _, _, client, role in PANES}) if record else None
        address = {"url": f"ws://127.0.0.1:{site.ports()['listen_ws']}/mqtt", "node": NODE}
        panes = [
            {"title": title, "address": f"/{page}.html#{urlencode({**address, 'name': client})}"}
            for title, page, client, _ in PANES
        ]
        try:
            served = Pages(port, pages or EXAMPLES, library, {"panes": panes}, recording.take if recording else _forget)
        except OSError as error:
            raise BusyError(f"127.0.0.1:{port} cannot be used: {error.strerror}. Choose another --port.") from None
        served.start()
        click.echo(f"{served.url}  customer, rider and kitchen; {riders} riders ride by themselves")
        click.echo(f"{address['url']}  node {NODE}, any name, no token; {site.status_url()}")
        try:
            asyncio.run(_until_ended(f"mqtt://127.0.0.1:{site.port}", riders))
        finally:
            served.close()


def _forget(_: object) -> None:
    """Nothing is recorded."""


async def _until_ended(url: str, riders: int) -> None:
    from .riders import ride

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    tasks = [asyncio.create_task(ride(url, NODE, number)) for number in range(1, riders + 1)]
    waits = asyncio.create_task(ended.wait())
    done, _ = await asyncio.wait([waits, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (waits, *tasks):
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done - {waits}:
        task.result()  # a rider that failed raises its reason
