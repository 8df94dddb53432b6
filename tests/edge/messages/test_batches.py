"""The contract with the centre: encodings, sums, sketches."""

import contextlib
from math import inf, nan
from struct import pack, pack_into

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.run import SYNC_PACKET_BYTES_MAX
from edge.limits import BATCH_BYTES_MAX, CELLS_PER_WINDOW_MAX, COUNTERS_MAX, MEASURES_MAX
from edge.messages.batches import (
    NO_BATCH,
    SKETCH_BYTES_MAX,
    BatchMessage,
    Cell,
    Hello,
    Measure,
    SyncAck,
    SyncWelcome,
    Window,
    combine,
    decode_ack,
    decode_batch,
    decode_body,
    decode_hello,
    decode_welcome,
    encode,
    encode_body,
    fold,
    merge,
    quantiles,
    read_body,
    sketch_fault,
    split,
    withhold_cells,
)

START = 1_767_225_600_000
CELL = 613344508561588223
NAMES = st.sampled_from(["accepted.order.place", "late", "refused.malformed"])


@st.composite
def windows(draw: st.DrawFn) -> Window:
    values = draw(st.lists(st.integers(0, 10**6), max_size=20))
    measures = {"assign_ms": Measure(len(values), sum(values), fold(b"", values))} if values else {}
    spans = draw(st.dictionaries(st.tuples(st.integers(0, 5), NAMES), st.integers(1, 50), max_size=5))
    return Window(
        "dispatch",
        START + 60_000 * draw(st.integers(0, 59)),
        60,
        draw(st.integers(0, 1000)),
        dict(sorted(draw(st.dictionaries(NAMES, st.integers(1, 1000))).items())),
        measures,
        [Cell(CELL - cell, name, START, START + 60_000, count) for (cell, name), count in sorted(spans.items())],
    )


def biggest() -> Window:
    """The largest window that the limits allow, with sketches as full as they get."""
    digest = fold(b"", range(100_000))
    return Window(
        "s" * 64,
        START,
        60,
        2**40,
        {f"{i:096d}": 2**40 for i in range(COUNTERS_MAX)},
        {f"{i:096d}": Measure(100_000, sum(range(100_000)), digest) for i in range(MEASURES_MAX)},
        [Cell(CELL - i, "n" * 96, START, START, 2**40) for i in range(CELLS_PER_WINDOW_MAX)],
    )


@given(st.lists(windows(), max_size=4))
def test_a_body_survives_its_encoding(items: list[Window]) -> None:
    """What is decoded is what was encoded, and encoding it again gives the same bytes."""
    body = encode_body(items)
    assert decode_body(body) == items
    assert encode_body(decode_body(body)) == body


def test_the_largest_window_fits_a_batch_and_its_packet() -> None:
    """No window can be too large to be sent, whatever its names, sketches and cells."""
    body = encode_body([biggest()])
    assert len(body) <= BATCH_BYTES_MAX
    assert len(biggest().measures["0" * 96].digest) <= SKETCH_BYTES_MAX
    batch = BatchMessage(epoch=1, seq=1, sha256=bytes(32), previous=bytes(32), body=body, history=NO_BATCH)
    assert len(encode(batch)) + 1024 <= SYNC_PACKET_BYTES_MAX
    assert decode_body(body) == [biggest()]


@given(windows(), windows())
def test_merging_adds_up(first: Window, second: Window) -> None:
    """A merged window holds the sums of both, and its sketch stands for the values of both."""
    both = merge(first, second, START, 3600)
    assert both.events == first.events + second.events
    for name in {**first.counters, **second.counters}:
        assert both.counters[name] == first.counters.get(name, 0) + second.counters.get(name, 0)
    assert sum(cell.count for cell in both.cells) == sum(c.count for w in (first, second) for c in w.cells)
    for name, measure in both.measures.items():
        parts = [w.measures[name] for w in (first, second) if name in w.measures]
        assert (measure.count, measure.total) == (sum(p.count for p in parts), sum(p.total for p in parts))
        assert sketch_fault(measure) is None
    assert decode_body(encode_body([both])) == [both]


def test_dividing_keeps_every_cell_once() -> None:
    """A window with too many cells becomes pieces that fit, with everything else in the first."""
    cells = [Cell(CELL - i, "x", START, START, 1) for i in range(2 * CELLS_PER_WINDOW_MAX + 1)]
    whole = Window("dispatch", START, 60, 7, {"x": 7}, {}, cells)
    pieces: list[Window] = []
    rest: Window | None = whole
    while rest is not None:
        piece, rest = split(rest)
        pieces.append(piece)
    assert [len(piece.cells) for piece in pieces] == [CELLS_PER_WINDOW_MAX, CELLS_PER_WINDOW_MAX, 1]
    assert [cell for piece in pieces for cell in piece.cells] == cells
    assert [piece.events for piece in pieces] == [7, 0, 0]


@given(windows())
def test_withholding_turns_places_into_totals(window: Window) -> None:
    """Without its cells a window has their counts as `withheld.<name>` and nothing else changed."""
    bare = withhold_cells(window)
    assert bare.cells == []
    assert sum(n for name, n in bare.counters.items() if name.startswith("withheld.")) == sum(
        cell.count for cell in window.cells
    )
    assert {n: c for n, c in bare.counters.items() if not n.startswith("withheld.")} == window.counters


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=2000), st.integers(1, 500))
def test_sketches_are_the_same_bytes_however_often_the_node_restarts(values: list[int], every: int) -> None:
    """A sketch is a function of the values and of where they were folded, so a replay comes to the same bytes."""
    first = second = b""
    for begin in range(0, len(values), every):
        first = fold(first, values[begin : begin + every])
        second = fold(bytes(bytearray(second)), list(values[begin : begin + every]))
    assert first == second
    assert sketch_fault(Measure(len(values), sum(values), first)) is None


def test_quantiles_of_combined_sketches_are_those_of_all_values() -> None:
    """The p50, p90 and p99 of many sketches together are close to the real ones."""
    values = [(i * 7919) % 100_003 for i in range(50_000)]
    together = combine([fold(b"", values[i : i + 1000]) for i in range(0, len(values), 1000)])
    ordered = sorted(values)
    for found, rank in zip(quantiles(together, (0.5, 0.9, 0.99)), (0.5, 0.9, 0.99), strict=True):
        assert abs(found - ordered[int(rank * len(values))]) < 0.01 * 100_003


def forged(**change: object) -> bytes:
    """The sketch of 1, 2, ..., 1000 with something else in its bytes: (place, form, value)."""
    digest = bytearray(fold(b"", range(1, 1001)))
    for form, at, value in change.values():  # type: ignore[attr-defined]
        pack_into(form, digest, at, value)
    return bytes(digest)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (Measure(1000, 500_500, forged(infinite=("<d", 24, inf))), "finite"),
        (Measure(1000, 500_500, forged(mean=("<d", 32 + 5 * 16, nan))), "finite"),
        (Measure(1000, 500_500, forged(unordered=("<d", 32 + 5 * 16, 999.0))), "order"),
        (Measure(1000, 500_500, forged(heavy=("<Q", 40 + 5 * 16, 2**63))), "1000 values"),
        (Measure(1000, 500_500, forged(weightless=("<Q", 40, 0))), "1000 values"),
        (Measure(999, 500_500, forged()), "999 values"),
        (Measure(1000, 999, forged()), "sum 999"),
        (Measure(1000, 1_000_001, forged()), "sum 1000001"),
        (Measure(1000, 500_500, forged(k=("<H", 3, 200))), "k = 100"),
        (Measure(1000, 500_500, forged(buffered=("<I", 12, 1)) + bytes(8)), "t-digest"),
        (Measure(1000, 500_500, forged() + b"more"), "k = 100"),
        (Measure(1, 5, fold(b"", [4])), "sum 5"),
        (Measure(1, 5, fold(b"", [5])[:8] + pack("<d", inf)), "finite"),
        (Measure(0, 1, combine([])), "sum 1"),
        (Measure(1, 0, combine([])), "1 values"),
        (Measure(1, 0, b"no sketch"), "not a t-digest"),
    ],
)
def test_a_sketch_that_nobody_makes_is_known(measure: Measure, words: str) -> None:
    """What is not finite, not in order, or of another count or sum than the measure has is no sketch of it."""
    assert words in (sketch_fault(measure) or "")


def test_hello_and_batch_need_a_history() -> None:
    """Without one the two sides cannot be compared: the message is refused."""
    batch = {"epoch": 1, "seq": 1, "sha256": NO_BATCH, "previous": NO_BATCH, "body": b""}
    with pytest.raises(msgspec.ValidationError, match="history"):
        decode_batch(encode(batch))
    hello = {"node": "n1", "instance": "i1", "boot": "b1", "epoch": 1, "through": 0, "head": NO_BATCH}
    hello |= {"in_flight": [], "acked_events": 0}
    for history in ({}, {"history": []}, {"history": [b""]}):
        with pytest.raises(msgspec.ValidationError, match="history"):
            decode_hello(encode(hello | history))
    assert decode_hello(encode(hello | {"history": [NO_BATCH]})).before(1) == NO_BATCH


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(body: bytes) -> None:
    """Whatever arrives as a body is windows or one of the documented errors."""
    with contextlib.suppress(ValueError, msgspec.DecodeError):
        decode_body(body)


@pytest.mark.parametrize(
    "change",
    [
        {"events": -1},
        {"start": -1},
        {"width_s": 0},
        {"scenario": "Dispatch!"},
        {"counters": {"Alice Smith": 1}},
        {"counters": {"x": 2**41}},
        {"counters": {f"c{i}": 1 for i in range(COUNTERS_MAX + 1)}},
        {"measures": {"m": Measure(3, 3, fold(b"", [1, 2]))}},
        {"measures": {"m": Measure(2, 3, b"no sketch")}},
        {"measures": {"m": Measure(2, 9, fold(b"", [1, 2]))}},
        {"cells": [Cell(CELL, "x", START, START, 1)] * (CELLS_PER_WINDOW_MAX + 1)},
    ],
)
def test_a_window_that_breaks_the_schema_is_refused(change: dict[str, object]) -> None:
    """Every field of a window has its bounds, and the names are not free text."""
    window = msgspec.structs.replace(Window("dispatch", START, 60, 1, {}, {}, []), **change)
    with pytest.raises((ValueError, msgspec.DecodeError)):
        decode_body(encode_body([window]))


def test_messages_of_the_uplink_survive_their_encoding() -> None:
    """Hello, welcome, batch and acknowledgement come out as they went in, and ignore fields of the future."""
    hello = Hello(
        node="n1",
        instance="i1",
        boot="b1",
        epoch=3,
        through=4,
        head=bytes(32),
        in_flight=[bytes(32)],
        acked_events=9,
        history=[NO_BATCH],
    )
    welcome = SyncWelcome(epoch=3, through=5, old_through=1, discard_before=START, reason="again")
    batch = BatchMessage(epoch=3, seq=5, sha256=bytes(32), previous=bytes(32), body=b"x", history=NO_BATCH)
    ack = SyncAck(epoch=3, through=5, refused="gap", expected=6, detail="Why.")
    for item, decode in (
        (hello, decode_hello),
        (welcome, decode_welcome),
        (batch, decode_batch),
        (ack, decode_ack),
    ):
        assert decode(encode(item)) == item
        assert decode(encode(msgspec.to_builtins(item, builtin_types=(bytes,)) | {"future": 1})) == item


def test_a_node_reads_what_it_has_made() -> None:
    """The figures of every window, be they such that a centre refuses them: a batch never changes."""
    good = Window("dispatch", START, 60, 5, {"x": 5}, {"ms": Measure(2, 30, fold(b"", [10, 20]))}, [])
    bad = msgspec.structs.replace(good, counters={"Not a name": 1}, width_s=0)
    assert read_body(encode_body([good, bad])) == [good, bad]


@pytest.mark.parametrize("turned", [False, True])
def test_a_merged_cell_spans_both(turned: bool) -> None:
    """From the first visit of either to the last of either."""
    both = [Window("dispatch", at, 60, 0, {}, {}, [Cell(1, "x", at, at + 60_000, 5)]) for at in (0, 60_000)]
    first, second = both[::-1] if turned else both
    found = merge(first, second, 0, 600)
    assert found.cells == [Cell(1, "x", 0, 120_000, 10)]


def test_a_cell_of_enough_people_stays() -> None:
    """One with exactly as many as it needs is not withheld, one with fewer is."""
    cells = [Cell(at, "order", 0, 60_000, count) for at, count in ((1, 5), (2, 4))]
    window = Window("dispatch", 0, 60, 0, {}, {}, cells)
    found = withhold_cells(window, 5)
    assert [cell.count for cell in found.cells] == [5]
    assert found.counters == {"withheld.order": 4}
