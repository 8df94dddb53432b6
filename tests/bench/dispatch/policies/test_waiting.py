"""Orders held back: received later, and nothing else is lost."""

from collections.abc import Sequence
from functools import partial

import pytest

from bench.dispatch.policies.policy import Day, Decision, News, Placed, Ready
from bench.dispatch.policies.waiting import Waiting
from bench.dispatch.simulator.strict import simulate
from tests.bench.dispatch.days import TOWN, Script


def due_news(minutes: int, uncertain: bool = False) -> list[tuple[int, News]]:
    """What a policy receives on the day of the town."""
    scripts: list[Script] = []

    def make(day: Day) -> Script:
        scripts.append(Script(day, {}))
        return scripts[0]

    simulate(TOWN, partial(Waiting, make=make, minutes=minutes), uncertain)
    return scripts[0].news_log


@pytest.mark.parametrize(("minutes", "at"), [(1, [11, 13, 16]), (5, [15, 15, 20])])
def test_an_order_is_received_at_the_next_minute_of_the_grid(minutes: int, at: list[int]) -> None:
    """Never in its own minute, also where that is on the grid; couriers are received at once."""
    news_log = due_news(minutes)
    assert [now for now, item in news_log if isinstance(item, Placed)] == at
    assert [now for now, item in news_log if not isinstance(item, Placed | Ready)] == [0, 5]


def test_an_order_is_not_ready_before_it_is_received() -> None:
    """With a long grid both come together, in their sequence."""
    assert [(now, type(item)) for now, item in due_news(30) if isinstance(item, Placed | Ready)] == [
        (30, kind) for kind in (Placed, Placed, Placed, Ready, Ready, Ready)
    ]


class Counted(Script):
    """Counts how often it is asked."""

    asked = 0

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """Nothing."""
        type(self).asked += 1
        return super().decide(now, news)


def test_nobody_is_asked_about_what_it_has_not_received() -> None:
    """A placement that is held back is no chance to decide."""
    Counted.asked = 0
    simulate(TOWN, partial(Waiting, make=partial(Counted, lines={}), minutes=30))
    assert Counted.asked == 3  # two shifts begin, and the three orders come together
