"""Of central.alerts.queue: one alert when an alarm begins and one when it ends, over restarts; on both engines."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from central.alerts.conditions import Condition
from central.alerts.notice import Change
from central.alerts.queue import CHANGES_MAX, Pending, Queue
from central.alerts.receivers import Receiver
from central.alerts.tables import open_tables
from edge.service.webhook import AGE_S_MAX, REFUSALS_MAX, Result
from tests.central.stores import Place
from tests.waiting import wait_until

OPS = Receiver(name="ops", url="http://127.0.0.1:1/", after_s=60, per_minute=20)
BEHIND = Condition("behind", "n1")
OK = Result("delivered")
MINUTE = 60_000


class World:
    """A queue whose receivers are asked at times that the test gives."""

    def __init__(self, place: Place, *receivers: Receiver) -> None:
        self.place, self.receivers = place, list(receivers) or [OPS]
        self.queue = self.opened("a")
        self.queue.keep([each.name for each in self.receivers])

    def opened(self, holder: str) -> Queue:
        return Queue(open_tables(self.place.where, self.place.password), holder, lambda: 1.0)

    def restart(self) -> None:
        self.queue.close()
        self.queue = self.opened("b")

    def look(self, now: int, *found: Condition) -> None:
        self.queue.look(found, self.receivers, now)

    def take(self, now: int, number: int = 0) -> Pending | None:
        return self.queue.take(self.receivers[number], "centre", now, now)

    def notified(self, now: int) -> list[tuple[str, str, bool]]:
        """What the next message has, which its receiver takes."""
        pending = self.take(now)
        if pending is None:
            return []
        self.queue.settle("ops", OK, now)
        return [(each.alarm, each.node, each.ended) for each in pending.notice.changes]


@pytest.fixture
def world(place: Place) -> Iterator[World]:
    made = World(place)
    yield made
    made.queue.close()


def test_one_alert_begins_and_one_ends(world: World) -> None:
    """Once it has lasted for `after_s`; what was over before is no alert at all."""
    world.look(0, BEHIND)
    assert world.notified(0) == []
    world.look(MINUTE, BEHIND, Condition("stalled", "n2"))
    assert world.notified(MINUTE) == [("behind", "n1", False)]
    world.look(MINUTE + 30_000, BEHIND)
    assert world.notified(2 * MINUTE) == []
    world.look(3 * MINUTE)
    assert world.notified(3 * MINUTE) == [("behind", "n1", True)]
    world.look(4 * MINUTE)
    assert world.notified(4 * MINUTE) == []
    assert [(each.delivered, each.active) for each in world.queue.states()] == [(2, 0)]


def test_a_restart_forgets_no_alert_and_sends_none_twice(world: World) -> None:
    """What waits, what is under way with its name and its bytes, and what was notified stand in the store."""
    world.look(0, BEHIND)
    world.restart()
    world.look(MINUTE, BEHIND)
    world.restart()
    first = world.take(MINUTE)
    assert first is not None
    world.restart()  # while it was sent
    again = world.take(2 * MINUTE)
    assert first == again
    world.queue.settle("ops", OK, 2 * MINUTE)
    world.restart()
    world.look(3 * MINUTE, BEHIND)
    assert world.notified(3 * MINUTE) == []


def test_what_happens_meanwhile_is_joined(world: World) -> None:
    """While a receiver is away one message waits for it, and then comes one with everything else."""
    world.look(0, BEHIND)
    world.look(MINUTE, BEHIND)
    assert world.take(MINUTE) is not None
    world.queue.settle("ops", Result("unreachable", "nobody"), MINUTE)
    for number in range(2, 6):
        world.look(number * MINUTE, *(Condition("behind", f"n{each}") for each in range(2, number + 1)))
    at = 10 * MINUTE
    assert world.notified(at) == [("behind", "n1", False)]
    assert world.notified(at + 3_000) == [
        ("behind", "n1", True),
        ("behind", "n2", False),
        ("behind", "n3", False),
        ("behind", "n4", False),
    ]


def test_never_more_than_the_receivers_rate(place: Place) -> None:
    """Not over a restart either: at 20 a minute three seconds lie between two requests."""
    world = World(place, Receiver(name="ops", url="http://127.0.0.1:1/", after_s=0, per_minute=20))
    sent: list[int] = []
    for now in range(MINUTE, 2 * MINUTE, 1_000):
        world.look(now, Condition("behind", f"n{now // 1000}"))
        if now % 20_000 == 0:
            world.restart()
        if world.take(now) is not None:
            sent.append(now)
            world.queue.settle("ops", OK, now)
    assert len(sent) == 20
    assert min(after - before for before, after in pairwise(sent)) >= 3_000
    world.queue.close()


def test_a_message_that_nobody_wants_is_a_dead_letter(world: World) -> None:
    """After a few refusals, or a day; it is counted, and what comes next goes on."""
    world.look(0, BEHIND)
    world.look(MINUTE, BEHIND)
    now = MINUTE
    for attempt in range(1, REFUSALS_MAX + 1):
        wait_ms = world.queue.waits_ms(now)
        assert wait_ms is not None
        now += wait_ms
        assert world.take(now) is not None
        assert world.queue.settle("ops", Result("refused", "it answered 403"), now) is (attempt == REFUSALS_MAX)
    assert world.queue.waits_ms(now) is None
    world.look(now)
    now += MINUTE
    assert world.take(now) is not None
    assert not world.queue.settle("ops", Result("unreachable", "gone"), now)
    now += int(AGE_S_MAX * 1000) + 1
    assert world.take(now) is not None
    assert world.queue.settle("ops", Result("unreachable", "gone"), now)
    (state,) = world.queue.states()
    assert (state.dead, state.failed, state.error, state.waiting) == (2, REFUSALS_MAX + 2, "gone", 0)


def test_waits_grow_and_a_receiver_may_ask_for_time(world: World) -> None:
    """Nobody is asked before."""
    world.look(0, BEHIND)
    world.look(MINUTE, BEHIND)
    assert world.take(MINUTE) is not None
    world.queue.settle("ops", Result("unreachable", "429", wait_s=120.0), MINUTE)
    assert world.queue.waits_ms(MINUTE) == 120_000
    assert world.take(MINUTE + 119_000) is None
    assert world.take(MINUTE + 120_000) is not None


def test_what_waits_is_bounded_and_counted(world: World) -> None:
    """With ten thousand nodes behind at once the message counts what it does not list."""
    found = [Condition("behind", f"n{number}") for number in range(CHANGES_MAX + 500)]
    world.look(0, *found)
    world.look(MINUTE, *found)
    pending = world.take(MINUTE)
    assert pending is not None
    assert (len(pending.notice.changes), pending.notice.more) == (CHANGES_MAX, 500)
    world.queue.settle("ops", OK, MINUTE)
    assert world.queue.waits_ms(MINUTE) is None


def test_each_receiver_gets_what_it_asked_for(place: Place) -> None:
    """The others get other alarms, at their own pace; who is no receiver any more leaves nothing behind."""
    quick = Receiver(name="quick", url="http://127.0.0.1:1/", alarms=["ledger"], after_s=0)
    world = World(place, OPS, quick)
    ledger = Condition("ledger", "n1", "noodle-bar 2026-01-31", "missing_here 1")
    world.look(5, BEHIND, ledger)
    assert world.take(5) is None
    pending = world.take(5, 1)
    assert pending is not None
    assert pending.notice.changes == [Change(False, 5, 5, "ledger", "n1", "noodle-bar 2026-01-31", "missing_here 1")]
    world.queue.keep(["ops"])
    assert [each.name for each in world.queue.states()] == ["ops"]
    world.queue.close()


def test_of_several_collectors_one_sends(place: Place) -> None:
    """The next one when it stops, or when its lease is over."""
    world = World(place)
    other = world.opened("b")
    assert world.queue.leads(60_000)
    assert world.queue.leads(60_000)
    assert not other.leads(60_000)
    world.queue.release()
    assert other.leads(50)
    wait_until(lambda: world.queue.leads(60_000), "the lease of the other to end")
    assert not other.leads(60_000)
    other.close()
    world.queue.close()
