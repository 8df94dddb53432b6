"""Of bench.demo.fleet.centre: what it writes is a configuration that a centre takes."""

from pathlib import Path

from bench.demo.fleet.centre import RunCentre
from bench.demo.fleet.inbox import Inbox
from central.alerts.receivers import secret
from central.config import load


def test_its_configuration_can_be_used(tmp_path: Path) -> None:
    """It invites, sends alerts to the inbox, and has the clock of the run once that is set."""
    inbox = Inbox()
    centre = RunCentre(tmp_path / "run", inbox)
    centre.configure()
    path = tmp_path / "run" / "central.toml"
    config = load(path)
    assert (config.clock_speed, config.advertised_address) == (1.0, centre.address)
    centre.configure({"clock_speed": 60.0, "clock_wall_anchor_ms": 5, "clock_real_anchor_ms": 6})
    config = load(path)
    assert (config.clock_speed, config.clock_wall_anchor_ms, config.clock_real_anchor_ms) == (60.0, 5, 6)
    (receiver,) = config.alert
    assert (receiver.url, secret(str(path), receiver).text) == (inbox.url, inbox.secret)
    inbox.close()
