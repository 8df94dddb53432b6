"""The queue of deadlines. (Wills are in test_sessions.py.)"""

from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.server.deadlines import DeadlineQueue


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
