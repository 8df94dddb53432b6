"""Tests of edge.pipeline.pipeline: durable before visible, with a real journal and a stand-in for the sockets."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import apsw
import msgspec
import pytest

from edge.clock import Clock
from edge.core.model import Batch, Commit, Configure, Observed, SyncAcked, SyncWelcomed, decode_row
from edge.core.node import Node
from edge.errors import DiskFull, Reason
from edge.health.status import Status
from edge.journal.journal import Journal
from edge.messages.envelope import loose
from edge.mqtt.seam import Pending, Publish
from edge.pipeline.ingest import InflightRound
from edge.pipeline.pending import FLUSH_DELAY_S
from edge.pipeline.pipeline import Pipeline
from edge.pipeline.snapshots import SNAPSHOT_ROWS
from edge.scenarios.dispatch import Dispatch
from tests.edge.district import RULES
from tests.messages import AT, GOOD, text


def open_orders(pipeline: Pipeline) -> list[str]:
    """Orders that have not ended."""
    dispatch = pipeline.node.scenarios["dispatch"]
    assert isinstance(dispatch, Dispatch)
    return list(dispatch.state.orders.open)


class Wire:
    """What a link would do, written down in the order in which it was asked to."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.log: list[tuple[str, object]] = []
        self.news = asyncio.Event()
        self.repeated: list[bytes] = []
        pipeline.links.append(self)

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        for client, answers in fresh.items():
            for answer, _ in answers:
                if not answer.sequence:
                    self.repeated.append(answer.payload)
                    continue
                assert self.pipeline.pending(client, answer.sequence - 1, 1)[0][0] is answer
        self.log.append(("wake", list(fresh)))
        self.news.set()

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        self.log.append(("acknowledge", list(zip(tokens, reasons, strict=True))))
        self.news.set()

    def pause(self) -> None:
        self.log.append(("pause", None))

    def resume(self) -> None:
        self.log.append(("resume", None))

    def asked(self, what: str) -> list[object]:
        return [value for name, value in self.log if name == what]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not done():
                self.news.clear()
                try:
                    await asyncio.wait_for(self.news.wait(), 0.02)
                except TimeoutError:
                    continue


def order(number: int, token: int, client: str = "alice") -> Publish:
    fields = {**GOOD[0][1], "id": f"e-{number}", "order": f"o-{number}", "prep_s": 600}
    del fields["ready_at"]  # the node's clock is the real one
    return Publish(client, "order.place", text(fields), 1, token)


def position(token: int = 0) -> Publish:
    return Publish("r-1", "rider.position", text({"points": [[AT, 31.2, 121.4]]}), int(bool(token)), token)


def with_pipeline(folder: Path, test: Callable[[Pipeline, Wire, Journal], Awaitable[None]]) -> None:
    """Run `test` in a loop with a started pipeline on a new or existing journal in `folder`."""

    async def main() -> None:
        journal = Journal.open(folder / "journal.sqlite3")
        try:
            node = Node([Dispatch])
            recovery = journal.recover()
            node.recover(recovery.snapshot, recovery.rows)
            clock = Clock()
            if node.number:
                clock.resume(node.last)
            fatal: list[Exception] = []
            pipeline = Pipeline(node, journal, clock, Status("n-1", clock.now()), "wgs84", fatal.append)
            pipeline.start(Configure(RULES) if node.rules is None else None)
            wire = Wire(pipeline)
            await test(pipeline, wire, journal)
            await pipeline.drain()
            assert fatal == []
        finally:
            journal.close()

    asyncio.run(main())


def receipts(pipeline: Pipeline, client: str = "alice") -> list[dict]:
    """The receipts that a link may send now."""
    return [json.loads(a.payload) for a, _ in pipeline.pending(client, 0, 99) if a.kind == "receipt"]


def test_an_answer_from_memory_follows_what_was_decided_before_it(tmp_path):
    """It is sent once, without a row; and not before the rounds before it are on disk."""

    async def test(pipeline: Pipeline, wire: Wire, journal: Journal) -> None:
        track = Publish("alice", "order.track", text({"order": "o-1"}), 0, 0)
        pipeline.received(wire, [track], 0.0)
        await wire.until(lambda: len(wire.repeated) == 1)
        assert [name for name, _ in wire.log] == ["wake"]
        journal.commit = lambda row: False  # the writer does it beside the loop
        for publish in (order(1, 7), track):
            pipeline.received(wire, [publish], 0.0)
            pipeline._take_in()
        assert (pipeline.in_flight, len(wire.repeated)) == (2, 1)
        await wire.until(lambda: len(wire.repeated) == 2)
        assert [name for name, _ in wire.log[1:]] == ["wake", "acknowledge", "wake"]

    with_pipeline(tmp_path, test)


def test_what_cannot_be_read_has_a_receipt_that_is_kept_nowhere(tmp_path):
    """At QoS 1, one for each client between two ticks, after the row; nothing of it is pending, and no row has it."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        noise = [Publish(client, "order.place", b"\xc1", 1, 1) for client in ("eve", "eve", "bob")]
        pipeline.received(wire, [*noise, Publish("amy", "order.place", b"\xc1", 0, 0)], 0.0)
        await wire.until(lambda: len(wire.repeated) == 2)
        assert [name for name, _ in wire.log] == ["wake", "acknowledge"]
        assert wire.asked("wake") == [["eve", "bob"]]
        fields = loose(wire.repeated[0])
        assert (fields["id"], fields["of"], fields["status"]) == ("", "order.place", "refused")
        assert fields["reason"] == "malformed"
        assert len(pipeline.node.pending_answers) == 0
        pipeline.received(wire, noise, 0.0)
        await wire.until(lambda: len(wire.asked("acknowledge")) == 2)
        assert len(wire.repeated) == 2
        pipeline.ingest.begin_day(0)
        pipeline.received(wire, noise[:1], 0.0)
        await wire.until(lambda: len(wire.repeated) == 3)

    with_pipeline(tmp_path, test)


def test_nothing_is_visible_before_it_is_durable(tmp_path):
    """Until the row is on disk no answer can be fetched; then links are woken, and only then the publish is
    acknowledged."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.received(wire, [order(1, 7)], 0.0)
        assert receipts(pipeline) == []
        assert wire.log == []
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        assert [name for name, _ in wire.log] == ["wake", "acknowledge"]
        assert wire.asked("acknowledge") == [[(7, "")]]
        assert [receipt["id"] for receipt in receipts(pipeline)] == ["e-1"]

    with_pipeline(tmp_path, test)


def test_acknowledgements_keep_the_order_of_the_publishes(tmp_path):
    """A position at QoS 1 needs no disk, but its acknowledgement waits for those of the publishes before it."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.received(wire, [order(1, 1), position(2), order(2, 3)], 0.0)
        pipeline.received(wire, [position(4)], 0.0)
        assert wire.asked("acknowledge") == []
        await wire.until(lambda: len(wire.asked("acknowledge")) == 2)
        assert wire.asked("acknowledge") == [[(1, ""), (2, ""), (3, "")], [(4, "")]]
        pipeline.received(wire, [position(5)], 0.0)
        await wire.until(lambda: len(wire.asked("acknowledge")) == 3)
        assert wire.asked("acknowledge")[2] == [(5, "")]

    with_pipeline(tmp_path, test)


def test_reads_of_one_turn_become_one_round(tmp_path):
    """What several connections sent before the loop turned is one row; presence keeps its place among them; each gets
    its own acknowledgements, in order."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        other = Wire(pipeline)
        before = pipeline.node.number
        for number in range(1, 7):
            pipeline.received(wire if number % 2 else other, [order(number, number)], 0.0)
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        assert pipeline.node.number == before + 1
        pairs = [pair for asked in wire.asked("acknowledge") for pair in asked]  # type: ignore[attr-defined]
        assert pairs == [(1, ""), (3, ""), (5, "")]
        pairs = [pair for asked in other.asked("acknowledge") for pair in asked]  # type: ignore[attr-defined]
        assert pairs == [(2, ""), (4, ""), (6, "")]
        pipeline.received(wire, [order(7, 7)], 0.0)
        pipeline.present("alice", False)
        assert pipeline.node.number == before + 1
        await wire.until(lambda: pipeline.node.number == before + 2)

    with_pipeline(tmp_path, test)


@pytest.mark.parametrize("quick", [True, False])
def test_slow_disks_are_left_to_the_writer(tmp_path, monkeypatch, quick):
    """Where the disk is quick the loop commits by itself; where it is not, or the writer is at work, it goes on."""
    monkeypatch.setattr("edge.journal.writer.DIRECT_COMMIT_S_MAX", 9.0 if quick else 0.0)

    async def test(pipeline: Pipeline, wire: Wire, journal: Journal) -> None:
        await wire.until(lambda: pipeline.in_flight == 0)
        pipeline.received(wire, [order(1, 1)], 0.0)
        await asyncio.sleep(0)
        assert (wire.asked("acknowledge") != []) == quick
        await wire.until(lambda: wire.asked("acknowledge") == [[(1, "")]])
        assert pipeline.committed == journal.last == pipeline.node.number

    with_pipeline(tmp_path, test)


def test_a_refusal_is_acknowledged_with_its_reason(tmp_path):
    """A malformed message among good ones gets its reason, in its place."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        bad = Publish("alice", "order.place", b"\xc1", 1, 2)
        quiet = Publish("r-1", "rider.position", b"\xc1", 0, 0)
        pipeline.received(wire, [quiet, order(1, 1), bad], 0.0)
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        assert wire.asked("acknowledge") == [[(1, ""), (2, "malformed")]]

    with_pipeline(tmp_path, test)


def test_a_repeat_gets_the_recorded_bytes_also_after_a_restart(tmp_path):
    """The same id gives the same receipt, byte for byte, from a process that has never decided it."""
    recorded: list[bytes] = []

    async def first(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.received(wire, [order(1, 1)], 0.0)
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        answers = pipeline.pending("alice", 0, 99)
        recorded.extend(a.payload for a, _ in answers if a.kind == "receipt")
        pipeline.delivered("alice", [a.sequence for a, _ in answers])

    async def second(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        assert receipts(pipeline) == []
        rows = pipeline.node.number
        pipeline.received(wire, [order(1, 9)], 0.0)
        await wire.until(lambda: bool(wire.repeated))
        assert wire.repeated == recorded
        assert wire.asked("acknowledge") == [[(9, "")]]
        assert pipeline.node.number == rows
        await wire.until(lambda: pipeline.node.counts.duplicate == 1)

    with_pipeline(tmp_path, first)
    with_pipeline(tmp_path, second)


def test_delivered_answers_are_not_sent_again(tmp_path):
    """What a client acknowledged stays acknowledged across a restart."""

    async def first(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.received(wire, [order(1, 1)], 0.0)
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        pipeline.delivered("alice", [a.sequence for a, _ in pipeline.pending("alice", 0, 99)])
        await asyncio.sleep(FLUSH_DELAY_S * 1.5)
        assert pipeline.node.pending_answers.delivered > 0

    async def second(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        assert pipeline.pending("alice", 0, 99) == []

    with_pipeline(tmp_path, first)
    with_pipeline(tmp_path, second)


def test_shed_messages_reach_the_journal(tmp_path):
    """Drops that a link counts are written down, so that reconciliation knows them."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.shed("alice", Reason.OVER_QUOTA, 3)
        pipeline.shed("bob", Reason.OVER_QUOTA, 4)
        await wire.until(lambda: pipeline.node.counts.shed == {"over_quota": 7})

    with_pipeline(tmp_path, test)


def test_batches_are_shown_to_the_uplink_when_they_are_durable(tmp_path):
    """A numbered batch is handed out only after its row is on disk, and is gone when the centre has it."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        woken = asyncio.Event()
        pipeline.on_batches = woken.set
        pipeline.post([SyncWelcomed(1, 0)])
        pipeline.received(wire, [order(1, 1)], 0.0)
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        node = pipeline.node
        now = node.last
        later = type(now)(now.mono + 200, now.wall_ms + 200_000)
        effects = node.handle([], later)
        assert any(isinstance(effect, Batch) for effect in effects)
        assert pipeline.batches() == []
        commit = effects[0]
        assert isinstance(commit, Commit)
        # The round that a timer would have made in two minutes.
        pipeline._commit(commit, InflightRound(commit.number, node.sequence, 0.0, 0.0, (), [], (), (), commit))
        async with asyncio.timeout(10):
            await woken.wait()
        assert [batch.seq for batch in pipeline.batches()] == [1]
        pipeline.post([SyncAcked(1, 1)])
        await wire.until(lambda: pipeline.batches() == [])

    with_pipeline(tmp_path, test)


def test_a_flood_becomes_several_rounds_and_a_snapshot(tmp_path):
    """Thousands of publishes in one read are handled in bounded rounds, and recovery starts from a snapshot."""

    async def test(pipeline: Pipeline, wire: Wire, journal: Journal) -> None:
        total = SNAPSHOT_ROWS + 10
        for begin in range(0, total, 200):
            for number in range(begin, min(begin + 200, total)):
                pipeline.received(wire, [Publish("alice", "x.y", b"", 1, number + 1)], 0.0)
                pipeline._take_in()
            await wire.until(lambda: pipeline.in_flight == 0)
        assert len(wire.asked("acknowledge")) == total

    async def again(pipeline: Pipeline, _: Wire, journal: Journal) -> None:
        assert journal.recover().snapshot is not None
        assert pipeline.node.counts.refused == {"unknown_kind": SNAPSHOT_ROWS + 10}

    with_pipeline(tmp_path, test)
    with_pipeline(tmp_path, again)


@pytest.mark.parametrize("limit", ["SNAPSHOT_ROWS", "SNAPSHOT_ROW_BYTES"])
def test_a_node_that_is_killed_again_and_again_starts_no_slower(tmp_path, monkeypatch, limit):
    """However short its lives are, what a start runs through the core is bounded, in rows and in bytes."""
    monkeypatch.setattr(f"edge.pipeline.snapshots.{limit}", 20 if limit == "SNAPSHOT_ROWS" else 20_000)
    recovered: list[tuple[int, int]] = []

    async def killed(_: Pipeline) -> None:
        """No drain, so no last snapshot."""

    monkeypatch.setattr(Pipeline, "drain", killed)

    async def life(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        recovered.append((pipeline.node.recovered_rows, pipeline.node.recovered_bytes))
        for number in range(12):
            id_ = len(recovered) * 100 + number
            pipeline.received(wire, [order(id_, id_)], 0.0)
            pipeline._take_in()
        await wire.until(lambda: len(wire.asked("acknowledge")) == 12)

    for _ in range(6):
        with_pipeline(tmp_path, life)
    rows, sizes = zip(*recovered, strict=True)
    if limit == "SNAPSHOT_ROWS":
        assert 12 < max(rows) < 20
    else:
        assert 10_000 < max(sizes) < 20_000


def test_what_is_due_at_a_start_is_decided_with_what_comes_first(tmp_path, monkeypatch):
    """Clients who wait for the node are let in before a round without them; then the round comes, whoever is there."""
    rounds: list[int] = []
    handle = Node.handle
    monkeypatch.setattr(Node, "handle", lambda self, batch, now: rounds.append(len(batch)) or handle(self, batch, now))

    async def before(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.received(wire, [order(1, 1)], 0.0)
        await wire.until(lambda: len(wire.asked("acknowledge")) == 1)

    async def alone(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        assert rounds == []
        await wire.until(lambda: bool(rounds))
        assert rounds == [0]

    async def awaited(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.received(wire, [order(2, 1)], 0.0)
        await wire.until(lambda: bool(rounds))
        assert rounds[0] == 1

    with_pipeline(tmp_path, before)
    monkeypatch.setattr(Node, "next_deadline", lambda self: None if rounds else self.last.mono)
    for life in (alone, awaited):
        rounds.clear()
        with_pipeline(tmp_path, life)


def test_a_live_journal_replays_to_the_byte(tmp_path):
    """What the running pipeline wrote, a fresh core writes again."""

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        shift = Publish("r-1", "rider.shift", text({**GOOD[3][1], "place": {"lat": 31.2, "lon": 121.4}}), 1, 1)
        pipeline.received(wire, [shift, order(1, 2), order(1, 3), order(2, 4)], 0.0)
        pipeline.received(wire, [position(), order(3, 5)], 0.0)
        await wire.until(lambda: len(wire.asked("acknowledge")) == 2)

    with_pipeline(tmp_path, test)
    journal = Journal.open(tmp_path / "journal.sqlite3")
    connection_rows = list(journal._rows(0))  # every row, also those that the snapshot covers
    journal.close()
    node = Node([Dispatch])
    for body in connection_rows:
        commit = node.replay(decode_row(body))[0]
        assert isinstance(commit, Commit)
        assert commit.row == body
    assert not any(isinstance(item, Observed) for body in connection_rows for item in decode_row(body).inputs)


def test_a_queue_that_is_full_refuses_instead_of_breaking(tmp_path, monkeypatch):
    """When more reads arrive than the disk can take, links are paused, what still comes is refused and counted, and all
    that was accepted is there."""
    monkeypatch.setattr("edge.journal.journal.COMMIT_QUEUE_ROWS_MAX", 400)

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        await wire.until(lambda: pipeline.in_flight == 0)
        holder = apsw.Connection(str(tmp_path / "journal.sqlite3"))  # the disk stalls: somebody else has the write lock
        holder.execute("BEGIN IMMEDIATE")
        for number in range(400):
            pipeline.received(wire, [order(number, number + 1, f"c-{number}")], 0.0)
            pipeline._take_in()  # a round of its own
        holder.execute("ROLLBACK")
        holder.close()
        assert wire.asked("pause") == [None]
        await wire.until(lambda: pipeline.in_flight == 0)
        reasons = dict(pair for pairs in wire.asked("acknowledge") for pair in pairs)  # type: ignore[union-attr]
        assert set(reasons.values()) == {"", "overloaded"}
        accepted = sum(1 for reason in reasons.values() if reason == "")
        assert len(open_orders(pipeline)) == accepted
        assert wire.asked("resume") == [None]

    with_pipeline(tmp_path, test)


def test_a_core_that_fails_shows_nothing_more(tmp_path, monkeypatch):
    """When the core raises, nothing is acknowledged any more, the process is asked to end, and the journal is whole."""
    fatal: list[Exception] = []

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        monkeypatch.setattr(pipeline, "_fatal", fatal.append)
        pipeline.received(wire, [order(1, 1)], 0.0)
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        monkeypatch.setattr(pipeline.node.scenarios["dispatch"], "round", lambda *_: 1 / 0)
        pipeline.received(wire, [order(2, 2)], 0.0)
        pipeline._take_in()
        monkeypatch.undo()
        pipeline.received(wire, [order(3, 3)], 0.0)
        await asyncio.sleep(0.1)
        assert wire.asked("acknowledge") == [[(1, "")]]
        assert "please report" in str(fatal[0])
        assert "sends it again" not in str(fatal[0])

    async def again(pipeline: Pipeline, _: Wire, journal: Journal) -> None:
        assert open_orders(pipeline) == ["o-1"]

    with_pipeline(tmp_path, test)
    with_pipeline(tmp_path, again)


def test_a_scenario_that_fails_on_an_event_is_named_with_it(tmp_path, monkeypatch):
    """The last words of the node have the scenario, the client, the event, and what to do where it comes again."""
    fatal: list[Exception] = []

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        monkeypatch.setattr(pipeline, "_fatal", fatal.append)
        monkeypatch.setattr("edge.scenarios.dispatch.scenario.apply", lambda *_: 1 / 0)
        pipeline.received(wire, [order(1, 1)], 0.0)
        pipeline._take_in()
        monkeypatch.undo()
        assert "The scenario dispatch failed on the event e-1 (order.place) of the client alice." in str(fatal[0])
        assert "sends it again" in str(fatal[0])

    with_pipeline(tmp_path, test)


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 24 MiB of its own, so that it can be filled."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(mount)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {made.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=False)


def test_a_full_disk_stops_acceptance_and_ends_by_itself(tiny_disk, monkeypatch):
    """On a full disk nothing is acknowledged as accepted; with room again the node goes on from what the disk holds."""
    monkeypatch.setattr("edge.pipeline.pipeline.RETRY_FULL_DISK_S", 0.05)
    filler = tiny_disk / "filler"

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        pipeline.received(wire, [order(1, 1)], 0.0)
        await wire.until(lambda: bool(wire.asked("acknowledge")))
        free = shutil.disk_usage(tiny_disk).free
        filler.write_bytes(b"x" * max(free - 4096, 0))
        number = 2
        while not pipeline.full and number < 5_000:
            pipeline.received(wire, [order(number, number)], 0.0)
            number += 1
            await asyncio.sleep(0)
        await wire.until(lambda: pipeline.full)
        pipeline.received(wire, [order(9_001, 9_001)], 0.0)
        await wire.until(lambda: wire.asked("acknowledge")[-1] == [(9_001, "disk_full")])
        filler.unlink()
        await wire.until(lambda: not pipeline.full)
        pipeline.received(wire, [order(9_002, 9_002)], 0.0)
        await wire.until(lambda: wire.asked("acknowledge")[-1] == [(9_002, "")])
        reasons = dict(pair for pairs in wire.asked("acknowledge") for pair in pairs)  # type: ignore[union-attr]
        accepted = {token for token, reason in reasons.items() if reason == ""}
        known = {f"o-{token}" for token in accepted}
        held = set(open_orders(pipeline))
        assert held == known

    with_pipeline(tiny_disk, test)


def test_rules_that_came_while_the_disk_was_full_are_kept(tmp_path, monkeypatch):
    """A core rebuilt after a full disk gets the rules that are not on disk, and the uplink asks again."""
    monkeypatch.setattr("edge.pipeline.pipeline.RETRY_FULL_DISK_S", 0.05)

    async def test(pipeline: Pipeline, wire: Wire, _: Journal) -> None:
        asked: list[bool] = []
        pipeline.on_rebuilt = lambda: asked.append(pipeline.full)
        pipeline._on_failure(DiskFull("as if"))
        other = msgspec.structs.replace(RULES, k_anonymity=9)
        pipeline.post([Configure(other)])
        await wire.until(lambda: bool(asked))
        assert asked == [False]
        assert pipeline.node.rules == other

    with_pipeline(tmp_path, test)
