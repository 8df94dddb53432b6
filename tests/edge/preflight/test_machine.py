"""Tests of edge.preflight.machine."""

import subprocess
import sys
from pathlib import Path

from edge.preflight import machine
from edge.preflight.finding import Report
from tests.edge.preflight.setups import setup


def test_the_disk_is_measured_and_left_as_it_was(tmp_path: Path) -> None:
    """Speed and room are facts; no file stays."""
    with setup(tmp_path) as site:
        site.write()
        before = sorted(tmp_path.rglob("*"))
        facts = site.look().facts
    assert float(facts["disk_sync_p99_ms"]) > 0
    assert float(facts["disk_free_gb"]) > 0
    assert sorted(tmp_path.rglob("*")) == before


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    """As a full one, or one that is mounted read-only: a file cannot be made there."""
    assert machine._sync_ms(tmp_path / "nowhere") is None


def test_few_descriptors_are_a_warning() -> None:
    """Where the hard limit leaves room for fewer clients, that many are named."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))\n"
        "from edge.preflight import machine; from edge.preflight.finding import Report\n"
        "report = Report(); machine.descriptors(report); print(report.findings[0].text)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "928 clients fit instead of 10,000" in done.stdout
    assert "LimitNOFILE" in done.stdout


def test_the_clock_is_asked_of_the_kernel() -> None:
    """A warning with what to install, or nothing: never an error, since the container's host may keep it."""
    report = Report()
    machine.clock(report)
    assert report.ok
    assert all("timesyncd" in finding.text for finding in report.findings)
