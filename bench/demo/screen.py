"""The living district in a terminal: what a person sees while a demonstration runs.

Drawn from the attributes of `run.Demo` four times a second; it fits 80 by 24 and uses more where there is more.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .demo import Demo
from .report import STAGES, assignment_ms, quantiles, stages

BODY_LINES: Final = 13
"""Eleven lines of figures and a frame."""

BESIDE_COLUMNS: Final = 130
"""From this width on decisions stand beside what else happens; below both share their lines."""

MODE_COLUMNS: Final = 100
"""From this width on the first line has room for how clients reach the node."""

HELP: Final = (
    ("o", "open the page of the node in a browser"),
    ("u", "cut the uplink, and mend it: decisions go on, the centre catches up afterwards"),
    ("k", "kill the node (SIGKILL): it is back within seconds, and nothing that it had accepted is lost"),
    ("h", "this help"),
    ("q", "end now, without a result; so does Ctrl-C"),
    ("", "An order that is planned has its rider, who gets the offer later: a better one may come until then."),
)
KEYS: Final = " o page · u uplink · k kill · h help · q end "

BARS: Final = " ▁▂▃▄▅▆▇█"
ORDER_STATES: Final = (
    ("placed", "no rider yet", "yellow"),
    ("planned", "planned", "bright_yellow"),
    ("offered", "offered", "bright_magenta"),
    ("accepted", "rider on the way", "cyan"),
    ("at_shop", "rider at shop", "bright_cyan"),
    ("picked_up", "on the way", "bright_blue"),
    ("delivered", "delivered", "green"),
    ("returned", "brought back", "magenta"),
    ("cancelled", "cancelled", "magenta"),
    ("undeliverable", "given up", "red"),
    ("refused", "refused", "red"),
)
RIDER_STATES: Final = (
    ("free", "free", "green"),
    ("to_shop", "to a shop", "cyan"),
    ("at_shop", "waiting", "bright_cyan"),
    ("to_door", "to a door", "bright_blue"),
    ("off", "off shift", "bright_black"),
)
PHASES: Final = {
    "starting": "starting the node and the centre",
    "connecting": "the kitchens open",
    "day": "",
    "draining": "the day is over: waiting for the last receipts and the centre",
    "checking": "reading the journal, checking the invariants",
    "stopping": "stopping",
    "done": "done",
}


def draw(demo: Demo, console: Console, *, keys: bool = False, help_shown: bool = False) -> RenderableType:
    """The whole screen. `keys` is whether there is a keyboard."""
    width = console.size.width
    layout = Layout()
    layout.split_column(
        Layout(_header(demo, width), name="header", size=3),
        Layout(name="body", size=BODY_LINES),
        Layout(_log(demo, console, keys), name="log"),
        Layout(_footer(demo, width), name="footer", size=3),
    )
    if help_shown:
        layout["body"].update(_help())
        return layout
    layout["body"].split_row(
        Layout(_orders(demo, width * 10 // 26 - 26), ratio=10, name="orders"),
        Layout(_riders_and_rate(demo, max(width // 4 - 4, 12)), ratio=7, name="riders"),
        Layout(_latency(demo), ratio=9, name="latency"),
    )
    return layout


def clock(wall_ms: int) -> str:
    """Hours and minutes of the simulated day."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%H:%M")


def figure(ms: float) -> str:
    """Milliseconds in at most five characters."""
    return f"{ms:.2f}" if ms < 10 else f"{ms:.1f}" if ms < 1_000 else f"{ms:.0f}"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last values as bars, newest on the right; the highest one fills the line."""
    last = list(values)[-width:]
    top = max(last, default=0.0)
    if top <= 0:
        return BARS[1] * len(last)
    return "".join(BARS[1 + min(int(value / top * 7.999), 7)] for value in last)


def _header(demo: Demo, width: int) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column()
    line.add_column(justify="center")
    line.add_column(justify="right")
    day = Text.assemble(
        (f" {clock(demo.now_ms())} ", "bold reverse"), f"  {demo.options.speed:g}x  ", (demo.instance.name, "cyan")
    )
    placed, total = demo.records.counts["placed"], len(demo.instance.orders)
    middle = PHASES[demo.phase] or f"{placed} of {total} orders{ends_in(demo.left_s)}"
    state = str(demo.watch.status.get("state", "starting"))
    colour = {"ok": "green", "degraded": "red"}.get(state, "yellow")
    mode = "through a broker  " if demo.options.broker else "own endpoint  "
    right = Text.assemble(mode if width >= MODE_COLUMNS else "", "node ", (state, f"bold {colour}"))
    line.add_row(day, Text(middle), right)
    return Panel(line, title="[bold]Doorstep[/bold]", title_align="left", border_style="blue", padding=(0, 1))


def _orders(demo: Demo, bar: int) -> RenderableType:
    counts = demo.records.order_states()
    planned = sum(
        order in demo.decisions.planned
        for order, record in list(demo.records.orders.items())
        if record.state == "placed"
    )
    counts["planned"] = planned
    counts["placed"] += counts["sent"] - planned
    counts["picked_up"] += counts["at_customer"]
    counts["returned"] += counts["returning"]
    most = max(*(counts[state] for state, _, _ in ORDER_STATES), 1)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", width=4)
    table.add_column(ratio=1)
    for state, words, colour in ORDER_STATES:
        count = counts[state]
        line = Text("━" * max(round(count / most * bar), count > 0), style=colour)
        table.add_row(Text(words, style=colour if count else "bright_black"), str(count), line)
    return Panel(table, title="orders", title_align="left", border_style="bright_black", padding=(0, 1))


def _riders_and_rate(demo: Demo, width: int) -> RenderableType:
    states = list(demo.records.riders.values())
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    for state, words, colour in RIDER_STATES:
        count = states.count(state)
        table.add_row(Text(words, style=colour if count else "bright_black"), str(count))
    line = Text(sparkline(demo.watch.rates, width), style="cyan", no_wrap=True, overflow="crop")
    decided = Text.assemble((f"{demo.watch.rate():.1f}", "bold"), " decisions/s", no_wrap=True)
    over = Text("last minute", style="bright_black", no_wrap=True, overflow="ellipsis")
    clients = 0 if demo.fleet is None else demo.fleet.connected
    body = Group(table, decided, over, line, Text(f"{clients} connections", style="bright_black"))
    return Panel(body, title="riders", title_align="left", border_style="bright_black", padding=(0, 1))


def _latency(demo: Demo) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_row(
        Text("real ms", style="bright_black"), Text("p50", style="bright_black"), Text("p99", style="bright_black")
    )
    for words, values in (("receipt", demo.records.receipt_ms_real), ("to rider", assignment_ms(demo.records))):
        p50, p99 = quantiles(values, 0.5, 0.99)
        table.add_row(Text(words, style="bold"), figure(p50), figure(p99))
    measured = stages(demo.watch.status, "recent")
    for stage in STAGES:
        p50, p99 = measured.get(stage, {"p50": 0.0, "p99": 0.0}).values()
        table.add_row(Text(f" {stage}" if stage != "total" else " in the node", style="cyan"), figure(p50), figure(p99))
    return Panel(table, title="latency", title_align="left", border_style="bright_black", padding=(0, 1))


def ends_in(left_s: float | None) -> str:
    """When the day ends, in real time; it may take longer while somebody is late."""
    if left_s is None:
        return ""
    return f", ends in {left_s / 60:.0f} min" if left_s >= 90 else f", ends in {left_s:.0f} s" if left_s else ", ending"


def _help() -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for key, words in HELP:
        table.add_row(Text(key, style="bold cyan"), words)
    return Panel(table, title="keys", title_align="left", border_style="cyan", padding=(0, 1))


def _log(demo: Demo, console: Console, keys: bool) -> RenderableType:
    """Decisions with their reasons, and what else happens; each in a panel of its own where there is room."""
    lines = max(console.size.height - BODY_LINES - 8, 2)
    decisions, others = list(demo.decisions.lines), list(demo.records.log_lines)
    bottom = KEYS if keys else ""
    if console.size.width < BESIDE_COLUMNS:
        room = max(lines - len(decisions), lines // 3)
        together = sorted(decisions[room - lines :] + others[-room:], key=lambda line: line[0])
        return _panel("decisions, and why", together[-lines:], bottom)
    both = Layout()
    both.split_row(
        Layout(_panel("decisions, and why", decisions[-lines:], bottom), ratio=3),
        Layout(_panel("lately", others[-lines:]), ratio=2),
    )
    return both


def _panel(title: str, lines: Sequence[tuple[int, str]], bottom: str = "") -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    for wall_ms, words in lines:
        text.append(f"{clock(wall_ms)} ", "bright_black")
        text.append(f"{words}\n", "red" if "killed" in words or "is cut" in words else "")
    return Panel(
        text,
        title=title,
        title_align="left",
        subtitle=bottom or None,
        subtitle_align="right",
        border_style="bright_black",
        padding=(0, 1),
    )


def _labels(demo: Demo) -> Text:
    labels = demo.watch.status.get("labels", {})
    counts = demo.records.counts
    return Text(
        f"labels {labels.get('bound') or 0} bound, {labels.get('unconfirmed') or 0} unconfirmed, "
        f"{counts['prices_set']} prices changed",
        no_wrap=True,
        overflow="ellipsis",
    )


def _footer(demo: Demo, width: int) -> RenderableType:
    sync = demo.watch.status.get("sync", {})
    at_centre = demo.watch.summary.get("events") or 0
    connected = "[green]connected[/green]" if sync.get("connected") else "[red]away[/red]"
    if demo.trouble.uplink_cut:
        connected = "[red]cut off[/red]"
    refused = ", ".join(f"{reason} {count}" for reason, count in sorted(demo.records.refused.items())) or "none"
    state = (
        f"centre {connected}, {at_centre} of {sync.get('events_at_node') or 0} events there, "
        f"{sync.get('batches_acked') or 0} batches   refused: {refused}"
    )
    url = demo.site.status_url() if demo.watch.status else "…"
    lines = Group(
        Text.from_markup(state, overflow="ellipsis"), _labels(demo), Text.assemble("page ", (url, "underline cyan"))
    )
    return Align.left(lines, width=width)
