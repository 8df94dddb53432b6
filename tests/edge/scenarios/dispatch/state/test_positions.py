"""The table of positions."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.core.model import Now
from edge.limits import WALL_SKEW_MS_MAX
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import RiderDistance
from edge.scenarios.dispatch.state.positions import (
    AWAY_S,
    EARLY_POSITIONS_MAX,
    JUMP_S_MAX,
    Positions,
)
from edge.scenarios.dispatch.travel.ride_times import metres, seconds

RULES = DispatchOptions()
WALL_MS = 1_700_000_000_000
NOW_MS = 10_000
NOBODY = ([], [])


def now(mono_s):
    return Now(mono_s, WALL_MS + round(mono_s * 1000))


def table(places, at_ms=0):
    positions = Positions(RULES)
    for index, (lat, lon) in enumerate(places):
        positions.enter(f"r{index}", at_ms)
        positions.flag(f"r{index}", True, True)
        positions.put(f"r{index}", at_ms, lat, lon)
    return positions


@settings(max_examples=50)
@given(
    centre=st.sampled_from([(0.0, 0.0), (52.5, 13.4), (-45.0, 179.995), (60.0, -179.995)]),
    offsets=st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(-0.4, 0.4)), max_size=60)
    | st.lists(st.tuples(st.floats(-0.012, 0.012), st.floats(-0.012, 0.012)), max_size=60),
    limit=st.integers(1, 12),
)
@example(centre=(0.0, 0.0), offsets=[(0.005, 0.005)] * 10 + [(-0.0001, 0.005)], limit=3)
def test_nearest_agrees_with_looking_at_everybody(centre, offsets, limit):
    """The riders are the nearest ones by great circle, in sequence, to a few metres."""
    places = [(centre[0] + up, (centre[1] + across + 180) % 360 - 180) for up, across in offsets]
    positions = table(places)
    seen = positions.nearest(centre[0], centre[1], limit, 5_000)
    exact = sorted(metres(*place, *centre) for place in places)
    reach = [distance for distance in exact if distance <= RULES.radius_m_max]
    assert abs(len(seen) - min(limit, len(reach))) <= sum(abs(d - RULES.radius_m_max) < 5 for d in exact)
    for rank, rider in enumerate(seen):
        assert rider.travel_s == pytest.approx(seconds(exact[rank], RULES), abs=2, rel=0.005)
        assert rider.age_s == 5


def test_the_newest_point_counts():
    """Of several points, and of several messages, only the one with the latest stamp matters."""
    positions = table([(0.0, 0.0)])
    positions.report_position("r0", [(WALL_MS + 9_000, 0.01, 0.01), (WALL_MS + 8_000, 0.02, 0.02)], now(10))
    assert positions.place("r0") == (0.01, 0.01, 9_000)
    positions.report_position("r0", [(WALL_MS + 5_000, 0.03, 0.03)], now(11))
    assert positions.place("r0") == (0.01, 0.01, 9_000)


@pytest.mark.parametrize("stamp", [WALL_MS + 10_001, WALL_MS + 10_000 - WALL_SKEW_MS_MAX - 1, 0])
def test_an_impossible_stamp_means_now(stamp):
    """A stamp from the future or from long ago is replaced by the node's clock."""
    positions = table([(0.0, 0.0)])
    positions.report_position("r0", [(stamp, 0.01, 0.01)], now(10))
    assert positions.place("r0") == (0.01, 0.01, 10_000)


def test_old_positions_are_not_shown():
    """A rider whose position is older than the rules allow is nobody's candidate, and is again after the next one."""
    positions = table([(0.0, 0.0)])
    late = RULES.position_age_s_max + 1
    assert positions.nearest(0.0, 0.0, 5, late * 1000) == []
    positions.report_position("r0", [(WALL_MS + late * 1000, 0.0, 0.01)], now(late))
    assert [one.rider for one in positions.nearest(0.0, 0.0, 5, late * 1000)] == ["r0"]


@pytest.mark.parametrize(
    ("place", "after_s", "reason"),
    [
        ((52.59, 13.4), 60, None),  # 10 km in a minute: bad, but possible for a receiver
        ((53.5, 13.4), 60, "too_fast"),
        ((53.5, 13.4), JUMP_S_MAX, "too_fast"),
        ((53.5, 13.4), JUMP_S_MAX + 1, None),  # by now the known one may be the mistake
        ((0.0, 0.0), 60, "null_island"),
        ((0.0, 0.0), JUMP_S_MAX + 1, "null_island"),
    ],
)
def test_what_cannot_be_a_position_is_dropped(place, after_s, reason):
    """Latitude and longitude 0, and a jump that no rider makes, are counted and change nothing but the silence."""
    positions = table([(52.5, 13.4)])
    positions.mark_silent("r0", 0)
    positions.report_position("r0", [(WALL_MS + after_s * 1000, *place)], now(after_s))
    assert positions.dropped == {name: int(name == reason) for name in positions.dropped}
    assert positions.place("r0") == ((52.5, 13.4, 0) if reason else (*place, after_s * 1000))
    assert [one.rider for one in positions.nearest(52.5, 13.4, 1, after_s * 1000)] == (
        [] if place[0] > 53 and not reason else ["r0"]
    )


def test_a_phone_without_a_fix_is_nowhere_when_its_shift_begins():
    """A position of 0, 0 before the shift is not kept for it."""
    positions = Positions(RULES)
    positions.report_position("r0", [(WALL_MS, 0.0, 0.0)], now(0))
    positions.enter("r0", 0)
    assert positions.place("r0") is None


def test_positions_before_a_shift_are_kept_in_a_bounded_table():
    """Positions of clients without a shift are forgotten, the oldest first; a shift in the same batch finds its own."""
    positions = Positions(RULES)
    for index in range(EARLY_POSITIONS_MAX + 1):
        positions.report_position(f"r{index}", [(WALL_MS, 1.0, 1.0)], now(0))
    assert len(positions._early) == EARLY_POSITIONS_MAX
    assert positions.place("r1") is None
    positions.enter("r0", 0)
    positions.enter("r1", 0)
    assert positions.place("r0") is None
    assert positions.place("r1") == (1.0, 1.0, 0)


def test_silence_has_its_deadline():
    """No rider is silent before silent_s, each without a message is at it, and a message starts it anew."""
    positions = table([(0.0, 0.0), (0.0, 0.0)])
    assert positions.silent(0) == NOBODY
    assert positions.next_silence_ms() == RULES.silent_s * 1000
    positions.touch("r1", 100_000)
    assert positions.silent(RULES.silent_s * 1000 - 1) == NOBODY
    assert positions.silent(RULES.silent_s * 1000) == (["r0"], [])
    positions.mark_silent("r0", RULES.silent_s * 1000)
    assert positions.silent(RULES.silent_s * 1000) == NOBODY
    assert positions.next_silence_ms() == RULES.silent_s * 1000 + 100_000
    assert [one.rider for one in positions.nearest(0.0, 0.0, 5, 300_000)] == ["r1"]
    positions.touch("r0", 301_000)
    assert [one.rider for one in positions.nearest(0.0, 0.0, 5, 301_000)] == ["r0", "r1"]


def test_who_is_silent_for_a_day_is_gone():
    """A message before starts both times anew; a restart leaves what is left of the day, but not less than the time
    to come back."""
    silent_ms, away_ms = RULES.silent_s * 1000, AWAY_S * 1000
    positions = table([(0.0, 0.0)])
    assert positions.silent(0) == NOBODY
    assert positions.silent(silent_ms) == (["r0"], [])
    positions.mark_silent("r0", silent_ms)
    assert positions.next_silence_ms() == silent_ms + away_ms
    assert positions.silent(silent_ms + away_ms - 1) == NOBODY
    assert positions.silent(silent_ms + away_ms) == ([], ["r0"])
    positions.mark_silent("r0", silent_ms)
    positions.touch("r0", away_ms)
    assert positions.silent(away_ms + silent_ms) == (["r0"], [])
    again = table([(0.0, 0.0)])
    again.mark_silent("r0", silent_ms)
    assert again.silent(2 * away_ms) == NOBODY
    assert again.silent(2 * away_ms + silent_ms) == ([], ["r0"])


def test_a_lost_connection_makes_silent_sooner():
    """After the last connection went, two minutes are enough; a message takes that back."""
    positions = table([(0.0, 0.0), (0.0, 0.0)])
    assert positions.silent(0) == NOBODY
    positions.disconnected("r0", 10_000)
    positions.disconnected("r1", 10_000)
    positions.touch("r1", 20_000)
    assert positions.silent(130_000) == (["r0"], [])


def test_a_restart_gives_everybody_time():
    """The silence before the first live look does not count: after a restart riders can come back."""
    positions = table([(0.0, 0.0)])
    assert positions.silent(10_000_000) == NOBODY
    assert positions.silent(10_000_000 + RULES.silent_s * 1000) == (["r0"], [])


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefg"), st.sampled_from(["enter", "leave", "idle", "busy", "put", "silent", "touch"])
        ),
        max_size=80,
    )
)
def test_only_who_can_be_offered_something_is_found(steps):
    """After any steps, exactly the idle riders that are not silent and have a place are found, each at its place."""
    positions, model = Positions(RULES), {}
    for index, (rider, step) in enumerate(steps):
        if step == "enter":
            positions.enter(rider, 0)
            model.setdefault(rider, {"idle": False, "quiet": False, "place": None})["quiet"] = False
            continue
        match step:
            case "leave":
                positions.leave(rider)
                model.pop(rider, None)
            case "idle" | "busy":
                positions.flag(rider, step == "idle", True)
                model.get(rider, {})["idle"] = step == "idle"
            case "put":
                positions.put(rider, index, index / 1000, 0.0)
                model.get(rider, {})["place"] = (index / 1000, 0.0, index)
            case "silent" | "touch":
                positions.mark_silent(rider, 0) if step == "silent" else positions.touch(rider, 0)
                model.get(rider, {})["quiet"] = step == "silent"
        shown = sorted(one.rider for one in positions.nearest(0.0, 0.0, 20, 1000))
        assert shown == sorted(r for r, m in model.items() if m["idle"] and not m["quiet"] and m["place"])
        for known, facts in model.items():
            assert positions.place(known) == facts["place"]
        assert len(positions._riders) == len(model)


def test_positions_that_no_decision_sees_are_counted():
    """A position of somebody who is not on shift, and one older than the known one, are counted by reason."""
    table = Positions(DispatchOptions())
    now = Now(100.0, 1_790_000_000_000)
    table.report_position("other", [(now.wall_ms, 52.5, 13.4)], now)
    table.enter("rider", 100_000)
    table.report_position("rider", [(now.wall_ms, 52.5, 13.4)], now)
    table.report_position("rider", [(now.wall_ms - 5_000, 52.6, 13.4)], now)
    assert {name: n for name, n in table.dropped.items() if n} == {"not_on_shift": 1, "out_of_order": 1}
    place = table.place("rider")
    assert place is not None
    assert place[:2] == (52.5, 13.4)


def test_the_ride_of_one_rider_needs_a_place_that_is_new_enough():
    """Of a busy one too; of one that is silent, off shift or out of sight there is none."""
    positions = table([(52.5, 13.4)])
    away_s = seconds(metres(52.5, 13.4, 52.51, 13.4), RULES)
    assert positions.ride("r0", 52.51, 13.4, NOW_MS) == [RiderDistance("r0", away_s, 10)]
    positions.flag("r0", False, True)
    assert positions.ride("r0", 52.51, 13.4, NOW_MS) == [RiderDistance("r0", away_s, 10)]
    assert positions.ride("r9", 52.51, 13.4, NOW_MS) == []
    assert positions.ride("r0", 52.51, 13.4, NOW_MS + RULES.position_age_s_max * 1000) == []
    positions.mark_silent("r0", 0)
    assert positions.ride("r0", 52.51, 13.4, NOW_MS) == []
