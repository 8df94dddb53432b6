"""The dispatcher: what it holds it releases, and what it assigns goes to another rider."""

from bench.demo.people.dispatcher import DESK, HOLD_MINUTES, Dispatcher
from bench.demo.people.world import MINUTE_MS, Habits
from edge.scenarios.dispatch.messages.overrides import (
    Choice,
    OrderAssign,
    OrderHold,
    OrderPreview,
    OrderRelease,
    Preview,
)
from tests.bench.demo.people.recorded_world import TINY, Person, RecordedWorld


def at_work(habits: Habits) -> tuple[RecordedWorld, Person]:
    """A dispatcher who has planned the day, and one open order."""
    recorded = RecordedWorld(habits=habits)
    Dispatcher(recorded.world).plan()
    record = recorded.world.record(TINY.orders[0])
    record.state, record.accepted_by = "accepted", ["rider-c1"]
    return recorded, recorded.people[DESK]


def choices(recorded: RecordedWorld, *riders: str) -> Preview:
    """The node's answer: these riders could have the order."""
    now_ms = recorded.scheduler.now_ms()
    return Preview(order="o1", at=now_ms, choices=[Choice(rider=rider, expected_at=now_ms) for rider in riders])


def test_what_is_held_is_released() -> None:
    """Each hold has its release a few minutes later, and no order is held twice at once."""
    recorded, desk = at_work(Habits(override=1))
    recorded.scheduler.run(240)
    held, released = desk.all_sent(OrderHold), desk.all_sent(OrderRelease)
    assert desk.joined
    assert len(held) > 3
    for hold, release in zip(held, released, strict=False):
        assert HOLD_MINUTES[0] <= (release.at - hold.at) / MINUTE_MS <= HOLD_MINUTES[1]
    assert len(held) - len(released) in (0, 1)


def test_an_order_goes_to_another_rider_than_the_one_who_has_it() -> None:
    """It asks what an assignment costs, and gives the order to the first who does not have it already."""
    recorded, desk = at_work(Habits(override=1))
    desk.on_answer(choices(recorded, "rider-c1", "rider-c2", "rider-c3"))
    desk.on_answer(choices(recorded, "rider-c1"))
    assert [event.rider for event in desk.all_sent(OrderAssign)] == ["rider-c2"]
    recorded.scheduler.run(240)
    assert all(isinstance(question, OrderPreview) and question.order == "o1" for question in desk.asked)
    assert desk.asked


def test_a_held_order_is_given_to_nobody() -> None:
    """What it holds it does not assign, though an answer to an earlier question comes."""
    recorded, desk = at_work(Habits(override=1))
    desk.sends(OrderHold, order="o1")
    desk.on_answer(choices(recorded, "rider-c2"))
    assert desk.all_sent(OrderAssign) == []


def test_a_quiet_dispatcher_does_nothing() -> None:
    """Without the habit, and where nothing is open, nothing is overridden."""
    for habits, state in ((Habits(override=0), "accepted"), (Habits(override=1), "picked_up")):
        recorded, desk = at_work(habits)
        recorded.records.orders["o1"].state = state
        recorded.scheduler.run(240)
        assert (desk.sent, desk.asked) == ([], [])
