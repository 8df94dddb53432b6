"""The least server, against the lean client; and the client that keeps its connection alive."""

import asyncio

import pytest

from bench.load.client import connection as module
from bench.load.client.connection import Door, connect
from bench.load.client.workload import ignore_message
from bench.load.floors.server import ServerConnection
from edge.mqtt.packets.codec import PingReqPacket


class Listening(ServerConnection):
    """Keeps what it receives, and answers at once."""

    def __init__(self) -> None:
        super().__init__()
        self.received = bytearray()
        self.client = ""

    def on_connect(self, client: str) -> None:
        self.client = client

    def data_received(self, data: bytes) -> None:
        self.received += data
        super().data_received(data)
        self.flush()


def test_an_idle_client_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a peer would take its silence for its end; until it hangs up."""
    monkeypatch.setattr(module, "PING_S", 0.01)

    async def main() -> None:
        server = Listening()
        listener = await asyncio.get_running_loop().create_server(lambda: server, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        client = await connect(Door(port), "till-0", "", ("a/#",), ignore_message)
        assert server.client == "till-0"
        async with asyncio.timeout(20):
            while server.received.count(PingReqPacket().write()) < 2:  # noqa: ASYNC110 - a timer of the client's own
                await asyncio.sleep(0.01)
        client.close()
        listener.close()

    asyncio.run(main())
