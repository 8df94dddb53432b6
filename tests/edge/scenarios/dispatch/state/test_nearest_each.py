"""The riders nearest to many places at once."""

import numpy as np
import pytest

from edge.scenarios.dispatch.state import nearest_each
from edge.scenarios.dispatch.state.nearest_each import nearest_of_each
from edge.scenarios.dispatch.state.travel import METRES_PER_DEG

LATS, LONS = np.array([0.0, 0.001, 0.002, 0.001]), np.array([0.0, 0.0, 0.0, 0.0])
NAMES = ["a", "b", "c", "d"]
REACH = (20_000 / METRES_PER_DEG) ** 2


@pytest.mark.parametrize("cells", [1, 8, 1_000])
def test_each_place_has_its_own(monkeypatch, cells):
    """Each place gets its nearest in metres, in whatever portions they are worked out; ties with the last come too."""
    monkeypatch.setattr(nearest_each, "NEAREST_CELLS_MAX", cells)
    found = nearest_of_each([(0.0, 0.0), (0.002, 0.0), (9.0, 9.0)], LATS, LONS, None, NAMES, 2, REACH)
    assert [sorted(one) for one in found] == [
        [(0, "a", 0), (111, "b", 1), (111, "d", 3)],
        [(0, "c", 2), (111, "b", 1), (111, "d", 3)],
        [],
    ]


def test_who_is_hidden_takes_no_place():
    """Hidden rows do not count, so that the next ones come up."""
    hidden = np.array([True, False, False, True])
    assert [sorted(one) for one in nearest_of_each([(0.0, 0.0)], LATS, LONS, hidden, NAMES, 2, REACH)] == [
        [(111, "b", 1), (222, "c", 2)]
    ]


def test_the_date_line_is_no_border():
    """Places on the two sides of the 180th meridian are as near as they are."""
    lons = np.array([179.999])
    ((found,),) = nearest_of_each([(0.0, -179.999)], LATS[:1], lons, None, NAMES, 1, REACH)
    assert found[0] == pytest.approx(0.002 * METRES_PER_DEG, abs=1)
