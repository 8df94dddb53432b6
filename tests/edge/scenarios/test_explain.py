"""What a row has to explain to people."""

import msgspec
import pytest

from edge.core.model import Acknowledge, Answer, Now, Presence, RecordedEvent, Row
from edge.messages.envelope import ENCODE
from edge.scenarios.explain import answers_in, events_in, outcome


@pytest.mark.parametrize(
    ("receipt", "text"),
    [
        (None, "a repeat: its first receipt was sent again"),
        ({"status": "accepted", "price": 7}, "accepted at 7"),
        ({"status": "refused", "reason": "too_late"}, "refused as too_late"),
        ({"status": "refused", "reason": "too_late", "detail": "gone"}, "refused as too_late (gone)"),
    ],
)
def test_what_became_of_an_event(receipt, text):
    """A repeat, an acceptance in the words of its scenario, or a refusal with its reason."""
    assert outcome(receipt, lambda receipt: f"accepted at {receipt['price']}") == text


def test_the_events_of_a_row_are_those_of_the_kinds_that_are_asked_for():
    """Each with its client, in their sequence; what is no event is passed over."""
    bodies = [msgspec.Raw(msgspec.msgpack.encode({"kind": kind, "at": at})) for at, kind in enumerate("abca")]
    inputs = [Presence("c9", True), *(RecordedEvent(f"c{at}", body) for at, body in enumerate(bodies))]
    row = Row(1, Now(0.0, 0), inputs, [], [])
    found = events_in(row, {"a": None, "c": None}, lambda body: msgspec.msgpack.decode(body)["at"])
    assert found == [("c0", 0), ("c2", 2), ("c3", 3)]


def test_the_messages_of_a_row_are_those_of_the_kinds_that_are_asked_for():
    """In both encodings, in their sequence; what is no message is passed over."""
    sent = [
        Answer(at, "c1", kind, ENCODE[at % 2 == 0]({"at": at}), 0.0) for at, kind in enumerate(("a", "b", "c", "a"))
    ]
    row = Row(1, Now(0.0, 0), [], [], [Acknowledge([""]), *sent])
    assert answers_in(row, "a", "c") == [("c1", "a", {"at": 0}), ("c1", "c", {"at": 2}), ("c1", "a", {"at": 3})]
