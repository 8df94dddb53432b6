"""Tables of travel times."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.messages.envelope import Place
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.travel.cells import cell_at, h3
from edge.scenarios.dispatch.travel.ride_times import RulesWithTable, ride_s, rides_s, slower, with_table
from edge.scenarios.dispatch.travel.table import UNKNOWN, keep, packed, taken, unpacked

PLACES = [(52.5 + north / 200, 13.4 + east / 120) for north in range(4) for east in range(3)]
FAR = (53.0, 14.0)


def table(resolution=8, value=None):
    """One of the cells of PLACES: each ride 100 s and more, one of them unknown."""
    cells = sorted({cell_at(*place, resolution) for place in PLACES})
    seconds = np.add.outer(np.arange(len(cells)), 2 * np.arange(len(cells))) + 100
    if value is not None:
        seconds[:] = value
    seconds[0, 1] = UNKNOWN
    return packed(resolution, cells, seconds.astype(np.uint16))


def rules(**changes):
    """Options that name the table."""
    return with_table(DispatchOptions(travel_table=taken(table()), **changes))


def test_a_file_is_what_was_packed():
    """To the second, named by its checksum."""
    made = unpacked(table())
    assert made.seconds.shape == (len(made.cells), len(made.cells))
    assert packed(made.resolution, made.cells, made.seconds) == table()
    assert made.digest == unpacked(table()).digest != unpacked(table(value=7)).digest


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 300))
def test_a_damaged_file_is_refused(at, flip, cut):
    """Whichever byte is another one, wherever it is cut off."""
    body = bytearray(table())
    body[at % len(body)] ^= flip
    with pytest.raises(ValueError, match=r"^(it|its) .+"):
        unpacked(bytes(body))
    with pytest.raises(ValueError, match=r"^it "):
        unpacked(table()[: -1 - cut])


@pytest.mark.parametrize(
    "body", [b"", packed(8, [5, 4], np.ones((2, 2), np.uint16)), packed(12, [5], np.ones((1, 1), np.uint16))]
)
def test_what_is_no_table_is_refused(body):
    """Nothing, cells in disorder, and cells that are too fine."""
    with pytest.raises(ValueError, match=r"^it|its"):
        unpacked(body)


def test_one_ride_and_many_agree():
    """By the table where it knows, by the straight line elsewhere, which is counted; rounded up to whole steps."""
    for options in (rules(), rules(ride_step_s=60), slower(rules(), 1.7)):
        places = [*PLACES, FAR]
        many = rides_s(places, places, options)
        assert isinstance(options, RulesWithTable)
        assert [[ride_s(*start, *end, options) for end in places] for start in places] == many.tolist()
        before = options.table.missed
        plain = slower(DispatchOptions(ride_step_s=options.ride_step_s), options.pace)
        assert ride_s(*PLACES[0], *FAR, options) == ride_s(*PLACES[0], *FAR, plain)
        assert options.table.missed == before + 1


def test_the_pace_stands_on_top():
    """A ride takes the seconds of the table times the pace."""
    start, end = PLACES[0], PLACES[-1]
    found = rules()
    assert isinstance(found, RulesWithTable)
    seconds = found.table.ride_s(*start, *end)
    assert seconds is not None
    assert ride_s(*start, *end, found) == seconds
    assert ride_s(*start, *end, slower(found, 1.3)) == math.ceil(seconds * 1.3)


def test_a_table_that_nobody_has_is_none():
    """Then rides are by the straight line; what is kept, is kept once."""
    options = DispatchOptions(travel_table="00ff")
    assert with_table(options) is options
    first = unpacked(table(value=9))
    keep(first)
    keep(unpacked(table(value=9)))
    assert with_table(DispatchOptions(travel_table=first.digest)).table is first  # pyright: ignore[reportAttributeAccessIssue]


def test_rounds_go_by_the_table(district, mirror):
    """Candidates, promises and stops, also for a vehicle; a replay decides the same, and what was learned about rides
    begins anew with another table."""
    cells = sorted({cell_at(*place, 9) for place in [(52.5, 13.4), (52.51, 13.41), (52.501, 13.401), (52.53, 13.4)]})
    seconds = np.full((len(cells), len(cells)), 700, np.uint16)
    options = DispatchOptions(standby=False, travel_table=taken(packed(9, cells, seconds)))
    d = district(options)
    d.begin("r1", 52.53, 13.4)
    d.begin("r2", 52.53, 13.4, vehicle="foot")
    d.round(d.place("o1", dropoff=Place(52.51, 13.41)))
    found = d.dispatch_state.orders.open["o1"]
    assert (found.rider, found.ride_s) == ("r1", 700)
    assert found.pickup_ms == 1000 * (1000 + 700 + 120)
    d.later(30)
    for decides in (True, False):
        again = mirror(options, decides)
        for row in d.rows:
            again.follow(row)
    d.dispatch_state.times.learned.rides.pace.add(2.0)
    d.dispatch.configure(DispatchOptions(standby=False, travel_table=taken(table())))
    d.later(300)
    assert d.dispatch_state.times.learned.rides.pace.n == 0
    assert h3().get_num_cells(0) == 122
