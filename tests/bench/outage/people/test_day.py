"""The scaled clock and the node's configuration agree."""

from pathlib import Path

import pytest

from bench.lab.settings import write_config
from bench.outage.people.day import Day
from edge.app.config import load
from edge.scenarios.dispatch.options import DispatchOptions


@pytest.mark.parametrize("speed", [1.0, 60.0, 1440.0, 5000.0])
def test_the_node_takes_the_options(tmp_path: Path, speed: float) -> None:
    """Every option is one of the node's or of dispatch, within its range, whatever the speed."""
    write_config(tmp_path / "edge.toml", {"node": "n", **Day(speed).node_options()})
    config = load(tmp_path / "edge.toml")
    assert config.clock_speed == speed
    options = config.sections["dispatch"]
    assert isinstance(options, DispatchOptions)
    assert options.reply_s >= min(speed, 3600)


def test_minutes_take_less_at_speed() -> None:
    """A day at 1,440 times real speed is a minute."""
    assert Day(1440.0).real_s(1440) == 60.0
    began_ms = Day(1000.0).options()["clock_wall_anchor_ms"]
    assert isinstance(began_ms, int)
    assert Day(1000.0).wall_ms() >= began_ms
