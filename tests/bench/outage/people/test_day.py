"""The scaled clock and the node's configuration agree."""

import msgspec
import pytest

from bench.outage.people.day import Day
from edge.app.config import Config


@pytest.mark.parametrize("speed", [1.0, 60.0, 1440.0, 5000.0])
def test_the_node_takes_the_options(speed: float) -> None:
    """Every option is one of the node's, within its range, whatever the speed."""
    config = msgspec.convert({"node": "n", **Day(speed).options()}, Config)
    assert config.clock_speed == speed
    assert config.reply_s >= min(speed, 3600)


def test_minutes_take_less_at_speed() -> None:
    """A day at 1,440 times real speed is a minute."""
    assert Day(1440.0).real_s(1440) == 60.0
    day = Day(1000.0)
    assert day.wall_ms() >= int(day.options()["clock_wall_anchor_ms"])
