"""The picture of quality against response time."""

from xml.etree import ElementTree as ET

from bench.dispatch.response import MINUTE_MS, THINK_MS, WAIT_MIN, Line, Pace, Point
from bench.dispatch.response_plot import caption, svg

TIMES = [*THINK_MS, *(minutes * MINUTE_MS for minutes in WAIT_MIN)]
BASELINE = Point(TIMES[-1], None, 0, 4.0, 45.0, 1.0, 2.0)


def line(name: str, ctd: float, baseline: Point | None = None) -> Line:
    """A line that rises."""
    return Line(name, [Point(ms, 1, 0, 0.0, ctd + n, 1.0, 2.0) for n, ms in enumerate(TIMES)], baseline)


def test_the_picture_is_whole() -> None:
    """Well-formed SVG with both panels, a point for each time and day in each, and the names, whatever is in them."""
    root = ET.fromstring(svg("nearest", Pace(), [line("scarce <day>", 40, BASELINE), line("calm", 30)]))
    legend = 3
    assert len(root.findall(".//{*}circle")) == legend + 2 * (2 * len(TIMES) + 1)
    texts = [each.text for each in root.findall(".//{*}text")]
    assert {"scarce <day>", "scarce <day>, couriers scarce", "undelivered, percent", "1 ms", "8 s", "300 s"} <= set(
        texts
    )


def test_a_flat_line_is_drawn() -> None:
    """One day without any difference, and nothing lost, is no division by zero."""
    ET.fromstring(svg("flat", Pace(1.0, 2.0), [Line("flat", [Point(ms, 1, 0, 0.0, None, 1, 2) for ms in TIMES])]))


def test_higher_is_higher() -> None:
    """More minutes are drawn further up."""
    root = ET.fromstring(svg("doorstep", Pace(), [line("day", 30)]))
    dots = [dot for dot in root.findall(".//{*}circle") if (dot[0].text or "").startswith("day, ")]
    heights = [float(dot.attrib["cy"]) for dot in dots[: len(TIMES)]]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == len(TIMES)


def test_the_caption_shows_how_thinking_was_measured() -> None:
    """Passes and their time where there are any; else that there is one run for all."""
    assert "one run stands for all" in caption(Pace(), [line("day", 30)])
    assert "each pass 2.50 ms" in caption(Pace(1.0, 2.5), [line("day", 30)])
