"""The inner pieces, each alone: in the tests once, to see that what is timed is right; timed by `make pieces`.

They take the messages and the journals of the other tests, so what is timed is what is tested.
"""

import asyncio
import math
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.core.aggregate import Windows
from edge.core.decode import Catalog
from edge.core.effects import Measured
from edge.core.model import Answer, Commit, Event, Now, Observed, SyncWelcomed
from edge.core.node import Node
from edge.core.outbox import Outbox
from edge.journal.journal import Journal
from edge.messages.batches import Measure, Window, decode_body, fold
from edge.messages.envelope import Place
from edge.messages.sync.shops import ShopDays
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.planner.routes import Plan, Route
from edge.scenarios.dispatch.planner.search import exchange
from edge.scenarios.dispatch.planner.trips import Jobs, ServiceTimes, Weights
from tests.edge import journals
from tests.edge.district import T0, configured, event, now, shift
from tests.edge.journals import Writing, row
from tests.messages import BAD, GOOD, pack, text

CATALOG = Catalog([Dispatch])
RIDERS = 300
ROUNDS = 40
"""Of pieces that need a fresh state for each round."""

ELSEWHERE = [(kind, {**fields, "crs": "gcj02"}) for kind, fields in (GOOD[0], GOOD[-1])]
"""In the coordinate system that is not the node's: an order, and the largest message of positions."""

DECODED = {f"{number}-{kind}": (kind, fields) for number, (kind, fields) in enumerate([*GOOD, *ELSEWHERE])}


@pytest.mark.parametrize("dump", [pack, text], ids=["msgpack", "json"])
@pytest.mark.parametrize(("kind", "fields"), DECODED.values(), ids=DECODED)
def test_decode(benchmark: Any, kind: str, fields: dict[str, Any], dump: Callable[[dict[str, Any]], bytes]) -> None:
    """Every good message of the tests, and two in the other coordinate system, in either encoding."""
    made = benchmark(CATALOG.decode, "client-1", kind, dump(fields), "wgs84")
    assert isinstance(made, Event | Observed)


def test_decode_refuses(benchmark: Any) -> None:
    """Every bad message of the tests, one after the other: none may cost much more than a good one."""
    made = benchmark(lambda: [CATALOG.decode("client-1", kind, payload, "wgs84") for _, kind, payload, _, _ in BAD])
    assert [one.reason for one in made] == [reason for _, _, _, reason, _ in BAD]


def _with_riders() -> Node:
    node = Node([Dispatch])
    node.handle([configured()], now(0))
    for number in range(RIDERS):
        node.handle(shift(f"r-{number}", lat=31.2 + number * 1e-3, lon=121.4), now(1))
    return node


def _order(number: int) -> Event:
    """At a shop of its own, beside a rider."""
    pickup, dropoff = Place(31.2 + number * 1e-3, 121.401), Place(31.2 + number * 1e-3, 121.42)
    fields = {"order": f"o-{number}", "shop": f"s-{number}", "pickup": pickup, "dropoff": dropoff, "prep_s": 0}
    return event(f"c-{number}", "order.place", f"place-{number}", 2, **fields)


@pytest.mark.parametrize("size", [1, 32, 256])
def test_handle(benchmark: Any, size: int) -> None:
    """A round of so many orders, each of which finds its rider: from the batch to the row and its effects."""
    batch = [_order(number) for number in range(size)]
    setup = lambda: ((_with_riders(),), {})
    effects = benchmark.pedantic(lambda node: node.handle(batch, now(2)), setup=setup, rounds=ROUNDS)
    assert isinstance(effects[0], Commit)
    assert sum(isinstance(one, Answer) and one.kind == "receipt" for one in effects) == size
    assert sum(isinstance(one, Answer) and one.kind == "assignment" for one in effects) == size


def _crossed(orders: int) -> Plan:
    """So many orders, each planned for a courier who stands beside the shop of another."""
    jobs = Jobs(Weights(), ServiceTimes(2.0, 2.0, 2.0, 2.0), lambda one, other: float(abs(one - other)))
    plan = Plan(jobs, orders, np.zeros((2 * orders, orders)))
    for number in range(2 * orders):
        plan.place(number, np.abs(np.arange(orders, dtype=np.float64) - number % orders))
    for number in range(orders):
        plan.routes.append(Route(number, number, 0.0, 10_000.0))
        jobs.add(0.0, 0.0, number, 10.0, math.inf)
    plan.open = plan.routes
    for number, route in enumerate(plan.routes):
        plan.set(route, [jobs.alone(orders - 1 - number)])
    return plan


@pytest.mark.parametrize("orders", [2, 8, 32, 128])
def test_match(benchmark: Any, orders: int) -> None:
    """So many orders with the wrong riders: one matching gives each the rider at its shop."""
    plan = _crossed(orders)
    crossed = [list(route.trips) for route in plan.routes]

    def setup() -> None:
        for route, trips in zip(plan.routes, crossed, strict=True):
            plan.set(route, list(trips))

    assert benchmark.pedantic(lambda: exchange(plan, 0), setup=setup, rounds=ROUNDS) == orders - orders % 2
    assert [route.trips[0].shop for route in plan.routes] == list(range(orders))


def _full_minute() -> Windows:
    windows = Windows(5, 8)
    for number in range(1_000):
        at_ms = T0 + number * 50
        instant = Now(number * 0.05, at_ms)
        windows.count("dispatch", instant, f"accepted.{number % 7}", at_ms, events=1)
        value = ("decide_ms", at_ms, number % 97)
        place = ("order", at_ms, 31.2 + number % 40 * 0.01, 121.4, f"p-{number % 60}")
        windows.add("dispatch", instant, Measured(values=[value], places=[place]), ShopDays())
    return windows


def test_seal_a_window(benchmark: Any) -> None:
    """A minute with a thousand events, sketches and cells."""
    setup = lambda: ((_full_minute(),), {})
    sealed = benchmark.pedantic(lambda windows: windows.seal(Now(200.0, T0 + 200_000)), setup=setup, rounds=ROUNDS)
    assert sum(window.events for window in sealed) == 1_000


def _enrolled() -> Outbox:
    outbox = Outbox("n1")
    outbox.welcome(SyncWelcomed(1, 0))
    digest = fold(b"", list(range(200)))
    minutes = [
        Window(
            "dispatch",
            T0 // 60_000 * 60_000 + minute * 60_000,
            60,
            200,
            {"x": 200},
            {"ms": Measure(200, 1, digest)},
            [],
        )
        for minute in range(60)
    ]
    outbox.add(minutes)
    return outbox


def test_encode_a_batch(benchmark: Any) -> None:
    """An hour's windows become a numbered batch with its hash."""
    setup = lambda: ((_enrolled(),), {})
    batches = benchmark.pedantic(lambda outbox: outbox.cut(now(0)), setup=setup, rounds=ROUNDS)
    assert sum(window.events for batch in batches for window in decode_body(batch.body)) == 60 * 200


@pytest.mark.parametrize("rows", [1, 32, 256])
def test_journal_commit(benchmark: Any, tmp_path: Path, rows: int) -> None:
    """So many rows from their hand-over until they are notified to be on disk."""
    loop = asyncio.new_event_loop()
    journal = Journal.open(tmp_path / "journal.sqlite3")

    async def started() -> Writing:
        return Writing(journal)

    writing = loop.run_until_complete(started())
    numbers = count(1)

    def commit() -> None:
        last = 0
        for _ in range(rows):
            last = next(numbers)
            journal.submit(journals.commit(row(last)))
        loop.run_until_complete(writing.until(lambda: journal.last >= last))

    try:
        benchmark(commit)
        assert journal.last == next(numbers) - 1
        assert not writing.failures
    finally:
        journal.close()
        loop.close()
