"""Tests of edge.api.door: a link of the pipeline with a socket in front."""

import asyncio

import httpx
import pytest

from edge.api import door as module
from edge.api.door import Door
from edge.core.model import Now
from edge.errors import BusyError, ConfigError
from edge.scenarios.dispatch import Dispatch
from tests.edge.api.doors import AT, PLACE, TOKENS, World
from tests.waiting import until

HEADERS = {"authorization": f"Bearer phone-7~{TOKENS['phone-7'][0]}"}


async def opened(world: World) -> tuple[Door, str]:
    door = await Door.open(world, world.endpoint, [Dispatch], lambda: Now(world.now_s, AT))  # type: ignore[arg-type]
    world.events = door._events
    host, port = await door.listen("127.0.0.1:0")
    return door, f"http://{host}:{port}"


async def test_what_is_under_way_is_shown() -> None:
    """In the section `http` of the status: connections, what waits and its bounds, and what was refused by cause."""
    world = World()
    world.decide = None
    door, url = await opened(world)
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=30) as client:
        asked = asyncio.ensure_future(client.post("/v1/events/order.place", json=PLACE))
        await until(lambda: world.publishes)
        section = door.gauges()["http"]
        assert (section["connections"], section["requests"], section["events_waiting"]) == (1, 1, 1)
        assert (await client.get("/nowhere")).status_code == 404
        assert door.gauges()["http"]["refused_path"] == 1
        world.accept(world.publishes[0])
        assert (await asked).status_code == 200
    await door.close()


async def test_a_pause_holds_events_and_an_end_of_it_takes_them_again() -> None:
    """As for every link, where the disk is behind."""
    world = World()
    door, url = await opened(world)
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=30) as client:
        door.pause()
        assert (await client.post("/v1/events/order.place", json=PLACE)).status_code == 503
        door.resume()
        assert (await client.post("/v1/events/order.place", json=PLACE)).status_code == 200
    await door.close()


async def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is closed at once; the others stay."""
    monkeypatch.setattr(module, "CONNECTIONS_MAX", 3)
    door, url = await opened(World())
    host, port = url.removeprefix("http://").split(":")
    held = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
    await until(lambda: door.gauges()["http"]["connections"] == 3)
    reader, writer = await asyncio.open_connection(host, int(port))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    for _, other in [*held, (reader, writer)]:
        other.close()
    await door.close()


async def test_an_address_that_cannot_be_used_is_named() -> None:
    """A port that is taken, and an address of another machine."""
    door, url = await opened(World())
    with pytest.raises(BusyError, match="in use"):
        await door.listen(url.removeprefix("http://"))
    with pytest.raises(ConfigError):
        await door.listen("192.0.2.1:80")
    await door.close()
