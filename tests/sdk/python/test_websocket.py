"""The client over WebSocket."""

from pathlib import Path

import pytest

from bench.lab.settings import free_port
from bench.lab.site import Site
from doorstep_client import Client, NotConnected

WAIT_S = 30.0


async def test_websocket_does_what_tcp_does(tmp_path: Path) -> None:
    """Receipts come, after a new connection too; a port that speaks something else is an error with a reason."""
    port = free_port()
    with Site(tmp_path / "site").configure(["r-1"], {"listen_ws": f"127.0.0.1:{port}"}, centre=False) as site:
        site.start()
        place = {"lat": 31.2, "lon": 121.4}
        token = site.tokens["r-1"]
        async with Client(f"ws://127.0.0.1:{port}/mqtt", node="n-1", name="r-1", token=token) as rider:
            assert (await rider.send("rider.shift", on=True, place=place)).accepted
            rider.reconnect()
            assert (await rider.send("rider.shift", on=False)).accepted
        async with Client(f"ws://127.0.0.1:{site.status_port}/mqtt", node="n-1", name="r-1", token=token) as rider:
            with pytest.raises(NotConnected, match="no WebSocket"):
                await rider.wait_connected(WAIT_S / 10)
