"""Tests of edge.pipeline.ingest: reads become rounds, and everybody gets the acknowledgements of what it sent."""

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from edge.clock import Clock
from edge.core.decode import Catalog
from edge.core.model import Event, Rejected
from edge.errors import Reason
from edge.health.status import Status
from edge.mqtt.seam import Publish
from edge.pipeline.ingest import BATCH_INPUTS_MAX, DAY_MS, IngestQueue
from edge.scenarios.dispatch import Dispatch
from tests.messages import AT, GOOD, text


class Source:
    """Records its acknowledgements."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, str]] = []

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        self.acknowledged += zip(tokens, reasons, strict=True)


def ingest(shed: Callable[[str, Reason, int], None] = lambda *_: None) -> IngestQueue:
    return IngestQueue(Status("n-1", Clock().now()), Catalog([Dispatch]), "wgs84", shed)


def publish(what: str, token: int) -> Publish:
    """An order, a report, a position, or something that is none of them."""
    fields = {**GOOD[0 if what == "order" else 7][1], "id": f"e-{token}"}
    if what == "order":
        return Publish("alice", "order.place", text(fields), 1, token)
    if what == "report":
        return Publish("alice", "rider.progress", text(fields), 1, token)
    if what == "position":
        return Publish("r-1", "rider.position", text({"points": [[AT, 31.2, 121.4]]}), int(bool(token)), token)
    return Publish("alice", "order.place", text({"id": f"e-{token}"}), int(bool(token)), token)


DURABLE = (Event, Rejected)
KINDS = ["order", "report", "position", "wrong"]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(KINDS), st.booleans(), st.booleans())))
def test_every_token_gets_the_reason_of_its_own_message(messages):
    """Whatever mixture of connections, kinds and qualities of service the turns bring: each token is paid once, in the
    order of its connection, with the reason of its message; positions have none."""
    sources = [Source() for _ in range(3)]
    wanted: list[list[tuple[int, str]]] = [[], [], []]
    waiting = ingest()

    def acknowledge() -> None:
        while waiting.due:
            inputs, acks, _, _ = waiting.take()
            ids = [one.id if isinstance(one, Rejected) else one.body.id for one in inputs if isinstance(one, DURABLE)]
            reasons = [f"reason {id_}" for id_ in ids]
            left = iter(reasons)
            for ack in acks:
                ack.acknowledge(left)
            assert list(left) == []

    for number, (source, what, with_token, turn) in enumerate(messages, 1):
        token = number if with_token or what in ("order", "report") else 0
        waiting.add(sources[source], [publish(what, token)], 0.0)
        if token:
            wanted[source].append((token, "" if what == "position" else f"reason e-{number}"))
        if turn:
            acknowledge()
    acknowledge()
    assert [source.acknowledged for source in sources] == wanted
    assert len(waiting) == 0
    assert waiting.taken == len(messages)


def test_a_flood_is_cut_into_rounds():
    """One read of many publishes, or many reads, never make a round larger than the bound."""
    waiting, source = ingest(), Source()
    waiting.add(source, [publish("position", 0)] * (2 * BATCH_INPUTS_MAX + 5), 1.0)
    waiting.add(source, [publish("position", 0)] * 7, 2.0)
    sizes = []
    while waiting.due:
        inputs, acks, _, _ = waiting.take()
        assert acks == []
        sizes.append(len(inputs))
    assert sizes == [BATCH_INPUTS_MAX, BATCH_INPUTS_MAX, 12]
    assert waiting.taken == 4


def test_what_cannot_be_taken_is_refused_and_counted():
    """Every message is counted, every token is acknowledged with the reason, and nothing stays."""
    waiting, source = ingest(), Source()
    waiting.add(source, [publish("order", 1), publish("position", 0)], 0.0)
    waiting.add(source, [publish("order", 2)], 0.0)
    waiting.add(source, [publish("report", 3)], 0.0)
    assert waiting.refuse(Reason.DISK_FULL) == 4
    assert source.acknowledged == [(1, "disk_full"), (2, "disk_full"), (3, "disk_full")]
    assert len(waiting) == 0


def test_a_sender_has_so_many_rows_a_day():
    """Beyond the bound the first is refused with when to send it again, the others only acknowledged; positions and
    other senders go on, and after midnight everybody does."""
    shed: Counter[tuple[str, str]] = Counter()
    waiting, source = ingest(lambda client, reason, n: shed.update({(client, reason): n})), Source()
    waiting.configure(None, 2)
    waiting.begin_day(AT)

    def taken(*whats: str) -> list[str]:
        waiting.add(source, [publish(what, token) for token, what in enumerate(whats, 1)], 0.0)
        inputs, acks, _, _ = waiting.take()
        for ack in acks:
            ack.acknowledge(iter(one.reason if isinstance(one, Rejected) else "" for one in inputs))
        return [one.reason if isinstance(one, Rejected) else type(one).__name__ for one in inputs]

    assert taken("order", "report", "wrong", "order", "position") == ["Event", "Event", "over_quota", "Observed"]
    assert shed == {("alice", "over_quota"): 1}
    assert source.acknowledged == [(4, "over_quota"), (1, ""), (2, ""), (3, "over_quota"), (5, "")]
    waiting.add(source, [Publish("bob", "order.place", text({**GOOD[0][1], "id": "b-1"}), 1, 6)], 0.0)
    assert isinstance(waiting.take()[0][0], Event)
    waiting.begin_day(AT)
    assert taken("order") == []
    waiting.begin_day(AT + DAY_MS)
    assert taken("order") == ["Event"]


def test_the_refusal_of_a_day_names_when_to_send_again():
    """Its id and its encoding are those of the message, so that the sender gets a receipt it can read."""
    waiting = ingest()
    waiting.configure(None, 0)
    waiting.add(Source(), [publish("order", 7)], 0.0)
    (refused,), _, _, _ = waiting.take()
    assert isinstance(refused, Rejected)
    assert (refused.id, refused.kind, refused.json) == ("e-7", "order.place", True)
    assert "after midnight (UTC)" in refused.detail
