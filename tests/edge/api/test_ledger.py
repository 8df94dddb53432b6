"""A shop's ledger over HTTP: compared with the journal, by those who may."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from edge.api import ledger
from edge.api.ledger import LedgerDoor
from edge.api.routes import Routes
from edge.ledger.kept import read_counts
from edge.messages.grants import Grant
from edge.scenarios.dispatch import Dispatch
from tests.edge.api.doors import World
from tests.edge.district import T0
from tests.edge.sold import DATE, sell

LEDGER: list[dict[str, Any]] = [
    {"order": "o-1", "at": T0 + 10_000, "amount_cents": 100},
    {"order": "o-2", "at": T0 + 20_000},
    {"order": "o-3", "at": T0 + 30_000, "amount_cents": 300},
    {"order": "o-5", "at": T0 + 50_000, "amount_cents": 500},
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A node with a day of shop-1, whose till has the token of till-1."""
    sell(tmp_path)
    made = World()
    made.tokens["till-1"] = ("secret-1", Grant(("shop",), "shop-1"))
    made.tokens["gate-1"] = ("secret-g", Grant(("dispatcher",)))
    door = LedgerDoor(tmp_path, lambda: T0)
    made.routes = Routes([Dispatch], made, made.endpoint, made.events, made.lookups, made.counts, door)
    return made


async def test_a_shop_compares_its_own_ledger(world: World, tmp_path: Path) -> None:
    """A good one has no difference; one with three planted ones has these, and their counts are kept once."""
    async with world.client("till-1") as client:
        good = await client.post("/v1/ledger", json={"orders": LEDGER})
        assert good.status_code == 200
        assert good.json()["differences"] == []
        bad = [{**LEDGER[0], "amount_cents": 99}, LEDGER[1], {**LEDGER[2], "order": "o-9"}, LEDGER[3]]
        for _ in range(2):
            found = (await client.post("/v1/ledger", json={"orders": bad, "shop": "shop-1"})).json()
    assert [(each["kind"], each["order"], each.get("line")) for each in found["differences"]] == [
        ("other_amount", "o-1", 1),
        ("missing_here", "o-9", 3),
        ("missing_there", "o-3", None),
    ]
    (day,) = read_counts(tmp_path)
    assert (day.date, day.here, day.there, day.missing_here, day.missing_there) == (DATE, 5, 4, 1, 1)


@pytest.mark.parametrize(
    ("client", "body", "status", "word"),
    [
        ("phone-7", {"orders": LEDGER}, 403, "it needs the role"),
        ("till-1", {"orders": LEDGER, "shop": "shop-2"}, 403, "a shop compares its own ledgers"),
        ("gate-1", {"orders": LEDGER, "utc_offset_min": 900}, 400, "840"),
        ("gate-1", {"orders": []}, 400, ""),
        ("gate-1", {"orders": [{"order": "o 1"}]}, 400, "a name is expected"),
    ],
)
async def test_others_are_refused(world: World, client: str, body: dict[str, Any], status: int, word: str) -> None:
    """Who may not, and what cannot be used, with the field."""
    async with world.client(client) as sender:
        answer = await sender.post("/v1/ledger", json=body)
    assert answer.status_code == status
    assert word in answer.json()["detail"]


async def test_a_dispatcher_names_the_shop_or_leaves_it_out(world: World) -> None:
    """Where the journal has one shop only, it is that one."""
    async with world.client("gate-1") as client:
        for body in ({"orders": LEDGER}, {"orders": LEDGER, "shop": "shop-1", "utc_offset_min": 480}):
            assert (await client.post("/v1/ledger", json=body)).json()["differences"] == []


async def test_a_ledger_has_its_bounds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bytes, of its form, and one at a time."""
    started, going_on = asyncio.Event(), asyncio.Event()
    real = asyncio.to_thread

    async def slow(*work: Any) -> Any:
        started.set()
        await going_on.wait()
        return await real(*work)

    monkeypatch.setattr(asyncio, "to_thread", slow)
    async with world.client("till-1") as client:
        first = asyncio.create_task(client.post("/v1/ledger", json={"orders": LEDGER}))
        await started.wait()
        assert (await client.post("/v1/ledger", json={"orders": LEDGER})).status_code == 429
        going_on.set()
        assert (await first).status_code == 200
        assert (await client.post("/v1/ledger", content=b"order\no-1\n")).status_code == 415
        monkeypatch.setattr(ledger, "BODY_BYTES_MAX", 10)
        assert (await client.post("/v1/ledger", json={"orders": LEDGER})).status_code == 413


async def test_without_orders_there_is_no_such_path() -> None:
    """A node that only has labels."""
    world = World()
    async with world.client("till-1") as client:
        assert (await client.post("/v1/ledger", json={"orders": LEDGER})).status_code == 404
