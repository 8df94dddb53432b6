"""Every plot, drawn once: titled, with a label and a unit on each axis, and with what it is about."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench import plotting
from bench.dispatch.response import WAIT_MIN, Line, Point
from bench.dispatch.response_plot import response_plot
from bench.flood.flood_plot import flood_plot
from bench.footprint.footprint_plot import footprint_plot
from bench.load.load_plot import latency_plot, throughput_plot
from bench.outage.outage_plot import outage_plot
from bench.pages.figures import VIEWS
from bench.peers.peers_plot import peers_plot
from bench.phone.phone_plot import phone_plot
from bench.plotting import drawn, panels, plain_numbers, write
from bench.scale.scale_plot import scale_plot
from bench.soak.soak_plot import soak_plot
from bench.whatif.day import Outcome
from bench.whatif.whatif_plot import whatif_plot
from edge.errors import DoorstepError
from tests.bench.cli_options import call
from tests.bench.pages.reports import REPORTS
from tests.bench.whatif.recorded_day import T0, order

BASELINE: Final = [Point(minutes, 4.0, 45.0, 1.0, 2.0) for minutes in (1, 5)]
ORDERS: Final = [order(number, at_s=number * 3_000) for number in range(1, 9)]
THERE: Final = {one.name: Outcome("delivered", one.placed_ms + 1_000_000 + number) for number, one in enumerate(ORDERS)}
HALF: Final = {name: one for number, (name, one) in enumerate(THERE.items()) if number % 2}


def line(name: str, ctd: float, baseline: list[Point] | None = None) -> Line:
    """A day that gets worse with the response time."""
    return Line(name, [Point(minutes, 0.0, ctd + minutes, 1.0, 2.0) for minutes in WAIT_MIN], baseline or [])


def whatif(*columns: dict[str, Outcome]) -> Figure:
    """A day with these outcomes."""
    titled = list(zip(("recorded", "a < b", "c"), columns, strict=False))
    return whatif_plot(ORDERS, titled, 2_400, lambda ms: f"{(ms - T0) // 3_600_000} h")


def pieces() -> Figure:
    """It has no file of its own."""
    plot = VIEWS["pieces"].plot
    assert plot
    return plot(REPORTS["pieces"])


def points(mark: Line2D) -> list[tuple[float, float]]:
    """Of one line."""
    return [(float(x), float(y)) for x, y in np.asarray(mark.get_xydata())]


DRAWN: Final[dict[str, tuple[Callable[[], Figure], int, tuple[str, ...]]]] = {
    "latency": (lambda: latency_plot(REPORTS["latency"]), 1, ("500 orders/s, 200 clients", "node: commit", "p99.9")),
    "throughput": (lambda: throughput_plot(REPORTS["throughput"]), 1, ("hollow", "echo through Mosquitto", "200")),
    "peers": (lambda: peers_plot(REPORTS["peers"]), 1, ("200 riders", "a script")),
    "footprint": (lambda: footprint_plot(REPORTS["footprint"]), 2, ("the others", "48", "after 1 h, 360 orders")),
    "flood": (lambda: flood_plot(REPORTS["flood"]), 1, ("40 orders/s, 1 s a phase", "filters  × 1.92", "sink")),
    "phone": (lambda: phone_plot(REPORTS["phone"]), 1, ("8 s", "300 ms, 1 % stalls", "way down")),
    "scale": (
        lambda: scale_plot(REPORTS["scale"]),
        2,
        ("map: n^0.25", "no exponent", "memory added, MB"),
    ),
    "outage": (lambda: outage_plot(REPORTS["outage"]), 3, ("1.5 h without uplink", "centre, kB")),
    "soak": (lambda: soak_plot(REPORTS["soak"]), 4, ("0.5 minutes", "node killed", "open descriptors")),
    "pieces": (pieces, 1, ("test_handle[1]", "median, µs")),
    "response": (
        lambda: response_plot("nearest", [line("scarce", 40, BASELINE), line("calm", 30)]),
        2,
        ("scarce, couriers scarce", "rolling-horizon", "undelivered, %"),
    ),
    "one flat day": (lambda: response_plot("flat", [Line("flat", line("", 0).points)]), 2, ("flat",)),
    "whatif": (lambda: whatif(THERE, HALF, THERE), 2, ("8 orders", "a &lt; b", "late: over 40 min", "1 h")),
    "nothing delivered": (lambda: whatif({}, {"o-1": Outcome("cancelled", T0)}), 2, ("recorded",)),
}
"""What draws it, its panels, and words that must stand in it."""


@pytest.mark.parametrize("name", DRAWN)
def test_each_plot_is_whole(name: str) -> None:
    """It has its panels, a title, labels on its axes, its words; and the same again is the same file."""
    draw, count, words = DRAWN[name]
    figures: list[Figure] = []
    first, second = (drawn(lambda: figures.append(draw()) or figures[-1]) for _ in range(2))
    assert first == second
    figure = figures[0]
    found = [axes for axes in figure.axes if axes.axison]
    assert len(figure.axes) == count
    assert figure.get_suptitle()
    assert found[-1].get_xlabel()
    assert all(axes.get_ylabel() or len(axes.get_yticklabels()) for axes in found)
    text = first.decode()
    assert [one for one in words if one not in text] == []


def test_every_report_with_a_plot_is_among_them() -> None:
    """So that a new plot is looked at here too."""
    assert {name for name, view in VIEWS.items() if view.plot} <= DRAWN.keys()


def test_marks_lie_where_their_values_are() -> None:
    """A rate that was not held is hollow; each life of a process is a line of its own; half of a day ends half way."""
    (axes,) = peers_plot(REPORTS["peers"]).axes
    hollow = [points(mark) for mark in axes.lines if mark.get_markerfacecolor() == "none"]
    assert hollow == [[(400.0, 90.0)], [(400.0, 90.0)]]
    memory = soak_plot(REPORTS["soak"]).axes[1]
    assert [len(points(mark)) for mark in memory.lines] == [2, 1, 2, 1]
    arrivals = whatif(THERE, HALF).axes[0]
    assert [points(mark)[-1][1] for mark in arrivals.lines if mark.get_linestyle() == "-"] == [100.0, 50.0]


def test_a_long_axis_has_powers_of_ten_only() -> None:
    """A short one has 2 and 5 between them."""
    for high, ticks in ((50.0, {1.0, 2.0, 5.0, 10.0}), (1e6, {1.0, 10.0, 100.0})):
        _, (axes,) = panels("an axis", [1.0])
        axes.plot([1.0, high], [1.0, 1.0])
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
        assert ticks <= {round(tick, 6) for tick in axes.get_xticks()}
        assert (2.0 in {round(tick, 6) for tick in axes.get_xticks()}) == (high < plotting.LONG_AXIS)


def test_the_ending_of_the_name_decides(tmp_path: Path) -> None:
    """PNG where it is asked for, else SVG; the style is gone afterwards."""
    before = mpl.rcParams["axes.grid"]
    for name, begin in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("plain", b"<?xml")):
        write(str(tmp_path / name), lambda: panels("a title", [1.0])[0])
        assert (tmp_path / name).read_bytes().startswith(begin)
    assert mpl.rcParams["axes.grid"] == before


@pytest.mark.parametrize(
    "words",
    [
        ("latency", "--plot", "out.svg"),
        ("dispatch", "--instances", "tests/data/small-district", "--json", "out.json", "--plot", "out.svg"),
    ],
)
def test_without_the_library_one_sentence_names_it(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    """Before anything runs."""
    monkeypatch.setattr(plotting, "find_spec", lambda name: None)
    with pytest.raises(DoorstepError, match=r"Run: pip install 'doorstep\[bench\]'"):
        call(*words)


def test_reports_need_no_library_to_be_imported() -> None:
    """Modules with plots are imported by every command, so none of them loads Matplotlib."""
    names = ("bench.pages.figures", "bench.whatif.whatif_plot", "bench.dispatch.response_plot")
    code = f"import sys, {', '.join(names)}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
