"""Breaks, rests, and the longest time on duty."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import Reason
from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.overrides import RiderPause, RiderResume
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.state.duty import REST, Break, Duty, next_break, off_ms, over_ms, stays_ms, turn_ms
from edge.scenarios.dispatch.state.riders import Rider

RULES = DispatchOptions(rest_after_s=100, rest_s=60, max_on_duty_s=500)


def rider(**duty):
    """A rider on duty since 0."""
    return Rider("r", 1, None, duty=Duty(**duty))


def test_the_first_bound_counts():
    """End of shift, end of duty, next break, whichever comes first; none where nothing bounds it."""
    none = DispatchOptions()
    assert off_ms(rider(), none) is turn_ms(rider(), none) is over_ms(Duty(), none) is next_break(Duty(), none) is None
    assert off_ms(rider(), RULES) == turn_ms(rider(), RULES) == 100_000
    assert off_ms(rider(rested_ms=450_000), RULES) == over_ms(Duty(), RULES) == 500_000
    early, late = Break(50_000, 90_000, "r"), Break(150_000, 0, "desk")
    assert next_break(Duty(ahead=early), RULES) == early
    assert next_break(Duty(ahead=late), RULES) == Break(100_000, 160_000, REST)
    assert next_break(Duty(ahead=late), none) == late
    paused = rider(resumes_ms=70_000)
    paused.paused = "r"
    assert turn_ms(paused, RULES) == 70_000


def test_a_rest_begins_when_the_work_is_done():
    """Who still has an order when its rest should end rests from then on; a break of one's own ends in time."""
    working = rider()
    working.orders, working.free_ms, working.paused = ["o1"], 30_000, REST
    assert stays_ms(working, 20_000, RULES) == 90_000
    working.paused = "r"
    assert stays_ms(working, 20_000, RULES) == 0


def test_nothing_is_fetched_in_a_break(district):
    """Before it nothing that would be fetched in it, then nothing new; after it offers again, by itself."""
    d = district(standby=False)
    d.begin("r1", capacity=2)
    at = d.now.wall_ms
    assert d.one(d.event("r1", RiderPause, rider="r1", starts_at=at + 300_000, until=at + 900_000)) is None
    d.round(d.place("o1", prep_s=600))
    assert (d.offer_of("o1")[0], d.dispatch_state.orders.open["o1"].plan) == ("", "")
    d.round(d.place("o2", prep_s=60))
    assert d.offer_of("o2")[0] == "r1"
    d.round(d.reply("r1", "o2", d.offer_of("o2")[1]))
    for _ in range(20):
        d.report_position("r1")
        d.later(20)
    assert d.dispatch_state.riders.known["r1"].paused == "r1"
    assert d.offer_of("o2")[0] == "r1"
    d.dispatch.restore(d.dispatch.snapshot())
    d.round(d.step("r1", "o2", "picked_up"))
    d.round(d.step("r1", "o2", "delivered"))
    assert d.offer_of("o1")[0] == ""
    for _ in range(26):
        d.report_position("r1")
        d.later(20)
    assert d.dispatch_state.riders.known["r1"].paused == ""
    assert d.offer_of("o1")[0] == "r1"


def test_times_of_a_break_are_checked(district):
    """One that is over already, or cannot be meant, changes nothing; one that has not begun is taken back."""
    d = district()
    d.begin("r1")
    at = d.now.wall_ms
    before = d.dispatch.snapshot()
    for times, reason in (
        ({"until": at - 1}, Reason.TOO_LATE),
        ({"starts_at": at + 60_000, "until": at + 60_000}, Reason.TOO_LATE),
        ({"starts_at": at + 10**9}, Reason.MALFORMED),
    ):
        assert d.one(d.event("r1", RiderPause, rider="r1", **times)) == reason
    assert d.dispatch.snapshot() == before
    assert d.one(d.event("r1", RiderPause, rider="r1", starts_at=at + 60_000)) is None
    assert d.one(d.event("r1", RiderResume, rider="r1")) is None
    assert d.dispatch_state.riders.known["r1"].off_ms is None


def test_after_these_orders(district):
    """Nothing new, and the shift ends with the last one; at once where there is none, or it is taken away."""
    d = district(standby=False)
    d.begin("r1", capacity=2)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", d.offer_of("o1")[1]))
    d.round(d.shift("r1", on=False, after_orders=True))
    d.round(d.place("o2"))
    assert (d.offer_of("o1")[0], d.offer_of("o2")[0]) == ("r1", "")
    d.round(d.step("r1", "o1", "picked_up"))
    d.round(d.step("r1", "o1", "delivered"))
    assert d.dispatch_state.riders.known.get("r1") is None
    d.begin("r2")
    d.later(30)
    d.round(d.shift("r2", on=False, after_orders=True))
    assert d.dispatch_state.riders.known.get("r2") is None
    d.begin("r3")
    d.later(60)
    d.round(d.reply("r3", "o2", d.offer_of("o2")[1]))
    d.round(d.shift("r3", on=False, after_orders=True))
    d.round(d.shift("r3"))
    assert d.dispatch_state.riders.known["r3"].paused == ""
    d.round(d.shift("r3", on=False, after_orders=True))
    d.round(d.cancel("customer", "o2"))
    assert d.dispatch_state.riders.known.get("r3") is None


def test_the_node_lets_riders_rest(district):
    """After so much work, for so long; the rider cannot end it, a dispatcher can."""
    d = district(standby=False, rest_after_s=600, rest_s=300)
    d.begin("r1")
    d.later(601)
    known = d.dispatch_state.riders.known["r1"]
    assert known.paused == REST
    assert d.one(d.event("r1", RiderResume, rider="r1")) == Reason.NOT_YOURS
    d.round(d.shift("r1"))
    d.later(290)
    assert known.paused == REST
    d.round(d.shift("r1"))
    d.later(20)
    assert known.paused == ""
    d.round(d.shift("r1"))
    for _ in range(3):
        d.later(200)
        d.round(d.shift("r1"))
    assert known.paused == REST
    assert d.one(d.by_hand(RiderResume, rider="r1")) is None
    d.later(10)
    assert known.paused == ""


def test_who_is_on_duty_for_too_long_is_a_problem(district):
    """Nothing is fetched after that, and the operator learns of it; with a new limit on a reload at once."""
    d = district(standby=False)
    d.begin("r1")
    d.later(60)
    d.dispatch.configure(DispatchOptions(standby=False, max_on_duty_s=300))
    d.round(d.place("o1", prep_s=400))
    assert d.dispatch_state.orders.open["o1"].plan == ""
    assert "riders_over_duty" not in d.dispatch.problems(d.now)
    d.later(250)
    assert d.dispatch.problems(d.now)["riders_over_duty"].startswith(
        "1 rider is on shift for over 5 min, r1 the longest"
    )


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(60, 900), st.integers(60, 600)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 10)), min_size=1, max_size=6),
    st.sampled_from((0, 400)),
)
def test_no_plan_breaks_a_break(district, mirror, breaks, orders, rest_after_s):
    """Whatever is planned or offered, its pickup is expected before its rider's next break; and a replay agrees."""
    rules = DispatchOptions(standby=False, rest_after_s=rest_after_s, max_on_duty_s=2_000)
    d = district(rules)
    for number, (start_s, lasts_s) in enumerate(breaks):
        d.begin(f"r{number}", capacity=2)
        at = d.now.wall_ms + start_s * 1000
        d.round(d.event(f"r{number}", RiderPause, rider=f"r{number}", starts_at=at, until=at + lasts_s * 1000))
    for number, (prep_s, east) in enumerate(orders):
        d.round(d.place(f"o{number}", prep_s=prep_s, dropoff=Place(52.505, 13.4 + east / 1_000)))
        for rider_ in breaks:
            d.report_position(f"r{breaks.index(rider_)}")
        for decision in d.decisions:
            if decision.rider:
                order, known = (
                    d.dispatch_state.orders.open[decision.order],
                    d.dispatch_state.riders.known[decision.rider],
                )
                assert known.off_ms is None or order.pickup_ms <= known.off_ms
        d.later(40)
    again = mirror(rules, True)
    for row in d.rows:
        again.follow(row)


@pytest.mark.parametrize("late_s", [0, 5_000])
def test_a_node_that_was_away_catches_up(district, late_s):
    """Breaks that have come and gone end, in one round."""
    d = district(standby=False, rest_after_s=600, rest_s=300)
    d.begin("r1")
    at = d.now.wall_ms
    d.round(d.event("r1", RiderPause, rider="r1", starts_at=at + 60_000, until=at + 120_000))
    d.seconds += 130 + late_s
    d.round()
    d.round(d.shift("r1"))
    assert d.dispatch_state.riders.known["r1"].paused == (REST if late_s else "")
