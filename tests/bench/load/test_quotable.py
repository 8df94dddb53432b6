"""When figures are not to be quoted."""

import os
import subprocess
import sys

import pytest

from bench.load.quotable import OtherProcesses, busy_s, reasons

QUIET = {"machine": {"cores": 2, "load_average": [0.4, 3.0, 3.0]}, "others_cores": 0.1}


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (QUIET, []),
        ({}, []),
        ({**QUIET, "generator_late": {"too_late": False}}, []),
        ({**QUIET, "machine": {"cores": 2, "load_average": [17.0, 1.0, 1.0]}}, ["load 17"]),
        (
            {**QUIET, "others_cores": 0.8, "generator_late": {"too_late": True}},
            ["other processes used 0.8 cores", "generator late"],
        ),
    ],
)
def test_each_reason_is_named(report: dict[str, object], expected: list[str]) -> None:
    """The load before the run, others meanwhile, lateness; none on a quiet machine."""
    assert reasons(report) == expected


def test_what_this_process_and_its_children_use_is_not_of_others() -> None:
    """Both burn a core for a while, and the clocks of the kernel only go forward."""
    before, others = busy_s(), OtherProcesses()
    own = sum(os.times()[:4])
    subprocess.run([sys.executable, "-c", "sum(range(10_000_000))"], check=True)
    used_s = sum(os.times()[:4]) - own
    assert used_s > 0
    assert busy_s() - before >= 0
    assert 0 <= others.cores() < (os.cpu_count() or 1) + 1
