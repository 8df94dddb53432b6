"""Several nodes in a terminal: how the centre sees each, what each does, and what happens to them on purpose."""

from typing import Final

from rich.console import Console, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..demo import Demo
from ..screen import clock
from .fleet import FleetDemo

COLOURS: Final = {"current": "green", "clock": "yellow", "never": "bright_black"}
KEYS: Final = " o console · u uplink of the last node · k kill the first node · q end "
HELP: Final = (
    "o  open the console in a browser; the line above has the name and the password\n"
    "u  cut the last node off, and mend that: it goes on deciding, and sends everything afterwards\n"
    "k  kill the first node (SIGKILL): it is back within seconds\n"
    "q  end now, without a result; so does Ctrl-C"
)


def draw(fleet: FleetDemo, console: Console, *, keys: bool = False, help_shown: bool = False) -> RenderableType:
    """The whole screen. `keys` is whether there is a keyboard."""
    layout = Layout()
    layout.split_column(
        Layout(_header(fleet), name="header", size=4),
        Layout(_nodes(fleet), name="nodes", size=len(fleet.members) + 4),
        Layout(Panel(HELP, title="keys", title_align="left") if help_shown else _log(fleet, console), name="log"),
    )
    if keys:
        layout["log"].ratio = 1
    return layout


def _header(fleet: FleetDemo) -> RenderableType:
    if not fleet.demos:
        text = Text(" the centre starts, and its nodes are enrolled")
        return Panel(text, title="[bold]Doorstep[/bold]", title_align="left", border_style="blue")
    line = Text.assemble((f" {clock(fleet.demos[0].now_ms())} ", "bold reverse"), f"  {fleet.options.speed:g}x  ")
    line.append(f"{len(fleet.demos)} nodes, {len(fleet.inbox.texts)} alerts\n")
    line.append(f" {fleet.console}", style="cyan")
    return Panel(line, title="[bold]Doorstep[/bold]", title_align="left", border_style="blue", subtitle=KEYS)


def _nodes(fleet: FleetDemo) -> RenderableType:
    """The worst first, as the console has them."""
    table = Table(expand=True, box=None)
    for name in ("node", "at the centre", "behind", "reports", "orders", "delivered", "settings"):
        table.add_column(
            name, no_wrap=True, justify="left" if name in ("node", "at the centre", "reports") else "right"
        )
    demos = {demo.node_name: demo for demo in fleet.demos}
    for each in fleet.story.fleet if fleet.story is not None else ():
        demo = demos.get(each["node"])
        if demo is None:
            continue
        state = Text(each["state"], style=COLOURS.get(each["state"], "bold red"))
        behind = f"{each['behind_s'] or 0:.0f} s"
        table.add_row(each["node"], state, behind, ", ".join(each["problems"]) or "–", *_of_node(demo))
    return Panel(table, title="fleet", title_align="left", border_style="bright_black")


def _of_node(demo: Demo) -> tuple[str, str, str]:
    states = demo.records.order_states()
    settings = demo.watch.status.get("settings", {})
    version = str(settings.get("version", "–")) if isinstance(settings, dict) else "–"
    return str(demo.records.counts["placed"]), str(states["delivered"]), version


def _log(fleet: FleetDemo, console: Console) -> RenderableType:
    kept = max(console.size.height - len(fleet.members) - 10, 1)
    lines = list(fleet.story.lines)[-kept:] if fleet.story is not None else []
    text = Text("\n").join(Text.assemble((f"{clock(at)} ", "bright_black"), line) for at, line in lines)
    return Panel(text, title="what happens", title_align="left", border_style="bright_black")
