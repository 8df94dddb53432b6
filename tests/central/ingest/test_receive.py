"""A node and the centre over a line that loses everything: each batch once, whoever forgets what."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from central.ingest.admit import Bounds
from central.ingest.receive import (
    CENTRE_JOBS_BYTES_MAX,
    CENTRE_JOBS_MAX,
    CENTRE_JOBS_PER_NODE_MAX,
    Receive,
)
from central.ingest.validate import BatchOutcome, store_all
from central.store.engine.driver import StoreFailed, StoreFull
from central.store.engine.sqlite import FILE
from central.store.group import QUARANTINED_PER_NODE_MAX
from central.store.open import open_reader, open_store
from central.store.store import Store
from edge.core.model import Batch, Now, SyncWelcomed
from edge.core.outbox import Outbox
from edge.errors import Reason
from edge.messages.batches import (
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
    decode_ack,
    decode_welcome,
    encode,
    fold,
)
from edge.messages.grants import Grant
from edge.messages.sync.enrolment import ENROL_ANSWER, ENROL_REQUEST
from edge.mqtt.seam import Publish
from tests.central.stores import ask

START = 1_767_225_600_000
LATER = START + 90 * 86_400_000
"""The centre's clock, after every window."""

BOUNDS = Bounds(k_anonymity=2, rows_per_day_max=1_000_000)


class Centre:
    """A validator on a store that can be closed, copied and put back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bounds = BOUNDS
        folder.mkdir(exist_ok=True)
        self.store = open_store(folder)

    def restart(self) -> None:
        self.store.close()
        self.store = open_store(self.folder)

    def backup(self) -> None:
        self.restart()
        shutil.copyfile(self.folder / FILE, self.folder / "backup")

    def restore(self) -> None:
        if (self.folder / "backup").exists():
            self.store.close()
            for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
                (self.folder / name).unlink(missing_ok=True)
            shutil.copyfile(self.folder / "backup", self.folder / FILE)
            self.store = open_store(self.folder)

    def ask(self, kind: str, payload: bytes, client: str = "n1") -> tuple[str, bytes, str]:
        outcome = ask(self.store, Publish(client, kind, payload, 1, 1), lambda: LATER, self.bounds)
        return outcome.kind, outcome.payload, outcome.reason

    def report(self) -> tuple[dict[str, int], dict[str, object]]:
        """Counters of all windows, and the row of n1."""
        reader = open_reader(self.folder)
        nodes = reader.nodes()
        counters = reader.summary(0, 2 * START)["counters"].get("dispatch", {})
        reader.close()
        return counters, nodes[0] if nodes else {}

    def alarms(self) -> Counter[str]:
        """Alarms by kind."""
        alarms = self.report()[1].get("alarms", [])
        assert isinstance(alarms, list)
        return Counter(alarm["kind"] for alarm in alarms)


class Node:
    """An outbox with its uplink."""

    def __init__(self, centre: Centre, boot: str = "b0", prefix: str = "w") -> None:
        self.centre, self.boot, self.prefix = centre, boot, prefix
        self.outbox = Outbox("n1")
        self.saved = self.outbox.snapshot()
        self.connected = False
        self.boots = 0
        self.put: dict[str, int] = {}

    def add(self, minute: int, events: int) -> None:
        name = f"{self.prefix}{len(self.put)}"
        self.put[name] = events
        window = Window("dispatch", START + minute * 60_000, 60, events, {name: events}, {}, [])
        self.outbox.add([window])
        self.outbox.cut(Now(0.0, START))

    def reboot(self, snapshot: bytes) -> None:
        self.boots += 1
        self.boot = f"{self.boot.split('-')[0]}-{self.boots}"
        self.outbox = Outbox("n1")
        self.outbox.restore(snapshot)
        self.connected = False

    def hello(self, *, delivered: bool = True) -> SyncWelcome:
        kind, payload, _ = self.centre.ask(SYNC_HELLO, encode(self.outbox.hello("i1", self.boot)))
        assert kind == SYNC_WELCOME
        reply = decode_welcome(payload)
        self.connected = delivered and not reply.refused
        if self.connected:
            word = (reply.epoch, reply.through, reply.old_through, reply.discard_before, reply.history)
            self.outbox.welcome(SyncWelcomed(*word))
            self.outbox.cut(Now(0.0, START))
        return reply

    def send(self, count: int, *, delivered: bool = True) -> list[SyncAck]:
        """Send the first batches in flight; where `delivered` is false the answers are lost and the line with them."""
        if not self.connected:
            self.hello()
        acks: list[SyncAck] = []
        for batch in self.outbox.in_flight()[:count] if self.connected else []:
            ack = self.deliver(batch)
            acks.append(ack)
            if not delivered or ack.refused:
                self.connected = False
            elif delivered:
                self.outbox.stored(ack.epoch, ack.through)
                self.outbox.cut(Now(0.0, START))
            if ack.refused:
                break
        return acks

    def deliver(self, batch: Batch) -> SyncAck:
        kind, payload, reason = self.centre.ask(SYNC_BATCH, encode(message_of(self.outbox, batch)))
        assert (kind, reason) == (SYNC_ACK, "")
        return decode_ack(payload)

    def drain(self) -> None:
        for _ in range(40):
            if not self.outbox.events_waiting:
                return
            self.send(99)
        raise AssertionError(f"{self.outbox.events_waiting} events still wait")


def message_of(outbox: Outbox, batch: Batch) -> BatchMessage:
    return BatchMessage(
        epoch=batch.epoch,
        seq=batch.seq,
        sha256=batch.sha256,
        previous=batch.previous,
        body=zstandard.compress(batch.body),
        history=outbox.hello("i1", "b1").before(batch.seq),
    )


LINE = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 200), st.integers(1, 9)),
    st.tuples(st.sampled_from(["hello", "lost hello", "reboot", "centre restart"]), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(["send", "lost answers"]), st.integers(1, 8), st.just(0)),
)


def play(node: Node, centre: Centre, step: tuple[str, int, int], minute: int) -> int:
    """One step; the minute that it is afterwards."""
    what, first, second = step
    match what:
        case "add":
            minute += first
            node.add(minute, second)
        case "hello" | "lost hello":
            node.hello(delivered=what == "hello")
        case "reboot":
            node.reboot(node.outbox.snapshot())
        case "centre restart":
            centre.restart()
        case "send" | "lost answers":
            node.send(first, delivered=what == "send")
        case "back up the centre":
            centre.backup()
        case "restore the centre":
            centre.restore()
            node.connected = False
        case "back up the node":
            node.saved = node.outbox.snapshot()
        case _:
            node.reboot(node.saved)
    return minute


@given(st.lists(LINE, max_size=30))
@settings(max_examples=60)
def test_every_event_arrives_once_over_a_bad_line(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is lost, repeated or restarted, the centre ends with exactly what the node put in, and no alarm."""
    with TemporaryDirectory() as folder:
        centre = Centre(Path(folder))
        node, minute = Node(centre), 0
        for step in steps:
            minute = play(node, centre, step, minute)
        node.drain()
        counters, row = centre.report()
        assert counters == node.put
        assert row.get("events", 0) == sum(node.put.values()) == node.outbox.events_acked
        assert centre.alarms() == {}
        assert node.outbox.protocol_errors == 0
        centre.store.close()


CENTRE_LOSSES = st.tuples(st.sampled_from(["back up the centre", "restore the centre"]), st.just(0), st.just(0))


@given(st.lists(st.one_of(LINE, CENTRE_LOSSES), max_size=30))
@settings(max_examples=60)
def test_a_centre_from_a_backup_reports_exactly_how_much_is_missing(steps: list[tuple[str, int, int]]) -> None:
    """After restores of the centre, what it holds and what its alarms call missing is all that was acknowledged."""
    with TemporaryDirectory() as folder:
        centre = Centre(Path(folder))
        node, minute = Node(centre), 0
        for step in steps:
            minute = play(node, centre, step, minute)
        node.hello()
        node.drain()
        counters, row = centre.report()
        for name, events in counters.items():
            assert events == node.put[name]
        missing = sum(alarm["events"] for alarm in row["alarms"])  # type: ignore[union-attr]
        assert row["events"] + missing == sum(node.put.values())  # type: ignore[operator]
        centre.store.close()


NODE_LOSSES = st.tuples(st.sampled_from(["back up the node", "restore the node"]), st.just(0), st.just(0))


@given(st.lists(st.one_of(LINE, NODE_LOSSES, CENTRE_LOSSES), max_size=40))
@settings(max_examples=100)
def test_nothing_is_ever_merged_twice(steps: list[tuple[str, int, int]]) -> None:
    """With backups of both sides put back at any time, every window is at the centre once or not at all."""
    with TemporaryDirectory() as folder:
        centre = Centre(Path(folder))
        node, minute = Node(centre), 0
        for step in steps:
            minute = play(node, centre, step, minute + 1)
        node.drain()
        for name, events in centre.report()[0].items():
            assert events == node.put[name]
        centre.store.close()


@given(st.lists(st.tuples(st.booleans(), LINE), max_size=40))
@settings(max_examples=100)
def test_a_cloned_node_is_refused_and_merges_nothing_twice(steps: list[tuple[bool, tuple[str, int, int]]]) -> None:
    """Two processes from one data directory: what both have is merged once, and whoever comes back is refused."""
    with TemporaryDirectory() as folder:
        centre = Centre(Path(folder))
        first = Node(centre)
        for minute in range(4):
            first.add(minute, 3)
        first.send(2, delivered=False)
        second = Node(centre, "c0", "v")
        second.outbox.restore(first.outbox.snapshot())
        put, minute = first.put, 4
        for original, step in steps:
            if step[0] not in ("reboot", "lost hello", "hello"):
                minute = play(first if original else second, centre, step, minute + 1)
        put = {**first.put, **second.put}
        for name, events in centre.report()[0].items():
            assert events == put[name]
        first.hello()
        second.hello()
        assert first.hello().refused == "cloned"
        assert centre.alarms()["cloned"] > 0
        centre.store.close()


def test_a_foreign_batch_under_a_known_number_is_refused_with_an_alarm(tmp_path: Path) -> None:
    """The same number with another hash, or another past, changes nothing and raises an alarm."""
    centre = Centre(tmp_path)
    node, clone = Node(centre), Node(centre)
    node.hello()
    clone.outbox.restore(node.outbox.snapshot())
    node.add(0, 3)
    clone.add(0, 4)
    assert node.deliver(node.outbox.in_flight()[0]).through == 1
    refusal = clone.deliver(clone.outbox.in_flight()[0])
    assert (refusal.refused, refusal.expected, refusal.through) == ("mismatch", 2, 1)
    clone.add(1, 5)
    refusal = clone.deliver(clone.outbox.in_flight()[1])
    assert refusal.refused == "mismatch"
    assert centre.alarms() == {"mismatch": 2}
    assert centre.report()[0] == {"w0": 3}


def test_a_gap_is_refused_without_an_alarm(tmp_path: Path) -> None:
    """A batch that is not the next one waits: the centre names which number it expects."""
    centre = Centre(tmp_path)
    node = Node(centre)
    node.hello()
    node.add(0, 3)
    node.add(1, 4)
    refusal = node.deliver(node.outbox.in_flight()[1])
    assert (refusal.refused, refusal.expected) == ("gap", 1)
    assert centre.alarms() == {}
    assert Node(centre).deliver(node.outbox.in_flight()[0]).through == 1


def test_what_cannot_be_read_is_refused_and_counted(tmp_path: Path) -> None:
    """Malformed input, foreign hellos and unknown kinds are refused; an unknown node is asked for a hello."""
    centre = Centre(tmp_path)
    node = Node(centre)
    assert centre.ask(SYNC_HELLO, b"\xc1")[2] == Reason.MALFORMED
    assert centre.ask(SYNC_BATCH, b"")[2] == Reason.MALFORMED
    assert centre.ask("order.place", b"{}")[2] == Reason.UNKNOWN_KIND
    assert centre.ask(SYNC_HELLO, encode(node.outbox.hello("i1", "b1")), "n2")[2] == Reason.NOT_YOURS
    node.outbox.welcome(SyncWelcomed(1, 0))
    node.add(0, 1)
    assert node.deliver(node.outbox.in_flight()[0]).refused == "stale_epoch"


def test_a_window_of_another_age_is_counted_now(tmp_path: Path) -> None:
    """A node whose clock shows the year 9999, or whose window is a century wide: everything counts in the minute in
    which it came, one alarm has it, the API answers, and what comes after gets through."""
    centre = Centre(tmp_path)
    node = Node(centre)
    node.hello()
    odd = [(253_402_300_740_000, 60), (START, 100 * 366 * 86_400), (START, 60)]
    for start, width_s in odd:
        node.outbox.add([Window("dispatch", start, width_s, 5, {"x": 5}, {}, [])])
        (batch,) = node.outbox.cut(Now(0.0, START))
        answer = node.deliver(batch)
        assert answer.refused == ""
        node.outbox.stored(answer.epoch, answer.through)
    assert centre.alarms() == {"clock_ahead": 1}
    reader = open_reader(tmp_path)
    now = LATER - LATER % 60_000
    assert reader.summary(now, now + 60_000)["events"] == 10
    assert reader.summary(START, START + 60_000)["events"] == 5
    assert reader.summary(now + 60_000, 2**48)["covers"] is None
    reader.close()


class Line:
    """Stands for one connection: it remembers what was acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, str]] = []

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        self.acknowledged += zip(tokens, reasons, strict=True)


class Woken:
    """Stands for the endpoint: it remembers who was woken."""

    def __init__(self) -> None:
        self.clients: list[str] = []

    def wake(self, fresh: Mapping[str, object]) -> None:
        self.clients += fresh


def receiving(store: Store, failures: list[str]) -> Receive:
    receive = Receive(store, lambda: LATER, asyncio.get_running_loop().call_soon_threadsafe, failures.append, BOUNDS)
    receive.link = Woken()  # type: ignore[assignment]
    return receive


def test_the_publish_is_acknowledged_after_its_answer(tmp_path: Path) -> None:
    """A hello and a batch are stored, answered and acknowledged in order; taken answers are forgotten."""

    async def scenario() -> None:
        store, line, failures = open_store(tmp_path), Line(), []
        receive = receiving(store, failures)
        receive.start()
        outbox = Outbox("n1")
        receive.received(line, [Publish("n1", SYNC_HELLO, encode(outbox.hello("i1", "b1")), 0, 0)], 0.0)
        outbox.welcome(SyncWelcomed(1, 0))
        outbox.add([Window("dispatch", START, 60, 3, {"x": 3}, {}, [])])
        (batch,) = outbox.cut(Now(0.0, START))
        receive.received(line, [Publish("n1", SYNC_BATCH, encode(message_of(outbox, batch)), 1, 7)], 0.0)
        receive.received(line, [Publish("n1", "other", b"", 1, 8)], 0.0)
        await asyncio.to_thread(receive.close)
        assert line.acknowledged == [(7, ""), (8, Reason.UNKNOWN_KIND)]
        answers = [answer for answer, _ in receive.pending("n1", 0, 10)]
        assert [answer.kind for answer in answers] == [SYNC_WELCOME, SYNC_ACK]
        assert decode_ack(answers[1].payload) == SyncAck(epoch=1, through=1)
        assert receive.pending("n1", answers[0].sequence, 10)[0][0] is answers[1]
        receive.delivered("n1", [answers[0].sequence])
        assert [answer for answer, _ in receive.pending("n1", 0, 10)] == answers[1:]
        receive.present("n1", False)
        assert receive.pending("n1", 0, 10) == []
        assert receive.refused == {Reason.UNKNOWN_KIND: 1}
        assert failures == []
        store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("nodes", "payload", "taken", "reason"),
    [
        (1, b"", CENTRE_JOBS_PER_NODE_MAX, Reason.OVER_QUOTA),
        (CENTRE_JOBS_MAX, b"", CENTRE_JOBS_MAX, Reason.OVER_CAPACITY),
        (CENTRE_JOBS_MAX, bytes(512 * 1024), CENTRE_JOBS_BYTES_MAX // (512 * 1024), Reason.OVER_CAPACITY),
    ],
)
def test_a_full_queue_refuses_instead_of_growing(
    tmp_path: Path, nodes: int, payload: bytes, taken: int, reason: Reason
) -> None:
    """While the disk does not keep up, publishes beyond the bounds (of one node, of all, of their bytes) are refused.
    What is stored makes room again."""

    async def scenario() -> None:
        store, line = open_store(tmp_path), Line()
        receive = receiving(store, [])
        publishes = [Publish(f"n{token % nodes}", "other", payload, 1, token) for token in range(1, taken + 3)]
        receive.received(line, publishes, 0.0)
        assert line.acknowledged == [(taken + 1, reason), (taken + 2, reason)]
        assert receive.waiting == taken
        assert receive.refused == {reason: 2}
        receive.start()
        await asyncio.to_thread(receive.close)
        await asyncio.sleep(0)
        assert (receive._jobs_bytes, dict(receive._jobs_of)) == (0, {})
        store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Window("dispatch", START, 60, 3, {}, {}, [Cell(0x8D309A7A15AB67F, "x", START, START, 3)]), "4 to 10"),
        (Window("dispatch", START, 60, 3, {}, {"ms": Measure(2, 99, fold(b"", [1, 2]))}, []), "sum 99"),
        (Window("dispatch", START, 60, 3, {"Alice": 1}, {}, []), "its characters"),
    ],
)
def test_a_batch_that_cannot_be_stored_is_kept_aside(tmp_path: Path, window: Window, words: str) -> None:
    """The node learns why, once, and goes on with the next batch; the operator has an alarm, and the batch is kept."""
    centre = Centre(tmp_path)
    node = Node(centre)
    node.hello()
    node.outbox.add([window])
    (batch,) = node.outbox.cut(Now(0.0, START))
    node.add(5, 4)
    answer = node.deliver(batch)
    assert (answer.refused, answer.through, words in answer.detail) == ("quarantined", 1, True)
    assert node.deliver(batch) == SyncAck(epoch=1, through=1), "the same again is a repeat"
    node.outbox.stored(answer.epoch, answer.through)
    node.drain()
    assert centre.report()[0] == {"w0": 4}
    assert centre.alarms() == {"quarantined": 1}
    reader = open_reader(tmp_path)
    (aside,) = reader.quarantine()
    assert (aside["reason"], aside["message"].sha256) == ("bad_body", batch.sha256)
    reader.close()


def test_only_so_much_is_kept_aside(tmp_path: Path) -> None:
    """A node that sends nothing but batches that cannot be stored waits with the next one."""
    centre = Centre(tmp_path)
    node = Node(centre)
    node.hello()
    for number in range(QUARANTINED_PER_NODE_MAX + 1):
        node.outbox.add([Window("dispatch", START + number * 60_000, 60, 3, {"Alice": 1}, {}, [])])
        (batch,) = node.outbox.cut(Now(0.0, START))
        answer = node.deliver(batch)
        node.outbox.stored(answer.epoch, answer.through)
    assert (answer.refused, answer.through) == ("bad_body", QUARANTINED_PER_NODE_MAX)
    assert centre.alarms() == {"quarantined": QUARANTINED_PER_NODE_MAX, "bad_body": 1}


def test_what_the_engine_does_not_take_is_kept_aside_and_costs_nobody_else(tmp_path: Path) -> None:
    """One of three nodes sends what the store refuses: its batch is kept aside, those of the others are stored."""
    centre = Centre(tmp_path)
    centre.store.driver.run(
        "create trigger odd before insert on minute when new.scenario = 'odd' begin select raise(abort, 'odd'); end"
    )
    publishes: list[Publish] = []
    for name in ("n1", "n2", "n3"):
        outbox = Outbox(name)
        centre.ask(SYNC_HELLO, encode(outbox.hello("i1", "b1")), name)
        outbox.welcome(SyncWelcomed(1, 0))
        outbox.add([Window("odd" if name == "n2" else "dispatch", START, 60, 3, {"x": 3}, {}, [])])
        (batch,) = outbox.cut(Now(0.0, START))
        publishes.append(Publish(name, SYNC_BATCH, encode(message_of(outbox, batch)), 1, 1))
    answers = [decode_ack(outcome.payload) for outcome in store_all(centre.store, publishes, lambda: LATER, BOUNDS)]
    assert [(answer.refused, answer.through) for answer in answers] == [("", 1), ("quarantined", 1), ("", 1)]
    assert centre.report()[0] == {"x": 6}


def test_a_batch_over_the_quota_waits_at_the_node(tmp_path: Path) -> None:
    """The refusal has a sentence for the node, and stands among the alarms once, however often the batch comes."""
    centre = Centre(tmp_path)
    centre.bounds = Bounds(k_anonymity=2, rows_per_day_max=300)
    node = Node(centre)
    node.hello()
    node.outbox.add([Window("dispatch", START, 60, 2**40, {f"x{i}": 1 for i in range(300)}, {}, [])])
    (batch,) = node.outbox.cut(Now(0.0, START))
    for _ in range(3):
        refusal = node.deliver(batch)
        assert (refusal.refused, refusal.expected) == ("over_quota", 1)
        assert "midnight" in refusal.detail
    assert centre.alarms() == {"over_quota": 1}
    assert centre.report()[1]["refused"] == 3


@pytest.mark.parametrize(
    ("error", "acknowledged", "failed"),
    [
        (StoreFull("full"), [(7, Reason.DISK_FULL)], 0),
        (StoreFailed("broken"), [], 1),
        (RuntimeError("odd"), [], 1),
    ],
)
def test_a_failing_disk_acknowledges_nothing(
    tmp_path: Path, error: Exception, acknowledged: list[tuple[int, str]], failed: int
) -> None:
    """A full disk refuses and goes on; a broken one, or a fault of our own, stops the centre and names what to do."""

    async def scenario() -> None:
        store, line, failures = open_store(tmp_path), Line(), []

        def refuse(*_: object) -> None:
            raise error

        store.driver.run_many = refuse  # type: ignore[method-assign]
        receive = receiving(store, failures)
        receive.start()
        receive.received(line, [Publish("n1", SYNC_HELLO, encode(Outbox("n1").hello("i1", "b1")), 1, 7)], 0.0)
        await asyncio.to_thread(receive.close)
        await asyncio.sleep(0)
        assert line.acknowledged == acknowledged
        assert len(failures) == failed
        assert receive.problem
        store.close()

    asyncio.run(scenario())


def test_an_invitations_session_may_only_ask(tmp_path: Path) -> None:
    """Whatever else it sends is refused before it waits for the disk; what it asks goes to the enrolment."""

    async def scenario() -> None:
        store, line = open_store(tmp_path), Line()
        asked: list[Publish] = []

        def enrol(publish: Publish) -> BatchOutcome:
            asked.append(publish)
            return BatchOutcome(ENROL_ANSWER, b"answer")

        loop = asyncio.get_running_loop()
        receive = Receive(store, lambda: LATER, loop.call_soon_threadsafe, print, BOUNDS, {ENROL_REQUEST: enrol})
        invited = Grant(only=ENROL_REQUEST)
        kinds = (SYNC_HELLO, SYNC_BATCH, ENROL_REQUEST)
        receive.received(line, [Publish("n1", kind, b"", 1, at, invited) for at, kind in enumerate(kinds, 1)], 0.0)
        assert line.acknowledged == [(1, Reason.NOT_ALLOWED), (2, Reason.NOT_ALLOWED)]
        receive.start()
        await asyncio.to_thread(receive.close)
        await asyncio.sleep(0)
        assert [publish.kind for publish in asked] == [ENROL_REQUEST]
        assert [(answer.kind, answer.payload) for answer, _ in receive.pending("n1", 0, 9)] == [
            (ENROL_ANSWER, b"answer")
        ]
        store.close()

    asyncio.run(scenario())


def test_a_centre_without_enrolment_knows_no_such_kind(tmp_path: Path) -> None:
    """It is refused as any other that does not exist."""
    centre = Centre(tmp_path)
    assert ask(centre.store, Publish("n1", ENROL_REQUEST, b"", 1, 1)).reason == Reason.UNKNOWN_KIND
    centre.store.close()
