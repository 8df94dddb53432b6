"""Tests of edge.api.lookups: nothing is shown that is not on disk, and a wait ends when it should."""

import asyncio
from typing import Any

import pytest

from edge.api import lookups
from edge.api.access import Caller
from edge.api.lookups import WAITS_PER_CLIENT_MAX, Lookups, NotOnDisk
from edge.core.model import Configure, Event, Now, Rules
from edge.core.node import Node
from edge.messages.envelope import Place
from edge.messages.grants import Grant
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.up import OrderCancel, OrderPlace
from tests.edge.api.doors import AT, World
from tests.waiting import until

SHOP, HOME = Place(31.23, 121.47), Place(31.22, 121.48)


class Town:
    """A real core behind the lookups: its rounds are on disk when the test wants it."""

    def __init__(self) -> None:
        self.world = World()
        self.second = 1.0
        self.world.node = Node([Dispatch])
        self.handle(Configure(Rules(node="n-1")))
        self.place("o-17")
        self.commit()
        self.lookups = Lookups(self.world, self.now)  # type: ignore[arg-type]
        self.caller = Caller("phone-7", "", Grant(("customer",)), self.world.endpoint.visitor("phone-7"))

    def now(self) -> Now:
        return Now(self.second, AT + int(self.second * 1000))

    def handle(self, item) -> None:
        self.second += 0.1
        self.world.node.handle([item], self.now())

    def place(self, order: str) -> None:
        body = OrderPlace(id=order, at=AT, order=order, shop="noodle-bar", pickup=SHOP, dropoff=HOME, prep_s=60)
        self.handle(Event("phone-7", body, json=True))

    def cancel(self, order: str) -> None:
        self.handle(Event("phone-7", OrderCancel(id=f"c-{order}", at=AT, order=order), json=True))

    def commit(self) -> None:
        self.world.committed = self.world.node.number

    async def names(self) -> list[str]:
        return [item.id for item in await self.lookups.items("dispatch", "orders", self.caller)]

    async def changed(self, known: str, wait_s: float = 30.0, gone: asyncio.Future[None] | None = None) -> Any:
        gone = gone or asyncio.get_running_loop().create_future()
        return await self.lookups.changed("dispatch", "orders", self.caller, "o-17", [known], wait_s, gone)


async def test_what_is_not_on_disk_is_not_shown() -> None:
    """A look waits for the last round that it may have seen."""
    town = Town()
    assert await town.names() == ["o-17"]
    town.place("o-18")
    look = asyncio.ensure_future(town.names())
    await asyncio.sleep(0.01)
    town.lookups.committed()  # of another row
    await asyncio.sleep(0.01)
    assert not look.done()
    town.commit()
    town.lookups.committed()
    assert await look == ["o-18", "o-17"]


async def test_a_look_at_a_round_that_a_full_disk_took_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while the disk is full, nor when the core was made anew, nor where the disk hangs."""
    monkeypatch.setattr(lookups, "COMMIT_S_MAX", 0.05)
    town = Town()
    town.place("o-18")
    with pytest.raises(NotOnDisk):
        await town.names()
    look = asyncio.ensure_future(town.names())
    await asyncio.sleep(0)
    town.world.node = Node([Dispatch])
    town.world.committed = 10
    town.lookups.committed()
    with pytest.raises(NotOnDisk):
        await look
    town.world.full = True
    with pytest.raises(NotOnDisk):
        await town.names()


async def test_a_wait_ends_with_the_change() -> None:
    """When it is on disk and something was sent because of it; answers to others are no reason."""
    town = Town()
    item = await town.changed("")
    assert item.body.state == "placed"
    wait = asyncio.ensure_future(town.changed(item.version))
    await until(lambda: town.lookups.waits)
    town.lookups.wake(["phone-8"])
    await asyncio.sleep(0.01)
    assert not wait.done()
    town.cancel("o-17")
    town.lookups.wake(["phone-7"])
    await asyncio.sleep(0.01)
    assert not wait.done()
    town.commit()
    town.lookups.committed()
    assert (await wait).body.state == "cancelled"
    assert not town.lookups.waits


async def test_a_wait_ends_with_its_time_its_client_and_the_node() -> None:
    """The item is as it was; nothing is left of the wait."""
    town = Town()
    version = (await town.changed("")).version
    assert (await town.changed(version, 0.02)).version == version
    gone = asyncio.get_running_loop().create_future()
    waits = [asyncio.ensure_future(town.changed(version, 30, gone)), asyncio.ensure_future(town.changed(version, 30))]
    await until(lambda: town.lookups.waits == 2)
    gone.set_result(None)
    await waits[0]
    assert not waits[1].done()
    town.lookups.close()
    assert (await waits[1]).version == version
    assert (town.lookups.waits, town.lookups._watches) == (0, {})


async def test_waits_are_bounded() -> None:
    """For each client; those of others have their places."""
    town = Town()
    version = (await town.changed("")).version
    waits = [asyncio.ensure_future(town.changed(version)) for _ in range(WAITS_PER_CLIENT_MAX)]
    await until(lambda: town.lookups.waits == WAITS_PER_CLIENT_MAX)
    assert not town.lookups.room("phone-7")
    assert town.lookups.room("phone-8")
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    assert town.lookups.room("phone-7")


async def test_what_nobody_may_see_is_not_there() -> None:
    """The same answer as for what does not exist."""
    town = Town()
    gone = asyncio.get_running_loop().create_future()
    other = town.caller._replace(client="phone-8")
    assert await town.lookups.changed("dispatch", "orders", other, "o-17", [], 30, gone) is None
    assert await town.lookups.changed("dispatch", "orders", town.caller, "o-99", [], 30, gone) is None
