"""Tests of edge.pipeline.receipts: repeats find what was recorded, in a real journal."""

import asyncio

from edge.clock import Clock
from edge.core.model import Answer, Commit, Now, Repeat, Row, encode_row
from edge.health.status import Status
from edge.journal.journal import Journal
from edge.messages.envelope import Receipt, encode
from edge.mqtt.seam import Pending
from edge.pipeline.receipts import ReceiptLookup, receipts_in


def receipt(client: str, id_: str) -> Answer:
    return Answer(1, client, "receipt", encode(Receipt(id=id_, of="order.place", status="accepted", at=1), False), 9.0)


def answer(sequence: int, client: str, id_: str, *, json: bool, kind: str = "receipt") -> Answer:
    body = Receipt(id=id_, of="order.place", status="accepted", at=1)
    return Answer(sequence, client, kind, encode(body, json), 9.0)


def test_one_look_serves_all_repeats_of_a_row(tmp_path):
    """Repeats that wait for one row come back together, each with its recorded bytes; what no row has is counted."""
    kept = [receipt("alice", "a"), receipt("bob", "a"), receipt("bob", "b")]
    row = Row(1, Now(1.0, 1), [], [], [*kept])
    shown: list[dict[str, list[Pending]]] = []

    async def main() -> None:
        journal = Journal.open(tmp_path / "journal.sqlite3")
        status = Status("n-1", Clock().now())
        committed = asyncio.Event()
        journal.start(asyncio.get_running_loop(), lambda *_: committed.set(), lambda error: None)
        try:
            journal.submit(Commit(1, row.now, encode_row(row)))
            await committed.wait()
            lookups = ReceiptLookup(journal, status, shown.append)
            for client, id_ in (("alice", "a"), ("bob", "b"), ("bob", "a"), ("eve", "a"), ("bob", "never")):
                lookups.ask(Repeat(client, "order.place", id_, 1))
            lookups.ask(Repeat("alice", "order.place", "a", 7))
            await asyncio.gather(*lookups._tasks)
            assert status.report(Clock().now())["counts"]["dropped"] == {"recall_missed": 3}
        finally:
            journal.close()

    asyncio.run(main())
    found = {client: [(one.sequence, one.payload) for one, _ in answers] for client, answers in shown[0].items()}
    alice, bob_a, bob_b = (answer.payload for answer in kept)
    assert len(shown) == 1
    assert found == {"alice": [(0, alice)], "bob": [(0, bob_b), (0, bob_a)]}


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
        Repeat("alice", "order.place", "a", 1),
        Repeat("alice", "order.place", "b", 1),
        Repeat("alice", "order.place", "c", 1),
        Repeat("eve", "order.place", "a", 1),
    ]
    found = {("alice", "a"): effects[1].payload, ("alice", "b"): effects[2].payload}
    assert receipts_in(row, wanted) == found
    assert receipts_in(row, wanted[2:]) == {}
