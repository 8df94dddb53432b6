"""The proxy does to bytes what is configured, and nothing else. Times on the loop's clock have lower bounds only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bench.lab.proxy import HELD_BYTES_MAX, NetworkConditions, Proxy
from tests.waiting import until

WAIT_S = 10.0


@contextlib.asynccontextmanager
async def playing(**conditions: Any) -> AsyncIterator[tuple[Proxy, "Target"]]:
    """A proxy before a target that keeps what it gets and answers each read with the same bytes."""
    async with (
        asyncio.timeout(WAIT_S),
        Target.running() as target,
        Proxy(("127.0.0.1", target.port), **conditions) as proxy,
    ):
        yield proxy, target


class Target:
    """An echo that keeps what it got of each connection, and how each ended."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[bytes] = []
        self.ends: list[str] = []
        self.echoes = True
        self.reads = asyncio.Event()
        self.reads.set()

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls) -> AsyncIterator["Target"]:
        """Listening until the end of the block."""
        target = cls()
        server = await asyncio.start_server(target._serve, "127.0.0.1", 0)
        target.port = server.sockets[0].getsockname()[1]
        async with server:
            yield target

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.got)
        self.got.append(b"")
        self.ends.append("")
        try:
            while True:
                await self.reads.wait()
                data = await reader.read(4096)
                if not data:
                    break
                self.got[number] += data
                if self.echoes:
                    writer.write(data)
            self.ends[number] = "fin"
        except ConnectionResetError:
            self.ends[number] = "rst"
        finally:
            writer.close()


async def connect(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client of the proxy."""
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_a_fair_wire_passes_every_byte_and_the_end_of_each_direction():
    """Without faults the proxy changes nothing, half-closing included."""
    async with playing() as (proxy, target):
        reader, writer = await connect(proxy)
        sent = bytes(range(256)) * 2000
        writer.write(sent)
        writer.write_eof()
        assert await reader.read(-1) == sent
        assert target.ends == ["fin"]
        writer.close()
        await until(lambda: proxy.open() == 0)
        assert proxy.stats.passed == [len(sent), len(sent)]


async def test_latency_delays_and_does_not_slow_down():
    """Reads under way at once each take the latency, not one after the other (that would be 15 s, beyond WAIT_S)."""
    async with playing(up=NetworkConditions(latency_s=0.2), down=NetworkConditions(latency_s=0.1)) as (proxy, _target):
        reader, writer = await connect(proxy)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number in range(50):
            writer.write(bytes([number]))
            await asyncio.sleep(0.002)
        assert await reader.readexactly(50) == bytes(range(50))
        assert loop.time() - begin >= 0.3
        writer.close()


async def test_a_stall_holds_back_what_is_behind_it_and_keeps_the_order():
    """After a stall of one read everything arrives, in the order sent."""
    async with playing(up=NetworkConditions(stall_probability=1.0, stall_s=0.3)) as (proxy, _target):
        reader, writer = await connect(proxy)
        begin = asyncio.get_running_loop().time()
        writer.write(b"first")
        await until(lambda: proxy.stats.stalls)
        proxy.up = NetworkConditions()
        writer.write(b"second")
        assert await reader.readexactly(11) == b"firstsecond"
        assert asyncio.get_running_loop().time() - begin >= 0.3
        writer.close()


async def test_a_slow_link_takes_its_time():
    """So many bytes need at least so many seconds."""
    async with playing(up=NetworkConditions(bytes_per_s=5000)) as (proxy, _target):
        reader, writer = await connect(proxy)
        begin = asyncio.get_running_loop().time()
        writer.write(bytes(2000))
        await reader.readexactly(2000)
        assert asyncio.get_running_loop().time() - begin >= 2000 / 5000
        writer.close()


@pytest.mark.parametrize(("resets", "end"), [(False, "fin"), (True, "rst")])
@pytest.mark.parametrize("position", [0, 1, 7, 8])
async def test_a_cut_lets_exactly_so_many_bytes_through(position, resets, end):
    """The target gets bytes up to the cut and not one more; then both sides see the end."""
    async with playing(up=NetworkConditions(cut_at=position, cut_resets=resets)) as (proxy, target):
        target.echoes = False
        reader, writer = await connect(proxy)
        writer.write(b"12345678")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read(100) == b""
        await until(lambda: target.ends[:1] != [""])
        # After an RST the target's kernel may throw away what it had: never more than the cut, at a FIN all of it.
        assert b"12345678"[:position].startswith(target.got[0])
        if end == "fin":
            assert target.got == [b"12345678"[:position]]
        assert target.ends == [end]
        assert proxy.stats.passed[0] == position
        writer.close()
        await until(lambda: proxy.open() == 0)


async def test_half_open_swallows_one_way_for_ever():
    """Answers vanish without an error, also when the network conditions are fair again; a new connection is whole."""
    async with playing(down=NetworkConditions(swallow=True)) as (proxy, target):
        _, writer = await connect(proxy)
        writer.write(b"ask")
        await until(lambda: proxy.stats.swallowed[1] == 3)
        proxy.down = NetworkConditions()
        writer.write(b"again")
        await until(lambda: proxy.stats.swallowed[1] == 8)
        assert target.got == [b"askagain"]
        reader, second = await connect(proxy)
        second.write(b"new")
        assert await reader.readexactly(3) == b"new"
        writer.close()
        second.close()


async def test_in_a_dead_spot_nothing_moves_and_afterwards_everything_arrives():
    """Open connections hold their bytes, a new one is taken and receives nothing, and neither loses anything."""
    async with playing() as (proxy, target):
        reader, writer = await connect(proxy)
        writer.write(b"1")
        assert await reader.readexactly(1) == b"1"
        spot = asyncio.ensure_future(proxy.dead_spot(0.3))
        await asyncio.sleep(0)
        writer.write(b"2")
        other_reader, other = await connect(proxy)
        other.write(b"3")
        await asyncio.sleep(0.1)
        assert target.got == [b"1"]
        await spot
        assert await reader.readexactly(1) == b"2"
        assert await other_reader.readexactly(1) == b"3"
        writer.close()
        other.close()


async def test_reset_and_cut_end_what_is_open_and_leave_the_listener():
    """Both sides see the end; the next connection works."""
    async with playing() as (proxy, target):
        for end, word in ((proxy.reset, "rst"), (proxy.cut, "fin")):
            reader, writer = await connect(proxy)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            assert end() == 1
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read(1) == b""
            await until(lambda word=word: word in target.ends)
            await until(lambda: proxy.open() == 0)
            writer.close()
        assert (proxy.stats.resets, proxy.stats.cuts) == (1, 1)


async def test_refusing_ends_with_start_on_the_same_port():
    """ECONNREFUSED in between; the port stays."""
    async with playing() as (proxy, _target):
        port = proxy.port
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await connect(proxy)
        await proxy.start()
        assert proxy.port == port
        reader, writer = await connect(proxy)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        writer.close()


async def test_a_target_that_is_down_ends_the_connection():
    """The client receives of it at once, and it is counted."""
    async with playing() as (proxy, _target):
        proxy.target = ("127.0.0.1", 1)
        reader, writer = await connect(proxy)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read(1) == b""
        assert proxy.stats.unreachable == 1
        writer.close()


async def test_what_is_held_is_bounded():
    """A sender to a target that does not read is stopped, and everything arrives once it reads."""
    async with playing() as (proxy, target):
        target.echoes = False
        target.reads.clear()
        proxy.hold()
        _, writer = await connect(proxy)
        proxy.release()
        await until(lambda: len(target.got))
        proxy.hold()
        sent = 64 * 1024 * 1024
        writer.write(bytes(sent))
        await asyncio.sleep(0.2)
        assert proxy.held() <= HELD_BYTES_MAX + 16 * 1024
        target.reads.set()
        proxy.release()
        await until(lambda: len(target.got[0]) >= 1024 * 1024)
        writer.transport.abort()


def test_one_seed_gives_one_set_of_conditions():
    """Jitter and stalls are drawn from the seed alone."""

    async def draws(seed: int) -> int:
        async with Target.running() as target:
            rough = NetworkConditions(stall_probability=0.5, stall_s=0.0)
            async with Proxy(("127.0.0.1", target.port), seed=seed, up=rough) as proxy:
                reader, writer = await connect(proxy)
                for _ in range(20):
                    writer.write(b"x")
                    await reader.readexactly(1)
                writer.close()
                return proxy.stats.stalls

    counts = [asyncio.run(draws(seed)) for seed in (1, 1, 2, 3, 4)]
    assert counts[0] == counts[1]
    assert len(set(counts)) > 1


def test_impossible_conditions_are_refused():
    """A probability beyond 1 or a negative time is the caller's error."""
    wrongs: list[dict[str, Any]] = [{"stall_probability": 2.0}, {"latency_s": -1.0}, {"cut_at": -1}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="0 or more"):
            NetworkConditions(**wrong)
