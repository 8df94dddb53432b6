"""What a node can send to the centre, and a centre to a node: nothing is merged or deleted that should not be."""

import asyncio
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from central.ingest.admit import Bounds, admit
from central.ingest.verify import BatchError, NodeRecord, unpack
from central.store.open import open_reader, open_store
from central.store.store import Store
from edge.core.model import Now, SyncAcked, SyncWelcomed
from edge.core.outbox import Outbox
from edge.errors import Reason
from edge.limits import BATCH_BYTES_MAX, WINDOW_AHEAD_S_MAX
from edge.messages.batches import (
    NO_BATCH,
    SYNC_ACK,
    SYNC_BATCH,
    SYNC_HELLO,
    SYNC_WELCOME,
    BatchMessage,
    Cell,
    Measure,
    SyncAck,
    SyncWelcome,
    Window,
    chain_hash,
    encode,
    encode_body,
    fold,
)
from edge.messages.envelope import topic_down
from edge.mqtt.client.connection import ConnectionState, Message
from edge.mqtt.seam import Publish
from edge.uplink.options import UplinkOptions
from edge.uplink.sync import Sync
from tests.central.stores import ask, first_hello, record
from tests.fuzz.damage import damaged, every_damage, fuzzed

START = 1_767_225_600_000
BOUNDS = Bounds(k_anonymity=2, rows_per_day_max=1_000_000)
RECORD = NodeRecord(node="n1", instance="i1", boot="b1", epoch=1)
CELL = Cell(613344508561588223, "order.placed", START, START + 60_000, 7)


def window(minute: int) -> Window:
    start = START + minute * 60_000
    return Window(
        "dispatch", start, 60, 3, {"accepted.order.place": 3}, {"ms": Measure(2, 14, fold(b"", [7, 7]))}, [CELL]
    )


def batch(seq: int, body: bytes, previous: bytes = NO_BATCH) -> BatchMessage:
    digest, history = sha256(body).digest(), chain_hash(NO_BATCH, previous) if seq > 1 else NO_BATCH
    body = zstandard.compress(body)
    return BatchMessage(epoch=1, seq=seq, sha256=digest, previous=previous, body=body, history=history)


HELLO = first_hello("n1")
BODY = encode_body([window(1), window(2)])
GOOD = [encode(HELLO), encode(batch(1, BODY)), encode(batch(2, encode_body([]), sha256(BODY).digest()))]
ANSWERS = [
    encode(SyncWelcome(epoch=1, through=0)),
    encode(SyncWelcome(epoch=2, old_through=1, discard_before=START, reason="node_restored")),
    encode(SyncWelcome(refused="cloned")),
    encode(SyncAck(epoch=1, through=1)),
    encode(SyncAck(epoch=1, through=2, refused="gap", expected=3)),
    encode(SyncAck(epoch=1, through=2**40 - 1)),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    made = open_store(tmp_path_factory.mktemp("centre"))
    yield made
    made.close()


@fuzzed
@given(data=st.data())
def test_damaged_batches_are_refused_and_counted(store: Store, data: st.DataObject) -> None:
    """Whatever a node sends: merged whole where it is the honest next batch, else refused, counted, nothing changed."""
    node = f"n{data.draw(st.integers(0, 5))}"
    kind = data.draw(st.sampled_from((SYNC_HELLO, SYNC_BATCH, "unknown")))
    payload = data.draw(damaged(GOOD))
    before = record(store, node)
    outcome = ask(store, Publish(node, kind, payload, 1, 1), lambda: START, BOUNDS)
    after = record(store, node)
    assert outcome.reason == "" or outcome.reason in Reason
    if kind == SYNC_BATCH and after != before:
        assert before is not None
        assert after is not None
        assert (after.epoch, after.through) == (before.epoch, before.through + 1)


@fuzzed
@given(damaged([BODY]), st.booleans())
def test_a_body_is_believed_only_as_far_as_the_schema(body: bytes, honest_hash: bool) -> None:
    """A body with the right hash and any content: windows within the schema, or a BatchError with a reason."""
    sent = batch(1, body)
    if not honest_hash:
        sent = msgspec.structs.replace(sent, body=body)
    try:
        windows = unpack(sent)
    except BatchError:  # its reason is counted: the test above
        return
    assert len(encode_body(windows)) <= BATCH_BYTES_MAX
    assert all(item.events >= 0 for item in windows)
    try:
        admitted = admit(RECORD, windows, BOUNDS, START)
    except BatchError:
        return
    assert sum(item.events for item in admitted.windows) == sum(item.events for item in windows)
    assert all(item.end <= START + WINDOW_AHEAD_S_MAX * 1000 for item in admitted.windows)


def test_every_cut_and_every_flipped_byte_of_a_batch(tmp_path: Path) -> None:
    """No other content than the honest one is merged, and that once."""
    made = open_store(tmp_path)
    ask(made, Publish("n1", SYNC_HELLO, GOOD[0], 1, 1), lambda: START, BOUNDS)
    sample = encode(batch(1, encode_body([Window("dispatch", START, 60, 3, {"x": 3}, {}, [])])))
    for payload in every_damage(sample):
        ask(made, Publish("n1", SYNC_BATCH, payload, 1, 1), lambda: START, BOUNDS)
    assert record(made, "n1").through <= 1  # type: ignore[union-attr]
    for _ in range(2):
        ask(made, Publish("n1", SYNC_BATCH, sample, 1, 1), lambda: START, BOUNDS)
    made.close()
    reader = open_reader(tmp_path)
    assert reader.summary(0, 2 * START)["events"] == 3
    reader.close()


class Line:
    """Stands where the link stands; nothing is ever lost or answered."""

    connected, error, url = True, "", ""

    def publish(self, *_: object, **__: object) -> bool:
        return True

    def acknowledge(self, _: object) -> None:
        """The centre needs none."""

    def drop(self) -> None:
        """Nothing to drop."""


class Node:
    """An outbox with two batches in flight, and its uplink, driven by scripted answers."""

    def __init__(self) -> None:
        self.outbox = Outbox("n1")
        self.outbox.welcome(SyncWelcomed(1, 0))
        for minute in (1, 2):
            self.outbox.add([window(minute)])
            self.outbox.cut(Now(0.0, START))
        self.sync = Sync(
            UplinkOptions(node="n1", centre="centre", urls=["mqtt://127.0.0.1:1"]),
            batches=self.outbox.in_flight,
            hello=lambda boot: self.outbox.hello("i1", boot),
            post=self._post,
        )
        self.sync.link = Line()  # type: ignore[assignment]
        self.sync._loop = asyncio.get_running_loop()
        self.sync._on_state(ConnectionState.CONNECTED)

    def _post(self, item: SyncWelcomed | SyncAcked) -> None:
        if isinstance(item, SyncWelcomed):
            self.outbox.welcome(item)
        else:
            self.outbox.stored(item.epoch, item.through)

    def deliver(self, kind: str, payload: bytes) -> None:
        self.sync._on_messages([Message(topic_down("centre", "n1", kind), payload, 1, 1)])


@fuzzed
@given(st.lists(st.tuples(st.sampled_from((SYNC_WELCOME, SYNC_ACK, "x")), damaged(ANSWERS, 3)), min_size=1, max_size=6))
def test_whatever_the_centre_shows_nothing_unsent_is_deleted(answers: list[tuple[str, bytes]]) -> None:
    """Welcomes and acknowledgements with any damage: no exception, every event is still accounted for, and what is
    acknowledged was in flight."""

    async def main() -> None:
        node = Node()
        total = node.outbox.events_waiting
        for kind, payload in answers:
            node.deliver(kind, payload)
            outbox = node.outbox
            assert outbox.events_waiting + outbox.events_acked + outbox.events_discarded == total
        node.sync._disarm()

    asyncio.run(main())
