"""`doorstep travel` against a real HTTP server."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from edge.cli.travel.command import travel
from edge.scenarios.dispatch.travel.table import UNKNOWN, unpacked
from tests.edge.cli.travel.osrm_server import osrm

AREA = ("--around", "52.5,13.4", "--km", "1.5", "--profile", "bike")


def call(*arguments: str) -> Result:
    """The command with its options."""
    return CliRunner().invoke(travel, list(arguments))


def test_a_table_from_a_service_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """In requests that a service takes; what failed is asked for again, and nothing twice."""
    target = tmp_path / "streets.table"
    with osrm() as service:
        service.fails_after = 1
        result = call("--osrm", service.url, *AREA, "--to", str(target))
        assert result.exit_code == 1
        assert "503" in str(result.exception)
        service.fails_after = 10**9
        result = call("--osrm", service.url, *AREA, "--to", str(target))
        assert result.exit_code == 0, result.output
        table = unpacked(target.read_bytes())
        blocks = -(-len(table.cells) // 50)
        assert len(service.asked) == blocks * blocks + 1
        assert {profile for profile, _, _ in service.asked} == {"bike"}
    assert blocks > 1
    assert not (tmp_path / "streets.table.part").exists()
    off = ~np.eye(len(table.cells), dtype=bool)
    assert (table.seconds[off] < UNKNOWN).all()
    assert (table.seconds == table.seconds.T).all()
    assert table.ride_s(52.5, 13.4, 52.505, 13.41) in range(900, 1300)
    assert f"sha256 {table.digest}" in result.output


def test_another_area_does_not_go_on_with_it(tmp_path: Path) -> None:
    """The rides that were asked for belong to their cells."""
    target = tmp_path / "streets.table"
    with osrm() as service:
        service.fails_after = 0
        assert call("--osrm", service.url, *AREA, "--to", str(target)).exit_code == 1
        result = call("--osrm", service.url, "--around", "52.6,13.4", "--to", str(target), "--km", "1")
    assert result.exit_code == 1
    assert "another command" in str(result.exception)


def test_a_table_from_a_file(tmp_path: Path) -> None:
    """The rows that it has; all other rides are unknown."""
    rides = tmp_path / "rides.csv"
    rides.write_text("from,to,seconds\n891f1d48177ffff,891f1d48163ffff,120.4\n")
    result = call("--csv", str(rides), "--to", str(tmp_path / "t"))
    assert result.exit_code == 0, result.output
    assert "2 cells of resolution 9, 1 of 4 rides known" in result.output


def test_options_that_cannot_be(tmp_path: Path) -> None:
    """Named, before anything is asked."""
    target = str(tmp_path / "t")
    for arguments, words in (
        ((), "Give one of"),
        (("--osrm", "ftp://x", "--around", "1,2"), "http://"),
        (("--osrm", "http://x"), "No cell"),
        (("--osrm", "http://x", "--around", "here"), "is no LAT,LON"),
        (("--osrm", "http://x", "--around", "91,0"), "no place on earth"),
        (("--osrm", "http://x", "--around", "1,2", "--km", "90"), "More than 5000 cells"),
        (("--osrm", "http://x", "--around", "1,2", "--km", "20"), "More than 5000 cells"),
    ):
        result = call(*arguments, "--to", target)
        assert result.exit_code == 2
        assert words in result.output
