"""A node's statements: every acknowledged window once, by day, closed for ever, bounded."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.batches import NO_BATCH, Measure, Window, fold
from edge.messages.sync.shops import ShopCounts, ShopTable
from edge.messages.sync.statement import (
    CLOSED_MAX,
    DAY_MS,
    DAYS_OPEN_MAX,
    WINDOWS_MAX,
    Day,
    Entry,
    Statements,
    decode_statement,
    digest_of,
    encode,
    entries,
)

DAY = 20_454


def window(day: int, minute: int, count: int = 1) -> Window:
    """Of a minute of a day."""
    start = day * DAY_MS + minute * 60_000
    return Window("dispatch", start, 60, count, {"x": count}, {"ms": Measure(1, 5, fold(b"", [5]))}, [])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1439), st.integers(1, 9)), max_size=40), st.data())
def test_every_window_is_stated_once(sent: list[tuple[int, int, int]], data: st.DataObject) -> None:
    """However days are closed in between: the statements of a day add up to its windows; they survive the wire and a
    restart."""
    statements = Statements()
    closed = []
    for day, minute, count in sent:
        statements.add([window(DAY + day, minute, count)])
        if data.draw(st.booleans()):
            statements = decode(encode(statements))
            statements.close("n1", (DAY + data.draw(st.integers(0, 4))) * DAY_MS, 1, 1, NO_BATCH)
            closed += statements.closed
            statements.stored(statements.number)
    statements.close("n1", (DAY + 9) * DAY_MS, 1, 1, NO_BATCH)
    closed += statements.closed
    assert [each.number for each in closed] == list(range(1, len(closed) + 1))
    assert not statements.days
    stated = sorted(entry for each in closed for entry in entries(decode_statement(encode(each))))
    whole = [window(DAY + day, minute, count) for day, minute, count in sent]
    assert stated == sorted(Entry(each.scenario, each.start, each.width_s, digest_of(each)) for each in whole)
    assert sum(each.counters["dispatch"]["x"] for each in closed) == sum(each.events for each in whole)


def decode(body: bytes) -> Statements:
    """As a snapshot keeps it."""
    return msgspec.msgpack.decode(body, type=Statements)


def test_what_nobody_takes_is_bounded() -> None:
    """Days that cannot be closed, and statements that cannot be sent: the oldest days go, and no more is closed."""
    statements = Statements()
    for day in range(DAYS_OPEN_MAX + 3):
        statements.add([window(DAY + day, 0)])
    assert sorted(statements.days) == [DAY + day for day in range(3, DAYS_OPEN_MAX + 3)]
    for day in range(3 * CLOSED_MAX):
        statements.add([window(DAY + day, 0)])
        statements.close("n1", (DAY + 100) * DAY_MS, 1, 1, NO_BATCH)
    assert len(statements.closed) == CLOSED_MAX
    assert not statements.is_over((DAY + 100) * DAY_MS)
    statements.stored(1)
    assert statements.is_over((DAY + 100) * DAY_MS)


def test_a_day_has_room_for_so_many_windows() -> None:
    """Beyond it they are in the sums, with the number of those not listed."""
    day = Day(DAY)
    one = window(DAY, 0)
    for _ in range(WINDOWS_MAX + 2):
        day.add(one)
    assert (day.unlisted, day.counters["dispatch"]["x"]) == (2, WINDOWS_MAX + 2)


def test_only_people_may_change_the_centre_s_copy() -> None:
    """Counters of what is withheld are no part of a window's digest; all other figures are."""
    plain = window(DAY, 0)
    change = msgspec.structs.replace
    assert digest_of(change(plain, counters={"x": 1, "withheld.x": 4})) == digest_of(plain)
    others = [
        change(plain, counters={"x": 2}),
        change(plain, events=2),
        change(plain, start=plain.start + 60_000),
        change(plain, measures={"ms": Measure(1, 6, fold(b"", [6]))}),
    ]
    assert len({digest_of(each) for each in [plain, *others]}) == 5


def test_a_day_that_is_over_is_closed_though_another_goes_on() -> None:
    """Windows of today do not keep those of yesterday."""
    statements = Statements()
    statements.add([window(DAY, 5)])
    assert not statements.is_over(DAY * DAY_MS + 1)
    statements.add([window(DAY + 1, 5)])
    assert statements.is_over((DAY + 1) * DAY_MS + 1)


def test_a_day_is_stated_with_its_shops() -> None:
    """Once; what comes later is in another statement of the same day, also where no window is."""
    statements = Statements()
    statements.configure_shops(1)
    statements.add([window(DAY, 5)])
    midnight = (DAY + 1) * DAY_MS
    for since in (7, 8):
        statements.shops.add(DAY, "dispatch", "noodles", "order.placed", since, "a", since)
        statements = decode(encode(statements))
        assert not statements.is_over(midnight - 1)
        assert statements.is_over(midnight)
        statements.close("n1", midnight, 1, 1, NO_BATCH)
    stated = [decode_statement(encode(each)) for each in statements.closed]
    assert [(each.day, each.shops_since, len(list(entries(each)))) for each in stated] == [(DAY, 7, 1), (DAY, 8, 0)]
    for each in stated:
        counts = [ShopCounts("noodles", 1, [each.shops_since])]
        assert each.shops == [ShopTable("dispatch", ["order.placed"], counts)]
    assert not statements.is_over(midnight + 2 * DAY_MS)


def test_figures_of_shops_that_wait_can_be_taken_back() -> None:
    """Those of one shop that is forgotten; all, where they are not to leave any more."""
    statements = Statements()
    statements.configure_shops(1)
    for shop in ("noodles", "tea"):
        statements.shops.add(DAY, "dispatch", shop, "order.placed", 3, "a", 7)
        statements.shops.add(DAY + 9, "dispatch", shop, "order.placed", 3, "a", 7)
    statements.close("n1", (DAY + 2) * DAY_MS, 1, 1, NO_BATCH)
    statements.forget("tea")
    assert b"tea" not in encode(statements)
    assert b"noodles" in encode(statements)
    statements.configure_shops(0)
    assert b"noodles" not in encode(statements)
    assert [each.shops for each in statements.closed] == [[]]
