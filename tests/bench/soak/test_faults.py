"""The schedule, and the malformed messages."""

from itertools import pairwise

import pytest

from bench.soak.faults import FIRST_S, KILLS_UNTIL, MALFORMED, MEANS_S, QUIET_S, schedule
from edge.core.decode import Catalog
from edge.core.model import Rejected
from edge.scenarios.dispatch import Dispatch


def test_a_seed_is_a_schedule() -> None:
    """The same seed gives the same faults, another one others; all kinds come, by time, and the ends are quiet."""
    faults = schedule(3600.0, 1)
    assert faults == schedule(3600.0, 1) != schedule(3600.0, 2)
    assert {fault.name for fault in faults} == MEANS_S.keys()
    assert faults == sorted(faults, key=lambda fault: fault.at_s)
    assert all(fault.at_s >= FIRST_S and fault.at_s + fault.length_s <= 3600.0 - QUIET_S for fault in faults)
    assert all(fault.at_s < 3600.0 * KILLS_UNTIL for fault in faults if fault.name.startswith("kill"))
    cuts = [fault for fault in faults if fault.name == "cut"]
    assert all(a.at_s + a.length_s < b.at_s for a, b in pairwise(cuts))


@pytest.mark.parametrize(("kind", "payload"), MALFORMED)
def test_malformed_input_is_refused(kind: str, payload: bytes) -> None:
    """No piece of it is an event."""
    made = Catalog([Dispatch]).decode("till-0", kind, payload, "wgs84")
    assert isinstance(made, Rejected)
