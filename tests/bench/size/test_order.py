"""The clients of the traced order."""

import asyncio

import pytest

import bench.size.order
from bench.size.order import Client, Scene
from edge.errors import DoorstepError

PINGREQ = b"\xc0\x00"


def test_a_quiet_client_sends_nothing() -> None:
    """What it would send waits until it is no longer quiet."""

    async def main() -> None:
        received = asyncio.Queue[bytes]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1000):
                received.put_nowait(data)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            client = Client("customer-1")
            port = server.sockets[0].getsockname()[1]
            await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", port)
            assert (await received.get())[0] == 0x10  # CONNECT
            client.quiet = True
            client.send(PINGREQ)
            client.flush()
            for _ in range(20):
                await asyncio.sleep(0)
            assert received.empty()
            client.quiet = False
            client.flush()
            assert await received.get() == PINGREQ
            client.close()

    asyncio.run(main())


def test_an_answer_that_does_not_come_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what is missing, and what each client has received."""
    monkeypatch.setattr(bench.size.order, "ANSWER_S_MAX", 0.01)

    async def main() -> None:
        await Scene().place("order-7")

    with pytest.raises(DoorstepError, match=r"did not give the answers to order-7 .*'shop-1': \[\]"):
        asyncio.run(main())
