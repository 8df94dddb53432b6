"""A window survives its row."""

from hypothesis import given
from hypothesis import strategies as st

from central.store.rows import SUM_MAX, Codec, Sum, window_rows
from edge.messages.batches import Cell, Measure, Window, fold
from tests.central.stores import CELL, START

CODEC = Codec()


@given(st.dictionaries(st.text("abc.", min_size=1), st.integers(0, 2**40)), st.lists(st.integers(0, 9**9)))
def test_a_window_survives_its_row(counters: dict[str, int], values: list[int]) -> None:
    """Counters, measures and cells come back as they were."""
    measures = {"ms": Measure(len(values), sum(values), fold(b"", values))}
    cells = [Cell(CELL, "x", START, START + 60_000, 5)]
    window = Window("dispatch", START, 60, 3, counters, measures, cells)
    ((node, number, at, start, width_s, scenario, events, *columns),) = window_rows(CODEC, 7, 9, START + 1, [window])
    assert (node, number, at, start, width_s, scenario, events) == (7, 9, START + 1, START, 60, "dispatch", 3)
    total = Sum()
    total.add_parts(CODEC.unpack(*columns))
    assert total.counters == counters
    assert total.merged() == {"ms": (len(values), sum(values), measures["ms"].digest)}
    assert total.cells == {(CELL, "x"): (START, START + 60_000, 5)}
    assert CODEC.unpack(*CODEC.sums(total)) == CODEC.unpack(*columns)


def test_a_window_without_sketches_and_cells_takes_no_room_for_them() -> None:
    """Most windows of a small node have none."""
    ((*_, counters, measures, cells),) = window_rows(CODEC, 1, 1, START, [Window("d", START, 60, 1, {"a": 1}, {}, [])])
    assert (counters, measures, cells) == (b"\x81\xa1a\x01", b"", b"")


def test_a_stored_sum_is_never_beyond_what_an_engine_holds() -> None:
    """However many nodes lie."""
    total = Sum()
    for _ in range(3):
        total.add_parts(({"x": SUM_MAX}, {"ms": (1, SUM_MAX, fold(b"", [1]))}, [(CELL, "x", 0, 1, SUM_MAX)]))
    counters, measures, cells = CODEC.unpack(*CODEC.sums(total))
    assert counters == {"x": SUM_MAX}
    assert measures["ms"][:2] == (3, SUM_MAX)
    assert cells == [(CELL, "x", 0, 1, SUM_MAX)]
