"""The live screen."""

from pathlib import Path

import pytest
from rich.console import Console

from bench.demo.demo import Demo, Options
from bench.demo.district.instance import read
from bench.demo.proof.records import OrderRecord
from bench.demo.screen import BARS, draw, figure, sparkline

SMALL = Path(__file__).parents[2] / "data" / "small-district"


def picture(demo: Demo, width: int, height: int) -> list[str]:
    """The screen as lines of text."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None, record=True)
    with console.capture() as capture:
        console.print(draw(demo, console), end="")
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
    demo.records.orders["o1"] = OrderRecord(0, "picked_up")
    demo.records.riders["rider-1"] = "to_door"
    demo.records.counts["placed"] = 17
    demo.records.counts["prices_set"] = 21
    demo.records.receipt_ms_real += [1234.0]
    demo.records.refused["too_late"] = 3
    demo.records.log(demo.morning_ms, "rider-1 took o1")
    demo.watch.rates.extend([1.0, 2.0, 4.0])
    demo.watch.status = {
        "state": "ok",
        "sync": {"connected": True, "events_at_node": 9, "batches_acked": 2},
        "labels": {"bound": 48, "unconfirmed": 3},
    }
    demo.watch.summary = {"events": 8}
    text = "\n".join(picture(demo, 80, 24))
    for expected in (
        "17 of 40 orders placed",
        "node ok",
        "4.0 decisions/s",
        "1234",
        "11:00 rider-1 took o1",
        "centre connected, 8 of 9 events there, 2 batches",
        "refused: too_late 3",
        "labels 48 bound, 3 unconfirmed, 21 prices changed",
        demo.site.status_url(),
    ):
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
