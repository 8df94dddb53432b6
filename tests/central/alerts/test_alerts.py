"""Of central.alerts.alerts: a centre looks at its fleet and sends a real receiver, once; on both engines."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bench.lab.process import Process
from bench.lab.settings import free_port
from central.alerts import alerts as module
from central.alerts.alerts import Alerts
from central.config import load
from central.fleet.health import NodeHealth
from tests.central.alerts.receiver import Receiver
from tests.central.stores import Place, ask, hello
from tests.edge.uplinks import Uplinked
from tests.waiting import until

WELL = NodeHealth(node="n1", state="current", sentence="Everything of it is here.", is_green=True)
STALLED = NodeHealth(node="n1", state="stalled", sentence="It is connected.", is_green=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at every tenth of a second."""
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    monkeypatch.setattr(module, "REST_S", 0.1)


class World:
    """A fleet as the test wants it, a store, and one collector or two."""

    def __init__(self, place: Place, folder: Path, table: str) -> None:
        self.place, self.path = place, folder / "central.toml"
        self.path.write_text(table)
        self.fleet = [WELL]
        store = place.store()
        ask(store, hello("n1"))
        store.close()

    def look(self) -> list[NodeHealth]:
        return self.fleet

    @asynccontextmanager
    async def collector(self, holder: str = "a") -> AsyncIterator[Alerts]:
        """One that runs until the block ends."""
        config, where = load(self.path), self.place.where
        made = await Alerts.open(str(self.path), config, where, self.place.password, self.look, _now_ms, holder)
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await made.close()


def notified(receiver: Receiver) -> list[tuple[str, str]]:
    """What was notified, in sequence, each message once."""
    found = {got.id: got.data for got in receiver.got}
    return [(kind, each["alarm"]) for data in found.values() for kind in ("began", "ended") for each in data[kind]]


async def test_an_alarm_is_sent_when_it_begins_and_when_it_ends(place: Place, tmp_path: Path) -> None:
    """Also by the collector that takes over, which knows what the first one has notified."""
    with Receiver().listening() as receiver:
        world = World(place, tmp_path, receiver.table(tmp_path))
        world.fleet = [STALLED]
        async with world.collector("a") as first, world.collector("b") as second:
            await until(lambda: receiver.got)
            await until(lambda: first.gauges()["alerts_active"] + second.gauges()["alerts_active"] == 1)
        world.fleet = [WELL]
        async with world.collector("c") as third:
            await until(lambda: notified(receiver) == [("began", "stalled"), ("ended", "stalled")])
            await until(lambda: third.gauges()["alerts_delivered"] == 2)
            assert third.gauges()["alerts_dead"] == third.gauges()["alerts_waiting"] == 0


async def test_a_receiver_that_is_away_gets_it_later(tmp_path: Path) -> None:
    """Others are notified meanwhile; what is under way keeps its id."""
    with Receiver().listening() as ops, Receiver().listening() as team:
        team.answer = lambda number: (503, b"") if number < 2 else (204, b"")
        world = World(Place(tmp_path), tmp_path, ops.table(tmp_path) + team.table(tmp_path, name="team"))
        world.fleet = [STALLED]
        async with world.collector() as collector:
            await until(lambda: len(team.got) == 3)
            await until(lambda: collector.gauges()["alerts_delivered"] == 2)
            assert collector.gauges()["alerts_failed"] == 2
        assert len({got.id for got in team.got}) == len(ops.got) == 1


async def test_a_store_that_is_away_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a mistake of ours: both are logged, and the next look is made."""
    with Receiver().listening() as receiver:
        world = World(Place(tmp_path), tmp_path, receiver.table(tmp_path))
        failures = iter([module.DoorstepError("gone"), KeyError("ours")])

        def fleet() -> list[NodeHealth]:
            if (failure := next(failures, None)) is not None:
                raise failure
            return [STALLED]

        monkeypatch.setattr(world, "look", fleet)
        async with world.collector():
            await until(lambda: receiver.got)


async def test_secrets_are_read_again(tmp_path: Path) -> None:
    """What is signed from now on is signed with the new one; one that is none leaves the old one."""
    with Receiver().listening() as receiver:
        table = receiver.table(tmp_path, secret="a" * 32, template="wecom", per_minute=20)
        world = World(Place(tmp_path), tmp_path, table)
        async with world.collector() as collector:
            (tmp_path / "ops.secret").write_text("?")
            with pytest.raises(module.DoorstepError, match="ops: secret_file"):
                collector.read()
            (tmp_path / "ops.secret").write_text("b" * 32)
            collector.read()
            world.fleet = [STALLED]
            await until(lambda: receiver.got)
        assert receiver.got[0].query == {"key": "b" * 32}


async def test_a_killed_centre_sends_nothing_twice(tmp_path: Path) -> None:
    """The whole process, at 200 times its speed: a node falls behind, the centre is killed, the node is back."""
    with Receiver().listening() as receiver:
        began_ms = int(time.time() * 1000)
        clock = f"clock_speed = 200\nclock_wall_anchor_ms = {began_ms}\nclock_real_anchor_ms = {began_ms}\n"
        addresses = "".join(f'{name} = "127.0.0.1:{free_port()}"\n' for name in ("listen", "api_listen"))
        config = tmp_path / "central.toml"
        table = receiver.table(tmp_path, alarms=["behind"])
        config.write_text(f"anonymous = true\n{clock}{addresses}{table}")
        command = [sys.executable, "-m", "edge", "central", "--config", f"{config}"]
        centre = Process("central", command, tmp_path, "is ready")
        try:
            await asyncio.to_thread(centre.start)
            port = int(addresses.split('"')[1].rpartition(":")[2])
            node = Uplinked(f"mqtt://127.0.0.1:{port}")
            task = asyncio.create_task(node.sync.run())
            await until(lambda: node.posted)
            await node.sync.close()
            await task
            await until(lambda: notified(receiver) == [("began", "behind")])
            centre.kill()
            await asyncio.to_thread(centre.start)
            await until(lambda: "alerts_active" in _gauges(addresses) and _gauges(addresses)["alerts_active"] == 1)
            assert notified(receiver) == [("began", "behind")]
        finally:
            centre.kill()


def _gauges(addresses: str) -> dict[str, int]:
    port = addresses.splitlines()[1].rpartition(":")[2].strip('"')
    return httpx.get(f"http://127.0.0.1:{port}/api/nodes", timeout=30).json()["listener"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
