"""`doorstep demo`: a day of a district against a real node and a real centre."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from ..cli_options import check_writable, write_report
from ..source import source

if TYPE_CHECKING:
    # Imported where they are used, so that --help and a wrong option cost nothing.
    from .demo import Demo
    from .district.instance import Instance
    from .fleet.fleet import FleetDemo
    from .options import Options

FRAME_S: Final = 0.25
"""Real seconds between two pictures of the live screen."""

CANNOT_DRAW: Final = ("", "dumb", "unknown")
"""Terminals, by TERM, that cannot move the cursor."""

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a run without a result."""

INTERRUPTED: Final = 130
"""Exit code of a headless run that a signal ended, as shells have it."""


@click.command(short_help="Run a simulated district against a node and a centre.")
@click.option(
    "--speed", type=click.FloatRange(1, 2_000), default=60.0, show_default=True, help="Times faster than real time."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the district and of its people's dice.")
@click.option("--instance", "path", type=click.Path(), metavar="PATH", help="Replay the day in this folder instead.")
@click.option(
    "--minutes", type=click.FloatRange(0.01), metavar="N", help="End after N real minutes instead of with the day."
)
@click.option(
    "--broker", default="", metavar="URL", help="Run through this MQTT broker: mqtt://[user:password@]host[:port]."
)
@click.option(
    "--nodes", type=click.IntRange(1, 9), default=1, show_default=True, metavar="N", help="So many nodes at one centre."
)
@click.option("--headless", is_flag=True, help="No live screen; print the result at the end.")
@click.option("--json", "report_path", type=click.Path(), metavar="FILE", help="Write the report here.")
@click.option(
    "--kill-node", type=click.IntRange(0, 100), default=0, metavar="N", help="SIGKILL the node N times on the way."
)
@click.option(
    "--decline-probability", type=click.FloatRange(0, 1), default=0.03, show_default=True, help="A rider declines."
)
@click.option(
    "--silent-probability",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="A rider ignores an offer.",
)
@click.option(
    "--data-dir", type=click.Path(), metavar="DIR", help="Keep journal, logs and configuration of the run here."
)
@click.option("--keep", is_flag=True, help="Keep the data even where no --data-dir names a place for it.")
def demo(
    speed: float,
    seed: int,
    path: str | None,
    minutes: float | None,
    broker: str,
    nodes: int,
    headless: bool,
    report_path: str | None,
    kill_node: int,
    decline_probability: float,
    silent_probability: float,
    data_dir: str | None,
    keep: bool,
) -> None:
    """Run a day of a simulated district: customers, riders and kitchens, each a real MQTT client of a real node.

    The district is made up from --seed, or read from --instance (a folder in the format of the public meal-delivery
    instances). Node and centre are started for it on free ports and stopped with it. Ctrl-C ends everything.

    In a terminal it shows orders, riders, latency, and what is decided and why, and has keys: o opens the node's page,
    u cuts the uplink, k kills the node, h has help.

    \b
    Examples:
      doorstep demo                                              # look at it, 60 times faster
      doorstep demo --speed 300 --instance tests/data/small-district
      doorstep demo --headless --speed 300 --json out.json       # a whole day, checked; data in out-data/
      doorstep demo --headless --speed 300 --kill-node 3 --json out.json
      doorstep demo --broker mqtt://127.0.0.1:1883
      doorstep demo --nodes 5 --headless --minutes 1             # five nodes and a console: one is cut off, and more

    \b
    A run that was not interrupted is checked: exit code 0 only if every invariant held. With --json or --data-dir the
    data stays, so that it can be asked again:
      doorstep replay --journal out-data/edge
      doorstep explain o17 --journal out-data/edge
      doorstep whatif --journal out-data/edge --what-if riders=+2

    Exit codes: 0 every invariant held, 1 one did not, 2 an input cannot be used, 3 a port is in use.
    """
    from .district.district import generate
    from .district.instance import read
    from .folder import prepare
    from .options import Options
    from .people.world import Habits

    if nodes > 1 and (path or broker or kill_node):
        raise click.UsageError("--nodes makes its own districts: leave --instance, --broker and --kill-node out.")
    instance = read(path) if path else generate(seed)
    habits = Habits(decline=decline_probability, silent=silent_probability)
    if not headless and not (sys.stdout.isatty() and os.environ.get("TERM", "") not in CANNOT_DRAW):
        click.echo("There is no terminal to draw on: running as with --headless.", err=True)
        headless = True
    options = Options(
        speed=speed, seed=seed, minutes=minutes or 0.0, broker=broker, kills=kill_node, habits=habits, live=not headless
    )
    folder, stays = _folder(data_dir, report_path, keep)
    held: bool | None = False
    try:
        with _kept_signals() as early:
            prepare(folder)
            parts = _fleet(nodes) if nodes > 1 else _single(instance)
            held = _run(parts, options, folder, headless, report_path, early)
    finally:
        _clear(folder, stays=stays, is_bad=held is False)
    if held is None:
        sys.exit(INTERRUPTED if headless else 0)
    sys.exit(0 if held else 1)


def _clear(folder: Path, *, stays: bool, is_bad: bool) -> None:
    """What went wrong can be looked at: only a good run's data goes."""
    data = next((path for path in (folder / "edge", folder / "shop-1" / "edge") if path.exists()), None)
    if not stays and not (is_bad and data is not None):
        shutil.rmtree(folder, ignore_errors=True)
    elif data is not None:
        click.echo(f"The run's data is in {folder}. Ask it: doorstep replay --journal {data}")


@contextlib.contextmanager
def _kept_signals() -> Iterator[list[int]]:
    """Signals that come before the event loop looks after them, while the run is being loaded."""
    early: list[int] = []
    before = {number: signal.signal(number, lambda signal_number, _: early.append(signal_number)) for number in ENDING}
    try:
        yield early
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _folder(data_dir: str | None, report_path: str | None, keep: bool) -> tuple[Path, bool]:
    """Where the run's data goes, and whether it stays there afterwards."""
    if data_dir:
        return Path(data_dir).absolute(), True
    if report_path:
        check_writable(report_path)
        report = Path(report_path).absolute()
        return report.with_name(f"{report.stem}-data"), True
    return Path(tempfile.mkdtemp(prefix="doorstep-demo-")), keep


class _Parts(NamedTuple):
    """What a run is made of: with one node, or with several."""

    demo: "Callable[[Options, Path], Demo | FleetDemo]"
    build: Callable[[Any], dict[str, Any]]
    lines: Callable[[Mapping[str, Any]], list[str]]
    draw: Callable[..., Any]


def _single(instance: "Instance") -> _Parts:
    from .demo import Demo
    from .report import build, lines
    from .screen import draw

    return _Parts(partial(Demo, instance), build, lines, draw)


def _fleet(count: int) -> _Parts:
    from .fleet.fleet import FleetDemo
    from .fleet.proof import build, lines
    from .fleet.screen import draw

    return _Parts(partial(FleetDemo, count), build, lines, draw)


def _run(
    parts: _Parts, options: "Options", folder: Path, headless: bool, report_path: str | None, early: list[int]
) -> bool | None:
    """Run, report, and return whether every invariant held; None where the run was interrupted, also by an early
    signal."""
    import uvloop

    # What the clients' own machinery complains of must not land in the picture, and must not be lost either.
    logging.basicConfig(filename=folder / "demo.log", level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")

    async def main() -> "tuple[Demo | FleetDemo, Any]":
        demo = parts.demo(options, folder)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(demo.complained)
        for number in ENDING:
            loop.add_signal_handler(number, demo.interrupt)
        if early:
            return demo, None
        if headless:
            demo.on_open = click.echo
        return demo, await (demo.run() if headless else _shown(demo, parts.draw))

    demo, ended = uvloop.run(main())
    if ended is None:
        click.echo(f"Stopped after {demo.real_s:.0f} s: {demo.counted()}")
        return None
    report = parts.build(ended)
    write_report(report_path, {**report, "versions": source()})
    for line in parts.lines(report):
        click.echo(line)
    return all(report["invariants"].values())


async def _shown(demo: "Demo | FleetDemo", draw: Callable[..., Any]) -> Any:
    """Run with the live screen and its keys. Pictures are drawn beside the loop: drawing must not delay the clients it
    shows."""
    from rich.console import Console
    from rich.live import Live

    from .keys import keys

    console = Console()
    help_shown = False

    def pressed(key: str) -> None:
        nonlocal help_shown
        was_shown, help_shown = help_shown, False
        match key.lower():
            case "o":
                _open(demo)
            case "u":
                demo.cut_uplink()
            case "k":
                demo.kill_node()
            case "h" | "?":
                help_shown = not was_shown
            case "q":
                demo.interrupt()
            case _:
                pass

    running = asyncio.ensure_future(demo.run())
    with (
        keys(sys.stdin, pressed) as has_keys,
        Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live,
    ):

        def picture() -> None:
            live.update(draw(demo, console, keys=has_keys, help_shown=help_shown), refresh=True)

        while not running.done():
            await asyncio.to_thread(picture)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(running), FRAME_S)
    return await running


def _open(demo: "Demo | FleetDemo") -> None:
    """The page in a browser, where there is a desktop: a browser of the terminal would draw over the screen."""
    url = demo.page_url()
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")) and sys.platform != "darwin":
        demo.log(f"no desktop here: open {url}")
        return
    demo.log("the page opens in the browser")
    asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)
