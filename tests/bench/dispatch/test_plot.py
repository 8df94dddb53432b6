"""The picture of quality against response time."""

from xml.etree import ElementTree as ET

from bench.dispatch.plot import WAITS_MIN, Line, svg
from bench.dispatch.scorer import Score


def line(name: str, ctd: float) -> Line:
    """A line that rises with the waiting."""
    return Line(name, {wait: Score(0.0, ctd + wait, 0, 0, 0, 0, 0, 0, 0, 0, ctd, 0) for wait in WAITS_MIN})


def test_the_picture_is_whole() -> None:
    """Well-formed SVG with both panels, a curve for each day in each, and its name, whatever is in it."""
    root = ET.fromstring(svg("nearest", [line("scarce <day>", 40), line("calm", 30)]))
    assert len(root.findall(".//{*}polyline")) == 4
    texts = [each.text for each in root.findall(".//{*}text")]
    assert "scarce <day>" in texts
    assert "undelivered, percent" in texts


def test_a_flat_line_is_drawn() -> None:
    """One day without any difference is no division by zero."""
    ET.fromstring(svg("nearest", [Line("flat", dict.fromkeys(WAITS_MIN, line("", 1).scores[1]))]))
