"""What the centre believes: the table of greetings, and batches that try to be something else."""

from hashlib import sha256

import msgspec
import pytest
import zstandard

from central.verify import BatchError, Standing, check, greet, taken, unpack
from edge.limits import BATCH_BYTES_MAX, BOOTS_REMEMBERED
from edge.windows import NO_BATCH, Cell, Greeting, Hello, Parcel, Window, encode_body

START = 1_767_225_600_000
CELL = 613344508561588223
HASHES = {(2, seq): bytes([seq]) * 32 for seq in range(1, 6)}
STANDING = Standing(
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
)


def hash_of(epoch: int, seq: int) -> bytes | None:
    return HASHES.get((epoch, seq))


def hello(**change: object) -> Hello:
    """A hello that agrees with STANDING, changed."""
    agreed = Hello(
        node="n1",
        instance="i1",
        boot="b1",
        epoch=2,
        through=3,
        head=HASHES[2, 3],
        flying=[HASHES[2, 4], HASHES[2, 5], bytes(32)],
        acked_events=30,
    )
    return msgspec.structs.replace(agreed, **change)


FRESH = {"epoch": 0, "through": 0, "head": NO_BATCH, "flying": [], "acked_events": 0}


@pytest.mark.parametrize(
    ("change", "greeting", "alarm"),
    [
        ({}, Greeting(epoch=2, through=5), None),
        ({"boot": "b2"}, Greeting(epoch=2, through=5), None),
        ({"boot": "b0"}, Greeting(refused="cloned"), "cloned"),
        ({"instance": "i2"}, Greeting(refused="replaced"), "cloned"),
        ({"instance": "i2", **FRESH}, Greeting(epoch=3, reason="replaced"), "replaced"),
        ({"through": 7, "acked_events": 70}, Greeting(epoch=3, reason="batches_lost"), "batches_lost"),
        ({"epoch": 6, "acked_events": 70}, Greeting(epoch=7, reason="batches_lost"), "batches_lost"),
        (
            {"flying": [HASHES[2, 4]]},
            Greeting(epoch=3, old_through=4, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        (
            {"flying": [HASHES[2, 4], bytes(32), bytes(32)]},
            Greeting(epoch=3, old_through=4, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        (
            {"head": bytes(32)},
            Greeting(epoch=3, discard_before=START, reason="node_restored"),
            "node_restored",
        ),
        (FRESH, Greeting(epoch=3, discard_before=START, reason="node_restored"), "node_restored"),
    ],
)
def test_each_hello_has_its_greeting(change: dict[str, object], greeting: Greeting, alarm: str | None) -> None:
    """Every way in which the two sides may stand apart has one answer, and the ones that matter raise an alarm."""
    found, standing, raised = greet(STANDING, hello(**change), hash_of)
    assert found == greeting
    assert (raised.kind if raised else None) == alarm
    if greeting.refused:
        assert standing is None
    else:
        assert standing is not None
        assert (standing.epoch, standing.through) == (greeting.epoch, greeting.through)


def test_a_lost_greeting_is_given_once_more() -> None:
    """Until something of a new epoch is here, the same hello gets the same epoch, and no second alarm."""
    told = hello(through=7, acked_events=70)
    first, standing, alarm = greet(STANDING, told, hash_of)
    assert alarm is not None
    assert alarm.events == 20
    again, standing_again, silent = greet(standing, told, hash_of)
    assert silent is None
    assert standing_again == standing
    assert (again.epoch, again.discard_before) == (first.epoch, 0)


def test_a_greeting_that_discards_is_given_once_more_with_its_horizon() -> None:
    """A restored node that never heard its greeting is told again what not to send."""
    told = hello(flying=[HASHES[2, 4]])
    first, standing, _ = greet(STANDING, told, hash_of)
    again, _, silent = greet(standing, told, hash_of)
    assert silent is None
    assert (again.epoch, again.old_through, again.discard_before) == (first.epoch, 4, START)


def test_a_node_restored_to_before_it_enrolled_is_told_its_horizon_again() -> None:
    """Its backup knows of no epoch, so nothing can be compared: what it may have sent is still not to be sent again,
    also where the first greeting was lost."""
    told = hello(**FRESH)
    first, standing, _ = greet(STANDING, told, hash_of)
    assert first.discard_before == START
    assert standing is not None
    standing = msgspec.structs.replace(standing, old_epoch=0)
    again, _, silent = greet(standing, told, hash_of)
    assert silent is None
    assert (again.epoch, again.discard_before) == (first.epoch, START)


def test_an_unknown_node_that_was_acknowledged_before_is_a_loss() -> None:
    """A centre that lost its disk says how many events of the node are gone, and begins a later epoch."""
    greeting, standing, alarm = greet(None, hello(acked_events=70), hash_of)
    assert (greeting.epoch, alarm.kind, alarm.events) == (3, "batches_lost", 70)  # type: ignore[union-attr]
    assert standing is not None
    assert standing.events == 70
    greeting, _, alarm = greet(None, hello(**FRESH), hash_of)
    assert (greeting.epoch, alarm) == (1, None)


def test_remembered_boots_are_bounded() -> None:
    """A node may restart as often as it likes; only its latest processes are recognised as ghosts."""
    standing: Standing | None = STANDING
    for number in range(100):
        _, standing, _ = greet(standing, hello(boot=f"r{number}"), hash_of)
    assert standing is not None
    assert len(standing.retired) == BOOTS_REMEMBERED


def pack(windows: list[Window], **change: object) -> Parcel:
    """The parcel after STANDING with these windows, changed."""
    body = encode_body(windows)
    honest = Parcel(epoch=2, seq=6, sha256=sha256(body).digest(), previous=STANDING.head, body=zstandard.compress(body))
    return msgspec.structs.replace(honest, **change)


WINDOW = Window("dispatch", START, 60, 3, {"x": 3}, {}, [Cell(CELL, "x", START, START + 60_000, 3)])


def test_the_next_batch_moves_the_standing() -> None:
    """The next number with the right past is taken, and the standing follows."""
    parcel = pack([WINDOW])
    assert check(STANDING, parcel, hash_of) == ""
    body, windows = unpack(parcel)
    assert body == encode_body([WINDOW])
    after = taken(STANDING, parcel, windows)
    assert (after.through, after.head, after.events, after.seen_until) == (6, parcel.sha256, 53, START + 60_000)


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
    parcel = pack([WINDOW], **change)
    if not reason:
        assert check(STANDING, parcel, hash_of) == "repeat"
        return
    with pytest.raises(BatchError) as caught:
        check(STANDING, parcel, hash_of)
    assert caught.value.reason == reason


def bomb(claimed: bool) -> bytes:
    """A frame of a few kilobytes that unpacks to 64 MiB, with or without saying so."""
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
    with pytest.raises(BatchError) as caught:
        unpack(pack([WINDOW], **change))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "window",
    [
        msgspec.structs.replace(WINDOW, cells=[Cell(12345, "x", START, START, 1)]),
        msgspec.structs.replace(WINDOW, scenario="../etc"),
        msgspec.structs.replace(WINDOW, counters={"rider alice": 1}),
    ],
)
def test_bodies_that_break_the_schema_are_refused(window: Window) -> None:
    """What is no cell, no scenario or no name never reaches the store."""
    with pytest.raises(BatchError) as caught:
        unpack(pack([window]))
    assert caught.value.reason == "bad_body"


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
            unpacked, _ = unpack(msgspec.structs.replace(honest, body=body))
        except BatchError:
            continue
        assert unpacked == encode_body([WINDOW])
