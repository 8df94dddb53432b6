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

BODY_LINES: Final = 12
"""Ten lines of figures and a frame."""

BARS: Final = " ▁▂▃▄▅▆▇█"
ORDER_STATES: Final = (
    ("placed", "no rider yet", "yellow"),
    ("offered", "offered", "bright_yellow"),
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


def draw(demo: Demo, console: Console) -> RenderableType:
    """The whole screen."""
    width = console.size.width
    layout = Layout()
    layout.split_column(
        Layout(_header(demo), name="header", size=3),
        Layout(name="body", size=BODY_LINES),
        Layout(_log_lines(demo, max(console.size.height - BODY_LINES - 8, 2)), name="log"),
        Layout(_footer(demo, width), name="footer", size=3),
    )
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


def _header(demo: Demo) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column()
    line.add_column(justify="center")
    line.add_column(justify="right")
    day = Text.assemble(
        (f" {clock(demo.now_ms())} ", "bold reverse"), f"  {demo.options.speed:g}x  ", (demo.instance.name, "cyan")
    )
    placed, total = demo.records.counts["placed"], len(demo.instance.orders)
    middle = PHASES[demo.phase] or f"{placed} of {total} orders placed"
    state = str(demo.watch.status.get("state", "starting"))
    colour = {"ok": "green", "degraded": "red"}.get(state, "yellow")
    mode = "through a broker" if demo.options.broker else "own endpoint"
    line.add_row(day, Text(middle), Text.assemble(mode, "  node ", (state, f"bold {colour}")))
    return Panel(line, title="[bold]Doorstep[/bold]", title_align="left", border_style="blue", padding=(0, 1))


def _orders(demo: Demo, bar: int) -> RenderableType:
    counts = demo.records.order_states()
    counts["placed"] += counts["sent"]
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
    rate = demo.watch.rates[-1] if demo.watch.rates else 0.0
    line = Text(sparkline(demo.watch.rates, width), style="cyan", no_wrap=True, overflow="crop")
    decided = Text.assemble((f"{rate:.1f}", "bold"), " decisions/s", no_wrap=True)
    clients = 0 if demo.fleet is None else demo.fleet.connected
    body = Group(table, Text(), decided, line, Text(f"{clients} connections", style="bright_black"))
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


def _log_lines(demo: Demo, lines: int) -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    for wall_ms, words in list(demo.records.log_lines)[-lines:]:
        text.append(f"{clock(wall_ms)} ", "bright_black")
        text.append(f"{words}\n", "red" if "killed" in words else "")
    return Panel(text, title="lately", title_align="left", border_style="bright_black", padding=(0, 1))


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
