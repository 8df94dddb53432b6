"""Tests of edge.app.process.rlimit, in processes with limits of their own."""

import subprocess
import sys

import pytest

from edge.limits import CONNECTIONS_MAX, DESCRIPTORS_SPARE
from tests.repo.project import ROOT

PROGRAM = """
import resource, sys
from edge.app.process import rlimit
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
rlimit.raise_nofile()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], rlimit.connections_max())
"""


@pytest.mark.parametrize(
    ("soft", "hard", "claimed", "fit"),
    [
        (100, 500, 500, 500 - 3 * DESCRIPTORS_SPARE),
        (60, 60, 60, 16),
        (100, 12_000, CONNECTIONS_MAX + 3 * DESCRIPTORS_SPARE, CONNECTIONS_MAX),
        (11_000, 12_000, 11_000, CONNECTIONS_MAX),
    ],
)
def test_what_is_allowed_is_claimed_and_some_are_left(soft: int, hard: int, claimed: int, fit: int) -> None:
    """The soft limit rises as far as needed, never falls, and connections leave some descriptors to the rest."""
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.split() == [str(claimed), str(fit)]
