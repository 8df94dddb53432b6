"""Tests of edge.pipeline.inflight."""

from edge.core.model import Acknowledge, Answer, Batch, Commit, DuplicateLookup, Now, Row, encode_row
from edge.messages.envelope import Receipt, encode
from edge.pipeline.inflight import InflightCommit, receipts_in


def answer(sequence: int, client: str, id_: str, *, json: bool, kind: str = "receipt") -> Answer:
    body = Receipt(id=id_, of="order.place", status="accepted", at=1)
    return Answer(sequence, client, kind, encode(body, json), 9.0)


def test_a_round_gathers_what_the_effects_ask_for():
    """Clients to wake, reasons to acknowledge, repeats to look up, the newest batch: each from its effect."""
    effects = [
        Commit(7, b"row"),
        answer(1, "bob", "a", json=True),
        answer(2, "alice", "b", json=True),
        answer(3, "bob", "c", json=True),
        DuplicateLookup("eve", "old", 3),
        Batch("n", 2, 5, b"", b"", b""),
        Batch("n", 2, 6, b"", b"", b""),
        Acknowledge(["", "malformed"]),
    ]
    made = InflightCommit.of(effects, 3, 1.0, 2.0)
    assert (made.number, made.row, made.sequence) == (7, b"row", 3)
    assert made.answers == effects[1:4]
    assert made.reasons == ["", "malformed"]
    assert made.lookups == [DuplicateLookup("eve", "old", 3)]
    assert made.batch == (2, 6)


def test_receipts_are_found_in_their_row_in_both_encodings():
    """The receipts of some ids of some clients are found among others, and nothing where there is none."""
    effects = [
        answer(1, "bob", "a", json=True),
        answer(2, "alice", "a", json=False),
        answer(3, "alice", "b", json=True),
        answer(4, "alice", "c", json=True, kind="update"),
    ]
    row = encode_row(Row(1, Now(0.0, 0), [], [], [*effects]))
    wanted = [
        DuplicateLookup("alice", "a", 1),
        DuplicateLookup("alice", "b", 1),
        DuplicateLookup("alice", "c", 1),
        DuplicateLookup("eve", "a", 1),
    ]
    found = {("alice", "a"): effects[1].payload, ("alice", "b"): effects[2].payload}
    assert receipts_in(row, wanted) == found
    assert receipts_in(row, wanted[2:]) == {}
