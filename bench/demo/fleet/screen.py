"""Several nodes in a terminal: how the centre sees each, what each does, and what happens to them on purpose.

It fits 80 by 24 with five nodes, and uses more where there is more.
"""

from typing import Final

from rich.console import Console, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..demo import Demo
from ..screen import PHASES, clock, ends_in
from .fleet import FleetDemo

HEADER_LINES: Final = 4
STORY_LINES: Final = 12
"""All that happens on purpose."""

DECISION_LINES: Final = 6
"""Where there are fewer, what is decided has no panel."""

COLOURS: Final = {"current": "green", "clock": "yellow", "never": "bright_black"}
KEYS: Final = " o console · u uplink of the last node · k kill the first · h help · q end "
HELP: Final = (
    ("o", "open the console in a browser; the line above has name and password"),
    ("u", "cut the last node off, and mend that: it decides on, and sends all later"),
    ("k", "kill the first node (SIGKILL): it is back within seconds"),
    ("h", "this help"),
    ("q", "end now, without a result; so does Ctrl-C"),
)


def draw(fleet: FleetDemo, console: Console, *, keys: bool = False, help_shown: bool = False) -> RenderableType:
    """The whole screen. `keys` is whether there is a keyboard."""
    nodes = len(fleet.members) + 3
    room = max(console.size.height - HEADER_LINES - nodes - 2, 1)
    parts = [
        Layout(_header(fleet), name="header", size=HEADER_LINES),
        Layout(_nodes(fleet), name="nodes", size=nodes),
    ]
    if room >= STORY_LINES + DECISION_LINES:
        parts.append(Layout(_decisions(fleet, room - STORY_LINES - 2), name="decisions"))
        room = STORY_LINES
    log = _help() if help_shown else _log(fleet, console, room, KEYS if keys else "")
    layout = Layout()
    layout.split_column(*parts, Layout(log, name="log", size=room + 2))
    return layout


def _header(fleet: FleetDemo) -> RenderableType:
    now = fleet.demos[0].now_ms() if fleet.demos else 0
    begin = (f" {clock(now)} ", "bold reverse") if now else ""
    line = Text.assemble(begin, "  ", no_wrap=True, overflow="ellipsis")
    line.append(f"{fleet.options.speed:g}x  {len(fleet.members)} nodes  ")
    line.append(f"{_phase(fleet)}\n", "bold yellow" if fleet.interrupted else "")
    if fleet.demos:
        line.append(" console ").append(fleet.console, style="cyan")
    return Panel(line, title="[bold]Doorstep[/bold]", title_align="left", border_style="blue")


def _phase(fleet: FleetDemo) -> str:
    """What goes on: that of the node which is least far."""
    if fleet.interrupted:
        return "stopping nodes and centre"
    if not fleet.demos:
        return f"the centre starts, and its nodes are enrolled: {fleet.enrolled} of {len(fleet.members)}"
    order = list(PHASES)
    phase = min((demo.phase for demo in fleet.demos), key=order.index)
    alerts = len(fleet.inbox.texts)
    return PHASES[phase] or f"{alerts} {'alert' if alerts == 1 else 'alerts'} came{ends_in(fleet.left_s)}"


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
        behind = "–" if each["behind_s"] is None else f"{each['behind_s']:.0f} s"
        table.add_row(each["node"], state, behind, ", ".join(each["problems"]) or "–", *_of_node(demo))
    return Panel(table, title="fleet, the worst first", title_align="left", border_style="bright_black")


def _of_node(demo: Demo) -> tuple[str, str, str]:
    states = demo.records.order_states()
    settings = demo.watch.status.get("settings", {})
    version = str(settings.get("version", "–")) if isinstance(settings, dict) else "–"
    return str(demo.records.counts["placed"]), str(states["delivered"]), version


def _decisions(fleet: FleetDemo, room: int) -> RenderableType:
    """The last of all nodes."""
    found = [(at, demo.node_name, words) for demo in fleet.demos for at, words in demo.decisions.lines]
    text = Text(no_wrap=True, overflow="ellipsis")
    for at, node, words in sorted(found, key=lambda line: line[0])[-room:]:
        text.append(f"{clock(at)} ", "bright_black").append(f"{node} ", "cyan").append(f"{words}\n")
    return Panel(text, title="decisions, and why", title_align="left", border_style="bright_black")


def _help() -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for key, words in HELP:
        table.add_row(Text(key, style="bold cyan"), words)
    return Panel(table, title="keys", title_align="left", border_style="cyan")


def _log(fleet: FleetDemo, console: Console, room: int, bottom: str) -> RenderableType:
    """As many of the last lines as fit: long ones take several."""
    lines: list[Text] = []
    for at, words in fleet.story.lines if fleet.story is not None else ():
        text = Text.assemble(
            (f"{clock(at)} ", "bright_black"), (words, "red" if "is cut" in words or "killed" in words else "")
        )
        lines += text.wrap(console, console.size.width - 4)
    return Panel(
        Text("\n").join(lines[-room:]),
        title="what happens",
        title_align="left",
        subtitle=bottom or None,
        subtitle_align="right",
        border_style="bright_black",
    )
