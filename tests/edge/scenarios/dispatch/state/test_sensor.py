"""What a round sees of positions, and what a row gives back of it."""

import pytest

from edge.errors import JournalError
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import GoneRiders, NearestObservation, RiderDistance, SilentRiders
from edge.scenarios.dispatch.state.positions import Positions
from edge.scenarios.dispatch.state.sensor import LiveSensor, RecordedSensor

NOW_MS = 10_000


def test_a_live_sensor_records_its_answers():
    """Each answer is in the log, in sequence; an empty list of silent riders is not."""
    positions = Positions(DispatchOptions())
    positions.enter("r1", 0)
    positions.flag("r1", True, True)
    positions.put("r1", 8_000, 0.0, 0.0)
    live_sensor = LiveSensor(positions)
    assert live_sensor.silent(NOW_MS) == ([], [])
    assert live_sensor.needs_decision(NOW_MS)
    assert not live_sensor.needs_decision(NOW_MS)
    assert live_sensor.nearest("o1", 0.0, 0.0, 5, NOW_MS) == [RiderDistance("r1", 0, 2)]
    assert live_sensor.log == [NearestObservation("", []), NearestObservation("o1", [RiderDistance("r1", 0, 2)])]


def test_a_recorded_sensor_repeats_the_answers():
    """The same questions get the same answers, and the log is the same."""
    noted = [
        SilentRiders(["r9"]),
        GoneRiders(["r8"]),
        NearestObservation("", []),
        NearestObservation("o1", [RiderDistance("r1", 5, 2)]),
    ]
    recorded = RecordedSensor(noted)
    assert recorded.silent(NOW_MS) == (["r9"], ["r8"])
    assert recorded.needs_decision(NOW_MS)
    assert recorded.nearest("o1", 0.0, 0.0, 5, NOW_MS) == [RiderDistance("r1", 5, 2)]
    assert recorded.log == noted
    assert recorded.silent(NOW_MS) == ([], [])
    assert not recorded.needs_decision(NOW_MS)
    assert RecordedSensor(noted[3:]).ride("o1", "r1", 0.0, 0.0, NOW_MS) == [RiderDistance("r1", 5, 2)]


@pytest.mark.parametrize(
    ("noted", "at"),
    [([], "nothing"), ([NearestObservation("o2", [])], "order 'o2'"), ([SilentRiders(["r1"])], "nothing")],
)
def test_another_question_is_an_error(noted, at):
    """A query that differs from the recorded one is an error of its own."""
    with pytest.raises(JournalError, match=f"near order 'o1', but the recorded one looked at {at}: another version"):
        RecordedSensor(noted).nearest("o1", 0.0, 0.0, 5, NOW_MS)
