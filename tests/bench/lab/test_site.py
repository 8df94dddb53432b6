"""A node and its centre in one folder."""

from pathlib import Path

import pytest

from bench.lab.clock import ScaledClock
from bench.lab.settings import free_port
from bench.lab.site import Site, copy_data, fetch


def test_node_and_centre_start_and_stop(tmp_path: Path) -> None:
    """The real node and the real centre start from written files, report their state, and stop cleanly; what was
    copied of the node's data is there and has no lock."""
    with Site(tmp_path / "site", "district") as site:
        site.configure({"rider-1": "token"}, ScaledClock(60.0).options())
        site.start()
        assert site.status()["node"] == "district"
        assert site.summary()["events"] == 0
        assert site.ports()["listen"] == site.port
        assert site.status_url().startswith(f"http://127.0.0.1:{site.status_port}/?token=")
        copy_data(site.node_data, tmp_path / "copy")
        assert {"journal.sqlite3"} <= {path.name for path in (tmp_path / "copy").iterdir()}
        assert not (tmp_path / "copy" / "lock").exists()
        site.stop()
        assert (site.node.poll(), site.centre.poll()) == (0, 0)


def test_a_site_without_a_centre_starts_its_node_alone(tmp_path: Path) -> None:
    """Nobody's uplink is configured, and an option that is written later holds from the next start on."""
    with Site(tmp_path).configure(["alice"], centre=False) as site:
        site.write_config(status_listen="127.0.0.1:0")
        site.start()
        assert not site.centre.lives
        assert site.ports()["status"] != site.status_port
        assert list(site.tokens) == ["alice"]


def test_nobody_there_is_an_oserror(tmp_path: Path) -> None:
    """Asking a port on which nobody listens raises OSError, whatever is wrong; a node that never ran has no token."""
    with pytest.raises(ConnectionRefusedError):
        fetch(free_port(), "/")
    assert not Site(tmp_path).status_token()


def test_a_scaled_clock_runs_faster_than_life() -> None:
    """Its wall clock begins now; the node's options have the same two anchors."""
    clock = ScaledClock(1000.0)
    options = clock.options()
    assert options["clock_wall_anchor_ms"] == options["clock_real_anchor_ms"] == clock.begun_ms
    assert clock.wall_ms() >= clock.begun_ms
