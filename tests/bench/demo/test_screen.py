"""The live screen."""

import time
from pathlib import Path

import pytest
from rich.console import Console

from bench.demo.demo import Demo
from bench.demo.district.instance import read
from bench.demo.options import Options
from bench.demo.people.scheduler import Scheduler
from bench.demo.proof.records import OrderRecord
from bench.demo.screen import BARS, draw, figure, sparkline
from edge.clock import Clock
from edge.scenarios.dispatch.records import Decision

SMALL = Path(__file__).parents[2] / "data" / "small-district"


def picture(demo: Demo, width: int, height: int, *, keys: bool = False, help_shown: bool = False) -> list[str]:
    """The screen as lines of text."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None, record=True)
    with console.capture() as capture:
        console.print(draw(demo, console, keys=keys, help_shown=help_shown), end="")
    return capture.get().splitlines()


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """A run that has not begun."""
    return Demo(read(SMALL), Options(speed=60), tmp_path)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_it_fits(demo: Demo, width: int, height: int) -> None:
    """The screen fills a terminal, and not a line more, before the node has ever answered."""
    lines = picture(demo, width, height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    assert "Doorstep" in lines[0]


def test_it_shows_what_happens(demo: Demo) -> None:
    """Orders and riders by state, rates, latencies, the log, the centre and the page's address are on it."""
    demo.phase = "day"
    demo.scheduler = Scheduler(Clock(60, demo.morning_ms, int(time.time() * 1000)))
    demo.ends_ms = demo.morning_ms + 2 * 3_600_000
    demo.records.orders["o1"] = OrderRecord(0, "picked_up")
    demo.records.riders["rider-1"] = "to_door"
    demo.records.counts["placed"] = 17
    demo.records.counts["prices_set"] = 21
    demo.records.receipt_ms_real += [1234.0]
    demo.records.refused["too_late"] = 3
    demo.records.log(demo.morning_ms, "rider-1 took o1")
    demo.records.orders["o2"] = OrderRecord(0, "placed")
    demo.decisions.add(demo.morning_ms, Decision("o2", "rider-2", False, "1", "rider-2 can pick up in 4 min.", []))
    node = {
        "state": "ok",
        "process": {"pid": 1, "rss_mb": 1.0, "cpu_s": 1.0},
        "queues": {},
        "sync": {"connected": True, "events_at_node": 9, "batches_acked": 2},
        "labels": {"bound": 48, "unconfirmed": 3},
    }
    for second, decisions in enumerate((0, 4, 8)):
        demo.watch.seen({**node, "counts": {"decisions": decisions, "dropped": {}}}, float(second))
    demo.watch.summary = {"events": 8}
    text = "\n".join(picture(demo, 80, 24, keys=True))
    for expected in (
        "17 of 40 orders, ends in 2 min",
        "node ok",
        "4.0 decisions/s",
        "1234",
        "11:00 rider-1 took o1",
        "11:00 o2 planned for rider-2: can pick up in 4 min.",
        "planned             1",
        "last minute",
        "u uplink · k kill",
        "centre connected, 8 of 9 events there, 2 batches",
        "refused: too_late 3",
        "labels 48 bound, 3 unconfirmed, 21 prices changed",
        demo.site.status_url(),
    ):
        assert expected in text


def test_the_keys_have_help(demo: Demo) -> None:
    """On the smallest screen, too; where there is no keyboard none is named."""
    assert "kill the node (SIGKILL)" in "\n".join(picture(demo, 80, 24, keys=True, help_shown=True))
    assert "k kill" not in "\n".join(picture(demo, 80, 24))


def test_a_wide_screen_has_decisions_beside_the_rest(demo: Demo) -> None:
    """Two panels, each with its lines."""
    demo.records.log(demo.morning_ms, "rider-1 goes home")
    demo.decisions.add(demo.morning_ms, Decision("o2", "", False, "1", "Nobody is free.", []))
    text = "\n".join(picture(demo, 160, 40, keys=True))
    for expected in ("decisions, and why", "lately", "rider-1 goes home", "o2 waits: Nobody is free."):
        assert expected in text


def test_figures_stay_narrow() -> None:
    """Milliseconds take at most five characters up to 100 seconds."""
    assert [figure(ms) for ms in (0, 9.994, 99.94, 999.94, 1_000, 99_999)] == [
        "0.00",
        "9.99",
        "99.9",
        "999.9",
        "1000",
        "99999",
    ]


def test_sparklines_scale_to_their_top() -> None:
    """The highest value fills the line, nothing is the lowest bar, and only the last values are shown."""
    assert sparkline([0, 1, 2, 4], 3) == f"{BARS[2]}{BARS[4]}{BARS[8]}" or sparkline([4], 1) == BARS[8]
    assert sparkline([0, 0], 5) == BARS[1] * 2
    assert sparkline([], 5) == ""
    assert len(sparkline(list(range(100)), 7)) == 7
