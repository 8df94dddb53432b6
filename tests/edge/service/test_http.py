"""Tests of edge.service.http: what is bound, what is bounded, and that it leaves nothing behind."""

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge.errors import BusyError, ConfigError
from edge.mqtt.server.budgets import Budget
from edge.service import http
from edge.service.http import HTTP_CONNECTIONS_MAX, HttpServer, bind

REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def served(use: Callable[[int], Awaitable[None]]) -> None:
    """Run `use` with the port of a server that answers every request with one line."""

    async def here(request: Request) -> Response:
        await request.body()
        return PlainTextResponse("here\n")

    async def run() -> None:
        app = Starlette(routes=[Route("/", here, methods=["GET", "POST"])])
        server = await HttpServer.start(app, bind("127.0.0.1:0", "status_listen", "edge.toml"))
        assert server.url == f"http://127.0.0.1:{server.port}/"
        try:
            await use(server.port)
        finally:
            await server.close()

    asyncio.run(run())


async def answer(port: int, request: bytes = REQUEST) -> bytes:
    """What comes back until the other side closes; empty where it closes without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def test_connections_are_bounded_and_the_bound_frees_itself() -> None:
    """Beyond HTTP_CONNECTIONS_MAX a connection is closed at once; when the others go, requests are answered again."""

    async def use(port: int) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(HTTP_CONNECTIONS_MAX)]
        assert await answer(port) == b""
        for _, writer in held:
            writer.close()
        deadline = time.monotonic() + 10
        while not await answer(port):
            assert time.monotonic() < deadline

    served(use)


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"])
def test_half_a_request_does_not_hold_a_place(before: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a connection, and one after a whole one, have to be whole in time."""
    monkeypatch.setattr(http, "HTTP_REQUEST_DEADLINE_S", 0.2)

    async def use(port: int) -> None:
        answered = await answer(port, before + b"GET / HTTP/1.1\r\nhost: local")
        assert answered.count(b"200 OK") == bool(before)

    served(use)


def test_half_a_body_does_not_hold_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it goes on coming, byte by byte; a whole one of the same connection is answered before."""
    monkeypatch.setattr(http, "HTTP_BODY_DEADLINE_S", 0.3)
    whole = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\n"
    closed: list[bytes] = []

    async def use(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(whole + b"abcd" + whole.replace(b"4", b"400"))
        reading = asyncio.create_task(reader.read())
        with contextlib.suppress(ConnectionError):
            while not reading.done():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.02)
        with contextlib.suppress(ConnectionError):
            closed.append(await reading)
        writer.close()

    served(use)
    assert b"".join(closed).count(b"200 OK") <= 1


@pytest.mark.parametrize("first", [b"content-length: 5", b"transfer-encoding: chunked"])
def test_a_request_with_two_lengths_is_the_last_of_its_connection(first: bytes) -> None:
    """A proxy that goes by the other length would take what follows for somebody else's request."""
    lengths = {b"content-length: 5", b"transfer-encoding: chunked"}
    head = b"\r\n".join([b"POST / HTTP/1.1", b"host: localhost", first, *(lengths - {first})])

    async def use(port: int) -> None:
        answered = await answer(port, head + b"\r\n\r\n0\r\n\r\n" + REQUEST)
        assert answered.count(b"200 OK") == 1
        assert b"connection: close" in answered.lower()

    served(use)


def test_requests_beyond_the_budget_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them is answered, also those of another connection, as fast as the budget fills and no faster."""
    monkeypatch.setattr(http, "HTTP_READS_BURST", 5)
    monkeypatch.setattr(http, "HTTP_READS_PER_S", 100)
    spent: list[float] = []
    spend = Budget.spend

    def noted(self: Budget, work: float, now: float) -> bool:
        spent.extend([now] * int(work))
        return spend(self, work, now)

    monkeypatch.setattr(Budget, "spend", noted)

    async def use(port: int) -> None:
        flood, other = await asyncio.gather(answer(port, REQUEST.replace(b"close", b"") * 20 + REQUEST), answer(port))
        assert flood.count(b"200 OK") == 21
        assert other.count(b"200 OK") == 1

    served(use)
    assert len(spent) >= 22
    assert spent[-1] - spent[0] >= (len(spent) - 1 - 5) / 100 - 0.02


def test_serving_takes_no_signals_and_ends_cleanly() -> None:
    """The process's own handlers stay; after close the port is free and no thread is left."""
    threads, before = threading.active_count(), signal.getsignal(signal.SIGTERM)
    ports: list[int] = []

    async def use(port: int) -> None:
        ports.append(port)
        assert (await answer(port)).startswith(b"HTTP/1.1 200")

    served(use)
    assert signal.getsignal(signal.SIGTERM) is before
    assert threading.active_count() == threads
    bind(f"127.0.0.1:{ports[0]}", "status_listen", "edge.toml").close()


def test_a_busy_port_is_named_with_the_way_out() -> None:
    """Which port, and which option of which file chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(BusyError, match=f"Port {port} .* is in use.*status_listen in edge.toml.*any free one"):
            bind(f"127.0.0.1:{port}", "status_listen", "edge.toml")


@pytest.mark.parametrize("address", ["192.0.2.1:8080", "8080"])
def test_an_address_that_is_not_this_machines_is_refused(address: str) -> None:
    """The option, the value and what is wrong."""
    with pytest.raises(ConfigError, match=r"edge\.toml: api_listen = .*cannot be used"):
        bind(address, "api_listen", "edge.toml")
