"""Tests of edge.pipeline.receipts: repeats find what was recorded, in a real journal."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from edge.core.model import Answer, Now, Repeat, Row
from edge.errors import Reason
from edge.messages.envelope import Receipt, encode, is_json, loose, recoded
from edge.pipeline.receipts import receipts_in
from tests.edge.district import event, place
from tests.edge.pipeline.lookups import CATALOG, looked_up, receipt

ORDER = place(1).body


def answer(sequence: int, client: str, id_: str, *, json: bool, kind: str = "receipt") -> Answer:
    body = Receipt(id=id_, of="order.place", status="accepted", at=1)
    return Answer(sequence, client, kind, encode(body, json), 9.0)


def test_one_look_serves_all_repeats_of_a_row(tmp_path: Path):
    """Repeats that wait for one row come back together, each with its recorded bytes and the reason of its first
    acknowledgement; what no row has is counted, and acknowledged, since it was decided."""
    kept = [receipt("alice", "a"), receipt("bob", "a", Reason.TOO_LATE), receipt("bob", "b")]
    wanted = [("alice", "a"), ("bob", "b"), ("bob", "a"), ("eve", "a"), ("bob", "never")]
    lookups = [Repeat(client, "order.place", id_, 1, json=False) for client, id_ in wanted]
    lookups.append(Repeat("alice", "order.place", "a", 7))
    shown, acknowledged, counts = looked_up(tmp_path, Row(1, Now(1.0, 1), [], [], [*kept]), lookups)
    assert counts["dropped"] == {"recall_missed": 3}
    found = {client: [(one.sequence, one.payload) for one, _ in answers] for client, answers in shown[0].items()}
    alice, bob_a, bob_b = (answer.payload for answer in kept)
    assert len(shown) == 1
    assert found == {"alice": [(0, alice)], "bob": [(0, bob_b), (0, bob_a)]}
    assert acknowledged == [(1, ""), (2, ""), (3, "too_late"), (4, ""), (5, ""), (6, "")]


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        (ORDER, ""),
        (structs.replace(ORDER, at=5, v=2), ""),
        (None, ""),  # a message that is no event has nothing to compare
        (structs.replace(ORDER, prep_s=61), "id_reused"),
        (event("alice", "order.cancel", ORDER.id, 1, order="o-1").body, "id_reused"),
    ],
)
@pytest.mark.parametrize("json", [True, False])
def test_an_id_with_other_content_is_refused(tmp_path: Path, again: Any, reason: str, json: bool):
    """The same content gets the recorded receipt, whenever it was stamped; anything else is refused. Both in the
    encoding of the repeat, with the same bytes each time."""
    recorded = CATALOG.recorded(place(1), "order.place")
    kept = receipt("alice", ORDER.id)
    row = Row(1, Now(1.0, 77), [recorded], [], [kept])
    shown, acknowledged, counts = looked_up(tmp_path, row, [Repeat("alice", "order.x", ORDER.id, 1, again, json)] * 2)
    first, second = [answer.payload for answer, _ in shown[0]["alice"]]
    assert acknowledged == [(1, reason), (2, reason)]
    assert first == second
    assert (first == recoded(kept.payload, json)) == (not reason)
    assert is_json(first) == json
    fields = loose(first)
    assert (fields["id"], fields.get("reason", "")) == (ORDER.id, reason)
    assert counts["refused"] == ({"id_reused": 2} if reason else {})


def test_receipts_are_found_in_their_row_in_both_encodings():
    """The receipts of some ids of some clients are found among others, and nothing where there is none."""
    effects = [
        answer(1, "bob", "a", json=True),
        answer(2, "alice", "a", json=False),
        answer(3, "alice", "b", json=True),
        answer(4, "alice", "c", json=True, kind="update"),
    ]
    row = Row(1, Now(0.0, 0), [], [], [*effects])
    wanted = [
        Repeat("alice", "order.place", "a", 1),
        Repeat("alice", "order.place", "b", 1),
        Repeat("alice", "order.place", "c", 1),
        Repeat("eve", "order.place", "a", 1),
    ]
    found = {("alice", "a"): effects[1].payload, ("alice", "b"): effects[2].payload}
    assert receipts_in(row, wanted) == found
    assert receipts_in(row, wanted[2:]) == {}
