"""Two processes with one identity, and a centre that is restored to whatever it once was: nothing counts twice."""

from importlib import import_module

import pytest

from tests.sim.histories import History
from tests.sim.planted.bugs import NO_CHAIN
from tests.sim.planted.patching import planted

HISTORIES = 500
ENOUGH = 1_000


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


def test_no_history_counts_anything_twice() -> None:
    """Whoever speaks first, whatever the centre is restored to, in whatever order: no event counts twice, and what is
    missing in the end was reported as discarded or lost."""
    for seed in range(HISTORIES):
        feud = History(seed).live()
        assert not feud.twice, f"history {seed}: {feud.twice}"
        assert not feud.missing or feud.sent, f"history {seed}: {feud.missing} events are missing without a word"


def test_without_the_chain_they_would() -> None:
    """A centre that looks at numbers and hashes of the present epoch only counts something twice in such histories."""
    with planted(NO_CHAIN):
        lived = import_module("tests.sim.histories").History
        assert any(lived(seed).live().twice for seed in range(ENOUGH))
