"""The queue of deadlines, and what waits in it. (What clients see of wills is in test_sessions.py.)"""

from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.seam import Publish
from edge.mqtt.server.deadlines import DeadlineQueue, Will


class Alarm:
    """Looks again `times` times, `every` seconds apart."""

    def __init__(self, every: float, times: int) -> None:
        self.every, self.times = every, times
        self.rang: list[float] = []

    def expire(self, now: float) -> float | None:
        self.rang.append(now)
        return now + self.every if len(self.rang) < self.times else None


@given(st.lists(st.floats(0, 500), max_size=20))
def test_nothing_rings_early_or_more_than_a_second_late(times: list[float]):
    """Every deadline is looked at after it has come, within a second."""
    deadlines = DeadlineQueue()
    alarms = [(at, Alarm(1, 1)) for at in times]
    for at, alarm in alarms:
        deadlines.add(at, alarm)
    for now in range(502):
        deadlines.turn(now)
    assert all(at <= alarm.rang[0] <= at + 1 for at, alarm in alarms)
    assert len(deadlines) == 0


def test_an_alarm_that_asks_for_now_does_not_hang_the_deadline_queue():
    """Asking to be looked at again at once waits for the next second."""
    deadlines, alarm = DeadlineQueue(), Alarm(0, 1_000)
    deadlines.add(10.0, alarm)
    deadlines.turn(11.0)
    assert alarm.rang == [11.0]
    deadlines.turn(3_600.0)
    assert len(alarm.rang) == 2


def test_what_is_discarded_is_not_looked_at():
    """And nothing of it is kept; another time, or another item, stays."""
    deadlines, gone, stays = DeadlineQueue(), Alarm(1, 1), Alarm(1, 1)
    for alarm in (gone, stays):
        deadlines.add(10.0, alarm)
    for at in (10.0, 10.0, 99.0):
        deadlines.discard(at, gone)
    assert gone not in deadlines._slots[11]
    deadlines.turn(11.0)
    assert (gone.rang, stays.rang) == ([], [11.0])


def test_a_will_is_fulfilled_once_or_not_at_all():
    """At its time, or before where its session ends; never after it was cancelled."""
    deadlines, done = DeadlineQueue(), []
    wills = [Will(Publish("c1", "x", b"", 0, 0), 5.0) for _ in range(3)]
    for will in wills:
        will.wait(10.0, deadlines, lambda will, now: done.append((wills.index(will), now)))
    wills[0].cancel()
    wills[1].expire(7.0)
    assert list(deadlines._slots[11]) == [wills[2]]
    deadlines.turn(11.0)
    assert wills[2].expire(12.0) is None
    assert done == [(1, 7.0), (2, 11.0)]


def test_what_wants_to_be_looked_at_earlier_waits_for_the_next_second():
    """A deadline that has moved into the past is looked at once in a turn, not as often as there were seconds."""
    deadlines, alarm = DeadlineQueue(), Alarm(-100, 3)
    deadlines.add(200.0, alarm)
    deadlines.turn(201.0)
    assert alarm.rang == [201.0]
    deadlines.turn(202.0)
    assert alarm.rang == [201.0, 202.0]
