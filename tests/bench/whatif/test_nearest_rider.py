"""The policy to compare with."""

import pytest

from bench.whatif.nearest_rider import RULE, nearest_rider
from edge.messages.envelope import Place
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.options import DispatchOptions
from tests.edge.scenarios.dispatch.conftest import District


@pytest.fixture
def naive():
    """A small district in which the nearest rider is always the right one."""
    made = District()
    made.dispatch = Dispatch(DispatchOptions(), nearest_rider)
    return made


def test_each_order_gets_the_nearest_idle_rider_at_once(naive):
    """Though the food takes long, and though another pairing would serve both orders better."""
    naive.begin("r1", lat=52.505, lon=13.4)
    naive.begin("r2", lat=52.49, lon=13.4)
    first = naive.place("o1", pickup=Place(52.5, 13.4), prep_s=3000)
    naive.round(first, naive.place("o2", shop="s2", pickup=Place(52.53, 13.4), prep_s=3000))
    assert [(one.order, one.rider, one.offer, one.rule) for one in naive.decisions] == [
        ("o1", "r1", True, RULE),
        ("o2", "r2", True, RULE),
    ]


def test_who_is_busy_or_declined_is_not_asked(naive):
    """The order waits for another rider, which is recorded once."""
    naive.begin("r1")
    naive.round(naive.place("o1"), naive.place("o2"))
    assert [(one.order, one.rider) for one in naive.decisions] == [("o1", "r1"), ("o2", "")]
    naive.round(naive.reply("r1", "o1", 1, accept=False))
    assert naive.offer_of("o2") == ("r1", 2)
    naive.begin("r2", lat=52.6)
    naive.later(31)
    assert naive.offer_of("o1")[0] == "r2"


def test_nobody_is_sent_who_goes_home_before(naive):
    """The pickup would be after the end of the shift."""
    naive.begin("r1", until=naive.now.wall_ms + 600_000)
    naive.round(naive.place("o1", prep_s=900))
    assert [one.rider for one in naive.decisions] == [""]


def test_of_orders_of_one_instant_the_first_by_name_is_served(naive):
    """In whatever sequence they came."""
    naive.begin("r1")
    naive.round(naive.place("o2"), naive.place("o1"))
    assert [(one.order, one.rider) for one in naive.decisions] == [("o1", "r1"), ("o2", "")]


def test_the_oldest_order_is_served_first(naive):
    """Whatever its name."""
    naive.round(naive.place("o2"))
    naive.later(1)
    naive.round(naive.place("o1"))
    naive.begin("r1")
    naive.later(31)
    assert (naive.offer_of("o2")[0], naive.offer_of("o1")[0]) == ("r1", "")


def test_how_many_were_free_is_recorded(naive):
    """Without the one who was sent in the same round."""
    naive.begin("r1")
    naive.begin("r2", lat=52.6, until=naive.now.wall_ms + 60_000)
    naive.round(naive.place("o1"), naive.place("o2"))
    assert [one.rider for one in naive.decisions] == ["r1", ""]
    assert naive.decisions[1].why.startswith("Of 1 rider free")
