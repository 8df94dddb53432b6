"""`doorstep bench peers`."""

from typing import Any, Final

import click

from ..cli_options import ask, data_dir, json_file, plot_file

NAMES: Final = ("doorstep", "doorstep-broker", "script", "node-red")


@click.command(short_help="The same job done by Node-RED and by a plain script.")
@click.option(
    "--rate", "rates", type=click.FloatRange(1), multiple=True, help="Orders a second, several times; 100, 500."
)
@click.option(
    "--seconds", type=click.FloatRange(0.5, 600), default=6.0, show_default=True, help="Of load at each rate."
)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Into which it is divided.")
@click.option("--steps", type=click.IntRange(0, 20), default=6, show_default=True, help="Rates tried in the search.")
@click.option("--clients", type=click.IntRange(1, 5_000), default=100, show_default=True, help="That place orders.")
@click.option("--riders", type=click.IntRange(1, 5_000), default=200, show_default=True, help="On shift.")
@click.option("--peer", "names", type=click.Choice(NAMES), multiple=True, help="Only this one; several times.")
@click.option("--node-red", metavar="DIR", default="", help="Where Node-RED is installed, or will be with npm.")
@data_dir
@json_file
@plot_file
def peers(
    rates: tuple[float, ...],
    seconds: float,
    rounds: int,
    steps: int,
    clients: int,
    riders: int,
    names: tuple[str, ...],
    node_red: str,
    data_dir: str | None,
    report_path: str | None,
    plot_path: str | None,
) -> None:
    """Order in, nearest free rider out, in JSON with QoS 1: Doorstep in both modes, a script with aiomqtt as a user
    would write it, and Node-RED, both of these behind a Mosquitto. At the same rates in turns, then each one's highest.

    Doorstep validates, removes repeats and has every answer on disk; the others do nothing of that and send no receipt.
    Node-RED is installed with npm at the first use and kept. A peer that cannot be started is named in the report.

    \b
    Examples:
      doorstep bench peers --json peers.json --plot peers.svg
      doorstep bench peers --peer doorstep --peer script --rate 200 --steps 0
    """
    from .measure import measure
    from .peer import Plan
    from .peers_plot import peers_plot

    plan = Plan(
        rates=rates or Plan().rates,
        seconds=seconds,
        rounds=rounds,
        steps=steps,
        try_seconds=min(Plan().try_seconds, seconds),
        clients=clients,
        riders=riders,
        node_red=node_red,
    )
    chosen = names or NAMES
    total = len(chosen) * (1 + len(plan.rates) * rounds + steps)
    report = ask(lambda *where: measure(plan, chosen, *where), total, data_dir, report_path, plot_path, peers_plot)
    peers_table(report)


def peers_table(report: dict[str, Any]) -> None:
    """Side by side."""
    from rich.console import Console
    from rich.table import Table

    from ..load.lateness import sentence

    table = Table(title="order in, nearest free rider out; milliseconds, medians over rounds")
    for name in ("", "orders/s", "p50", "p99", "p99.9", "lost", "CPU µs an order"):
        table.add_column(name, justify="left" if not name else "right")
    for peer in report["peers"].values():
        words = peer["what"]
        for rate, at in peer["at"].items():
            lost = "fell behind" if at["fell_behind"] else str(at["lost"])
            values = (f"{at[name]:.2f}" for name in ("p50", "p99", "p999"))
            table.add_row(words, rate, *values, lost, f"{at['cpu_us']:.0f}")
            words = ""
        if peer["tried"]:
            best = peer["best"]
            if best is None:
                table.add_row(words, f"below {min(one['rate'] for one in peer['tried']):g}", "", "", "", "", "")
            else:
                cells = (f"{best['p50']:.2f}", f"{best['p99']:.2f}", "", "0", f"{best['cpu_us']:.0f}")
                table.add_row(words, f"{best['rate']:.0f} (highest)", *cells)
    console = Console()
    console.print(table)
    for name, why in report["missing"].items():
        console.print(f"{name} was not measured: {why}", highlight=False)
    console.print(sentence(report["generator_late"]), highlight=False)
