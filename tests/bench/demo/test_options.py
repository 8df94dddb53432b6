"""The options of dispatch for a district."""

from pathlib import Path

from bench.demo.district.instance import read
from bench.demo.options import rules

SMALL = Path(__file__).parents[2] / "data" / "small-district"


def test_people_have_time_at_any_speed() -> None:
    """A minute for an answer at the usual speed; at a high one as long as a hiccup of the machine may take."""
    parameters = read(SMALL).parameters
    assert rules(parameters, 60)["reply_s"] == 60
    assert rules(parameters, 600)["reply_s"] == 300
    assert rules(parameters, 100_000)["reply_s"] == 3600
