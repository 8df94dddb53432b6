"""What the rounds of every scenario need."""

import traceback

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.model import Event, Now
from edge.errors import JournalError
from edge.scenarios import rounds
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch import scenario as dispatch
from edge.scenarios.dispatch.messages.up import OrderCancel
from edge.scenarios.labels import Labels
from edge.scenarios.labels.messages import LabelUnbind
from edge.scenarios.rounds import Deadlines


@pytest.mark.parametrize("scenario", [Dispatch, Labels])
def test_a_foreign_snapshot_is_refused(scenario):
    """The sentence names the scenario and which version wrote it; bytes that are no snapshot are refused as well."""
    newer = msgspec.msgpack.decode(scenario().snapshot())
    newer[0] += 1
    with pytest.raises(
        JournalError, match=rf"{scenario.name} has version {newer[0]}.* Start the version that wrote it"
    ):
        scenario().restore(msgspec.msgpack.encode(newer))
    for body in (b"", b"nonsense"):
        with pytest.raises(JournalError, match=f"{scenario.name} cannot be read"):
            scenario().restore(body)


@pytest.mark.parametrize(
    ("made", "body"),
    [(Dispatch, OrderCancel(id="e-7", at=0, order="o1")), (Labels, LabelUnbind(id="e-7", at=0, label="l1"))],
)
def test_an_exception_names_the_event(monkeypatch, made, body):
    """What ends the node has in its trace which scenario failed, on which event of which client."""

    def fail(*_):
        raise KeyError("planted")

    scenario = made()
    monkeypatch.setattr(dispatch, "apply", fail)
    monkeypatch.setattr(Labels, "_decided", fail)
    with pytest.raises(KeyError) as raised:
        scenario.round([Event("client-3", body)], Now(1.0, 1), scenario.live_sensor(), None)
    trace = "".join(traceback.format_exception(raised.value))
    kind = body.__struct_config__.tag
    assert f"The scenario {made.name} failed on the event e-7 ({kind}) of the client client-3." in trace


def test_milliseconds_are_rounded():
    """The nearest whole millisecond, so that what was one stays one."""
    assert rounds.milliseconds(Now(1.0006, 5)) == 1001


KEYS = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(st.tuples(KEYS, st.none() | st.integers(0, 20))), st.integers(0, 20))
def test_pops_what_is_due_in_order(steps, now):
    """The latest deadline of each name counts; due ones come by time and name, whatever was set before."""
    timers, model = Deadlines(), {}
    for key, due in steps:
        if due is None:
            timers.drop(key)
            model.pop(key, None)
        else:
            timers.set(key, due)
            model[key] = due
    assert timers.next() == min(model.values(), default=None)
    popped = []
    while (key := timers.pop(now)) is not None:
        popped.append(key)
    assert popped == [key for due, key in sorted((due, key) for key, due in model.items()) if due <= now]


def test_whether_one_may_be_due_is_never_missed():
    """Where `pop` finds one, it may be due; an outdated entry may be, too; later ones are not."""
    deadlines = Deadlines()
    assert not deadlines.may_be_due(10)
    deadlines.set("a", 5)
    deadlines.set("b", 20)
    assert [deadlines.may_be_due(now) for now in (4, 5, 10)] == [False, True, True]
    deadlines.set("a", 30)
    assert deadlines.may_be_due(10)
    assert deadlines.pop(10) is None
    assert not deadlines.may_be_due(10)


def test_outdated_entries_do_not_pile_up():
    """A deadline moved a thousand times takes the room of a few."""
    timers = Deadlines()
    for due in range(1000):
        timers.set("a", due)
    assert len(timers._heap) < 100


def test_deadlines_that_move_are_swept_out_late() -> None:
    """Not before twice as many entries lie about as are live and a few more: sorting costs as much as it saves."""
    deadlines = Deadlines()
    for due_ms in range(2):
        for number in range(100):
            deadlines.set(f"k{number}", due_ms)
    assert len(deadlines._heap) == 200
    for due_ms in range(2, 50):
        for number in range(100):
            deadlines.set(f"k{number}", due_ms)
            assert len(deadlines._heap) <= 2 * 100 + 64
