"""`doorstep bench peers`: what is asked, and what is shown."""

from typing import Any, Final

import click

from ..cli_options import ask, data_dir, json_file, plot_file
from ..load.search import highest
from ..tables import Table, show, times

NAMES: Final = ("doorstep", "doorstep-broker", "script-sqlite", "script", "node-red")
TABLE_WIDTH: Final = 128
"""Columns that the tables need; a narrower terminal wraps their lines rather than their numbers."""

TABLES: Final = ((True, "each answer is on disk before it leaves"), (False, "nothing is kept"))


class Rates(click.ParamType):
    """Numbers with commas between them."""

    name = "R,R,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Above zero, each."""
        try:
            rates = tuple(float(one) for one in str(value).split(","))
        except ValueError:
            rates = ()
        if not rates or min(rates) < 1:
            self.fail(f"{value!r} is no list of rates of 1 or more, such as 100,500,1000.", param, ctx)
        return rates


@click.command(short_help="The same job done by scripts, with and without SQLite, and by Node-RED.")
@click.option("--rates", type=Rates(), default="100,500,1000", show_default=True, help="Orders a second.")
@click.option(
    "--seconds", type=click.FloatRange(0.5, 600), default=6.0, show_default=True, help="Of load at each rate."
)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Into which it is divided.")
@click.option("--steps", type=click.IntRange(0, 20), default=6, show_default=True, help="Rates tried in the search.")
@click.option("--clients", type=click.IntRange(1, 5_000), default=100, show_default=True, help="That place orders.")
@click.option("--riders", type=click.IntRange(1, 5_000), default=200, show_default=True, help="On shift.")
@click.option(
    "--cut-s", type=click.FloatRange(0, 3_600), default=60.0, show_default=True, help="Without uplink; 0: no cut."
)
@click.option("--kill/--no-kill", default=True, show_default=True, help="SIGKILL each peer once.")
@click.option("--peer", "names", type=click.Choice(NAMES), multiple=True, help="Only this one; several times.")
@click.option("--node-red", metavar="DIR", default="", help="Where Node-RED is installed, or will be with npm.")
@data_dir
@json_file
@plot_file
def peers(
    names: tuple[str, ...], data_dir: str | None, report_path: str | None, plot_path: str | None, **asked: Any
) -> None:
    """Order in, nearest free rider out, in JSON with QoS 1: Doorstep in both modes, a script with SQLite that promises
    as much, one that keeps nothing, and Node-RED, which keeps nothing either; all but the first behind a Mosquitto. At
    the same rates in turns, then each one's highest, then what a cut of the uplink and a SIGKILL cost each of them.

    Node-RED is installed with npm at the first use and kept. A peer that cannot be started is named in the report.

    \b
    Examples:
      doorstep bench peers --json peers.json --plot peers.svg
      doorstep bench peers --peer doorstep --peer script-sqlite --rounds 7 --seconds 21 --steps 0 --cut-s 0 --no-kill
    """
    from .measure import measure
    from .peer import Plan
    from .peers_plot import peers_plot

    plan = Plan(try_seconds=min(Plan().try_seconds, asked["seconds"]), **asked)
    chosen = names or NAMES
    total = len(chosen) * (3 + len(plan.rates) * plan.rounds + 2 * plan.steps)
    report = ask(lambda *where: measure(plan, chosen, *where), total, data_dir, report_path, plot_path, peers_plot)
    show(peers_tables(report), peers_lines(report), TABLE_WIDTH)


HEADINGS: Final = (
    "orders/s",
    "p50",
    "p99",
    "lost",
    "CPU µs/order",
    "SIGKILL: lost, twice",
    "hole s",
    "cut: lost",
)


def peer_rows(peer: dict[str, Any]) -> list[tuple[str, ...]]:
    """One for each rate, and one for the highest; what a kill and a cut cost stands in the first."""
    rows: list[tuple[str, ...]] = []
    for rate, at in peer["at"].items():
        lost = "fell behind" if at["fell_behind"] else str(at["lost"])
        rows.append((rate, *times(at, ("p50", "p99")), lost, f"{at['cpu_us']:,.0f}"))
    if peer["tried"]:
        best = peer["best"]
        cells = (*times(best, ("p50", "p99")), "0", f"{best['cpu_us']:,.0f}") if best else ("",) * 4
        rows.append((f"{highest(peer)} (highest)", *cells))
    kill, cut = peer.get("kill"), peer.get("uplink_cut")
    cost = ("", "")
    if kill:
        cost = (f"{kill['lost']}, {kill['twice']} of {kill['acknowledged']}", *times(kill, ("hole_s",)))
    cost = (*cost, f"{cut['lost']:,} of {cut['orders']:,}" if cut else "")
    return [
        ("" if number else peer["what"], *row, *(("",) * len(cost) if number else cost))
        for number, row in enumerate(rows)
    ]


def peers_tables(report: dict[str, Any]) -> list[Table]:
    """Two, those that keep each answer first."""
    found: list[Table] = []
    for durable, words in TABLES:
        rows = [row for peer in report["peers"].values() if peer["durable"] == durable for row in peer_rows(peer)]
        title = f"order in, nearest free rider out; {words}; medians over rounds"
        found += [Table(title, HEADINGS, rows)] if rows else []
    return found


def peers_lines(report: dict[str, Any]) -> list[str]:
    """Doorstep over the script with SQLite, and who is missing."""
    lines = [f"{name} was not measured: {why}" for name, why in report["missing"].items()]
    over = report["over_reference"]
    if over and over["at"]:
        each = "; ".join(f"{rate}/s p50 × {row['p50']:.2f}, p99 × {row['p99']:.2f}" for rate, row in over["at"].items())
        what, mean = report["peers"][over["reference"]]["what"], f"geometric mean × {over['geometric_mean']:.2f}"
        lines.insert(0, f"Doorstep over {what}, {over['rounds']} paired rounds: {each}; {mean}")
    return lines
