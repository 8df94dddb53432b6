"""What the centre believes: the table of welcomes, and batches that try to be something else."""

from hashlib import sha256
from itertools import accumulate

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from central.ingest.verify import (
    _CLONE,
    BOOTS_REMEMBERED,
    EVENTS_MAX,
    BatchError,
    NodeRecord,
    _compare,
    _lost,
    answer_hello,
    check,
    progress,
    taken,
    unpack,
)
from edge.limits import BATCH_BYTES_MAX
from edge.messages.batches import NO_BATCH, BatchMessage, Cell, Hello, SyncWelcome, Window, chain_hash, encode_body
from edge.messages.sync.report import NodeReport

START = 1_767_225_600_000
CELL = 613344508561588223
HASHES = {(2, seq): bytes([seq + 3]) * 32 for seq in range(1, 6)}
CHAIN = list(accumulate((bytes([number]) * 32 for number in range(1, 9)), chain_hash, initial=NO_BATCH))
"""The histories of a node that has sent eight batches, three of them in epoch 1."""

OTHER = chain_hash(CHAIN[6], bytes([99]) * 32)
"""A history with a batch in it that the node never sent."""

RECORD = NodeRecord(
    node="n1",
    instance="i1",
    boot="b1",
    retired=["b0"],
    epoch=2,
    through=5,
    head=HASHES[2, 5],
    events=50,
    seen_until=START,
    old_epoch=1,
    old_through=9,
    history=CHAIN[8],
)


@given(
    st.integers(0, 2),
    st.sampled_from(["same", "other", "unknown"]),
    st.lists(st.booleans(), max_size=3),
    st.integers(0, 5),
)
def test_what_node_and_centre_surely_both_have(acked: int, head: str, matches: list[bool], through: int) -> None:
    """Batches up to the first that the centre has with other content; all of them where it has no more."""
    heads = {"same": b"head", "other": b"x", "unknown": None}
    hashes = {acked: heads[head]} if acked else {}
    hashes |= {acked + at: b"%d" % at if same else b"y" for at, same in enumerate(matches, 1)}
    sent = hello(through=acked, head=b"head", in_flight=[b"%d" % at for at in range(1, len(matches) + 1)])
    found = _compare(sent, through, lambda epoch, seq: hashes[seq] if epoch == sent.epoch else None)
    if acked and head == "other":
        assert found == (0, False)
        return
    looked_at = matches[: max(through - acked, 0)]
    agreed = looked_at.index(False) if False in looked_at else len(looked_at)
    assert found == (acked + agreed, False not in looked_at and acked + agreed >= through)


def test_what_is_lost_is_named() -> None:
    """How much; a second process is spoken of only where the centre holds what the node does not know."""
    for alarm, events, cloned in (
        (_lost(7), 7, False),
        (_lost(-1, known=False), 0, True),
        (_lost(1, known=True), 1, False),
    ):
        assert (alarm.kind, alarm.events, _CLONE in alarm.detail) == ("batches_lost", events, cloned)


def hash_of(epoch: int, seq: int) -> bytes | None:
    return HASHES.get((epoch, seq))


def hello(**change: object) -> Hello:
    """A hello that agrees with RECORD, changed."""
    agreed = Hello(
        node="n1",
        instance="i1",
        boot="b1",
        epoch=2,
        through=3,
        head=HASHES[2, 3],
        in_flight=[HASHES[2, 4], HASHES[2, 5], bytes(32)],
        acked_events=30,
        history=CHAIN[:7],
    )
    return msgspec.structs.replace(agreed, **change)


FRESH = {"epoch": 0, "through": 0, "head": NO_BATCH, "in_flight": [], "acked_events": 0, "history": [NO_BATCH]}

AHEAD = {"through": 7, "acked_events": 70, "in_flight": [], "history": CHAIN}
"""The centre has been restored from a backup since."""


@pytest.mark.parametrize(
    ("change", "welcome", "alarm"),
    [
        ({}, SyncWelcome(epoch=2, through=5), None),
        ({"boot": "b2"}, SyncWelcome(epoch=2, through=5), None),
        ({"boot": "b0"}, SyncWelcome(refused="cloned"), "cloned"),
        ({"instance": "i2"}, SyncWelcome(refused="replaced"), "cloned"),
        ({"instance": "i2", **FRESH}, SyncWelcome(epoch=3, reason="replaced"), "replaced"),
        (AHEAD, SyncWelcome(epoch=3, reason="batches_lost"), "batches_lost"),
        ({**AHEAD, "epoch": 6}, SyncWelcome(epoch=7, reason="batches_lost"), "batches_lost"),
        (
            {"in_flight": [HASHES[2, 4]]},
            SyncWelcome(epoch=3, old_through=4, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        (
            {"in_flight": [HASHES[2, 4], bytes(32), bytes(32)]},
            SyncWelcome(epoch=3, old_through=4, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        (
            {"head": bytes(32)},
            SyncWelcome(epoch=3, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        (FRESH, SyncWelcome(epoch=3, discard_before=START, reason="node_restored"), "node_restored"),
    ],
)
def test_each_hello_has_its_welcome(change: dict[str, object], welcome: SyncWelcome, alarm: str | None) -> None:
    """Every way in which the two sides may stand apart has one answer, and the ones that matter raise an alarm."""
    found, record, raised = answer_hello(RECORD, hello(**change), hash_of)
    assert msgspec.structs.replace(found, history=NO_BATCH, detail="") == welcome
    assert bool(found.detail) == bool(welcome.refused)
    assert welcome.refused or found.history == RECORD.history
    assert (raised.kind if raised else None) == alarm
    if welcome.refused:
        assert record is None
    else:
        assert record is not None
        assert (record.epoch, record.through) == (welcome.epoch, welcome.through)


def test_an_alarm_counts_what_it_is_about() -> None:
    """Of a centre that was restored: how many more events were acknowledged than it holds. Of a node that was restored:
    how many it had acknowledged beyond them."""
    for change, events in ((AHEAD, 20), ({"head": bytes(32)}, 0), ({"head": bytes(32), "acked_events": 65}, 15)):
        _, _, raised = answer_hello(RECORD, hello(**change), hash_of)
        assert raised is not None
        assert raised.events == events


def stated(sent: int, **change: object) -> Hello:
    """A hello in epoch 2, with `sent` batches acknowledged over all and nothing in flight."""
    mine = hello(
        through=sent - 3, head=bytes([sent]) * 32, in_flight=[], acked_events=10 * sent, history=CHAIN[: sent + 1]
    )
    return msgspec.structs.replace(mine, **change)


@pytest.mark.parametrize(
    ("has", "second", "welcome", "alarm"),
    [
        ({}, stated(8), SyncWelcome(epoch=2, through=5), None),
        ({}, stated(6, in_flight=[bytes([7]) * 32, bytes([8]) * 32]), SyncWelcome(epoch=2, through=5), None),
        # restored centres: to earlier in this epoch, and to the epoch before
        ({"through": 3, "history": CHAIN[6]}, stated(8), SyncWelcome(epoch=3, reason="batches_lost"), "batches_lost"),
        (
            {"epoch": 1, "through": 2, "history": CHAIN[2]},
            stated(8),
            SyncWelcome(epoch=3, reason="batches_lost"),
            "batches_lost",
        ),
        # the same, and a clone's batch is among what they hold
        (
            {"through": 4, "history": OTHER},
            stated(8),
            SyncWelcome(epoch=3, discard_before=START, reason="batches_lost"),
            "batches_lost",
        ),
        (
            {"epoch": 1, "through": 2, "history": OTHER},
            stated(8),
            SyncWelcome(epoch=3, discard_before=START, reason="batches_lost"),
            "batches_lost",
        ),
        # the same numbers and the same hash of the last batch, after another history
        (
            {"history": OTHER},
            stated(8),
            SyncWelcome(epoch=3, old_through=5, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        # a welcome in the same epoch that another timeline gave: nothing of it is here yet
        (
            {"through": 0, "head": NO_BATCH, "history": OTHER},
            stated(3, through=0, head=NO_BATCH),
            SyncWelcome(epoch=3, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        # nothing was ever here
        (
            {"epoch": 1, "through": 0, "head": NO_BATCH, "history": NO_BATCH, "seen_until": 0},
            stated(8, history=CHAIN[5:]),
            SyncWelcome(epoch=3, reason="batches_lost"),
            "batches_lost",
        ),
    ],
)
def test_a_node_gives_up_what_a_clone_may_have_sent(
    has: dict[str, object], second: Hello, welcome: SyncWelcome, alarm: str | None
) -> None:
    """One hash stands for all that the centre holds: where the node has not been through it, nothing from before then
    is sent again; where it has, nothing is given up."""
    found, record, raised = answer_hello(msgspec.structs.replace(RECORD, **has), second, hash_of)
    assert msgspec.structs.replace(found, history=NO_BATCH) == welcome
    assert (raised.kind if raised else None) == alarm
    assert raised is None or not found.discard_before or "look for a second process" in raised.detail
    assert record is not None
    assert found.history == record.history == has.get("history", CHAIN[8])


def test_a_node_that_lost_its_disk_and_its_welcome_gives_up_nothing() -> None:
    """What the centre holds is from the data directory before: it is not in the hello's history, and no loss."""
    fresh = hello(instance="i2", **FRESH)
    first, record, _ = answer_hello(RECORD, fresh, hash_of)
    again, _, silent = answer_hello(record, fresh, hash_of)
    assert (first.epoch, first.history) == (again.epoch, again.history) == (3, RECORD.history)
    assert (again.discard_before, silent) == (0, None)


def test_a_batch_of_another_history_is_refused() -> None:
    """The right number after the right batch is not enough: what came before all that counts."""
    assert check(RECORD, pack([]), hash_of) == ""
    with pytest.raises(BatchError, match="another history") as refused:
        check(RECORD, pack([], history=OTHER), hash_of)
    assert refused.value.reason == "mismatch"


def test_a_batch_makes_the_history_longer() -> None:
    """The centre's hash after a batch is that of the node after its acknowledgement, in whatever epoch."""
    batch = pack([], history=OTHER)
    record = taken(msgspec.structs.replace(RECORD, history=OTHER), batch, [])
    assert record.history == chain_hash(OTHER, batch.sha256)


@pytest.mark.parametrize(
    ("change", "record_change", "events", "expected"),
    [
        (AHEAD, {}, 20, (3, 7, 0)),
        ({"in_flight": [HASHES[2, 4]]}, {}, 0, (3, 4, START)),
        # restored to before it enrolled: its backup knows of no epoch, so nothing can be compared
        (FRESH, {"old_epoch": 0}, 0, (3, 0, START)),
    ],
)
def test_a_lost_welcome_is_given_once_more(
    change: dict[str, object], record_change: dict[str, object], events: int, expected: tuple[int, int, int]
) -> None:
    """Until something of a new epoch is here, the same hello gets the same epoch and the same horizon of what not to
    send again, and no second alarm."""
    mine = hello(**change)
    first, record, alarm = answer_hello(RECORD, mine, hash_of)
    assert alarm is not None
    assert alarm.events == events
    assert record is not None
    record = msgspec.structs.replace(record, **record_change)
    again, record_again, silent = answer_hello(record, mine, hash_of)
    assert silent is None
    assert record_again == record
    assert (again.epoch, again.old_through, again.discard_before) == expected
    assert (first.epoch, first.discard_before) == (expected[0], expected[2])


def test_an_unknown_node_that_was_acknowledged_before_is_a_loss() -> None:
    """A centre that lost its disk explains how many events of the node are gone, and begins a later epoch."""
    welcome, record, alarm = answer_hello(None, hello(acked_events=70), hash_of)
    assert (welcome.epoch, alarm.kind, alarm.events) == (3, "batches_lost", 70)  # type: ignore[union-attr]
    assert record is not None
    assert record.events == 70
    welcome, _, alarm = answer_hello(None, hello(**FRESH), hash_of)
    assert (welcome.epoch, alarm) == (1, None)


def test_remembered_boots_are_bounded() -> None:
    """A node may restart as often as it likes; only its latest processes are recognised as ghosts."""
    record: NodeRecord | None = RECORD
    for number in range(100):
        _, record, _ = answer_hello(record, hello(boot=f"r{number}"), hash_of)
    assert record is not None
    assert len(record.retired) == BOOTS_REMEMBERED


def pack(windows: list[Window], **change: object) -> BatchMessage:
    """The batch after RECORD with these windows, changed."""
    body = encode_body(windows)
    honest = BatchMessage(
        epoch=2,
        seq=6,
        sha256=sha256(body).digest(),
        previous=RECORD.head,
        body=zstandard.compress(body),
        history=RECORD.history,
    )
    return msgspec.structs.replace(honest, **change)


WINDOW = Window("dispatch", START, 60, 3, {"x": 3}, {}, [Cell(CELL, "x", START, START + 60_000, 3)])


def test_the_next_batch_moves_the_record() -> None:
    """The next number with the right past is taken, and the record follows."""
    batch = pack([WINDOW])
    assert check(RECORD, batch, hash_of) == ""
    windows = unpack(batch)
    assert encode_body(windows) == encode_body([WINDOW])
    after = taken(RECORD, batch, windows)
    assert (after.through, after.head, after.events, after.seen_until) == (6, batch.sha256, 53, START + 60_000)


@pytest.mark.parametrize(
    ("ends", "report", "at", "newest"),
    [
        ([60, 180, 120], None, 900, 180),
        ([60], NodeReport(at=0, epoch=2, numbered=5, complete_until=START + 300_000), 900, 300),
        ([180], NodeReport(at=0, epoch=2, numbered=5, complete_until=START + 60_000), 900, 180),
        ([180], NodeReport(at=0, epoch=2, numbered=6, complete_until=START + 300_000), 900, 180),
        ([180], NodeReport(at=0, epoch=2, numbered=5, pool=1, complete_until=START + 300_000), 900, 180),
        ([180], NodeReport(at=0, epoch=1, numbered=5, complete_until=START + 300_000), 900, 180),
        ([900], None, 300, 300),
    ],
)
def test_how_far_a_node_has_come(ends: list[int], report: NodeReport | None, at: int, newest: int) -> None:
    """To the end of its newest window, or to where its report has all sent; not beyond the centre's clock."""
    windows = [msgspec.structs.replace(WINDOW, start=START + (end - 60) * 1000) for end in ends]
    changes = progress(RECORD, windows, report, START + at * 1000)
    assert (changes["newest"] - START) // 1000 == newest
    assert changes["progress_at"] == START + at * 1000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seq": 5, "sha256": HASHES[2, 5]}, ""),
        ({"seq": 5}, "mismatch"),
        ({"seq": 7}, "gap"),
        ({"seq": 2**53}, "gap"),
        ({"previous": bytes(32)}, "mismatch"),
        ({"epoch": 1}, "stale_epoch"),
        ({"epoch": 3}, "stale_epoch"),
    ],
)
def test_numbers_and_chain_are_checked(change: dict[str, object], reason: str) -> None:
    """Repeats are known again; gaps, other content, another past and another epoch are refused."""
    batch = pack([WINDOW], **change)
    if not reason:
        assert check(RECORD, batch, hash_of) == "repeat"
        return
    with pytest.raises(BatchError) as error_info:
        check(RECORD, batch, hash_of)
    assert error_info.value.reason == reason


def bomb(claimed: bool) -> bytes:
    """A frame of a few kilobytes that unpacks to 64 MiB, with or without its size in the header."""
    compressor = zstandard.ZstdCompressor(write_content_size=claimed)
    return compressor.compress(bytes(64 * 1024 * 1024))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": bomb(True)}, "too_large"),
        ({"body": bomb(False)}, "too_large"),
        ({"body": zstandard.compress(bytes(BATCH_BYTES_MAX + 1))}, "too_large"),
        ({"body": b"no frame"}, "too_large"),
        ({"body": b""}, "too_large"),
        ({"sha256": bytes(32)}, "bad_hash"),
    ],
)
def test_hostile_bodies_are_refused(change: dict[str, object], reason: str) -> None:
    """Bombs, claims, garbage and foreign hashes are refused before anything is merged."""
    with pytest.raises(BatchError) as error_info:
        unpack(pack([WINDOW], **change))
    assert error_info.value.reason == reason


@pytest.mark.parametrize(
    "window",
    [
        msgspec.structs.replace(WINDOW, scenario="../etc"),
        msgspec.structs.replace(WINDOW, counters={"rider alice": 1}),
    ],
)
def test_bodies_that_break_the_schema_are_refused(window: Window) -> None:
    """What is no scenario or no name never reaches the store, and is not quoted."""
    with pytest.raises(BatchError) as error_info:
        unpack(pack([window]))
    assert error_info.value.reason == "bad_body"
    assert "a name is expected" in str(error_info.value) or "its characters" in str(error_info.value)
    assert "alice" not in str(error_info.value)


def test_a_node_cannot_claim_more_events_than_can_be_counted() -> None:
    """What a hello claims and what its batches add stays within an integer."""
    claims = msgspec.structs.replace(RECORD, events=EVENTS_MAX - 2)
    with pytest.raises(BatchError, match="sums do not fit"):
        taken(claims, pack([WINDOW]), [WINDOW])


def test_every_truncation_and_every_flipped_bit_is_refused() -> None:
    """No damage on the way turns a batch into another batch."""
    honest = pack([WINDOW])
    damaged = [honest.body[:end] for end in range(len(honest.body))]
    for position in range(len(honest.body)):
        for bit in range(8):
            damaged.append(
                honest.body[:position] + bytes([honest.body[position] ^ 1 << bit]) + honest.body[position + 1 :]
            )
    for body in damaged:
        try:
            unpacked = encode_body(unpack(msgspec.structs.replace(honest, body=body)))
        except BatchError:
            continue
        assert unpacked == encode_body([WINDOW])
