"""Tests of edge.mqtt.listener: a real process with few descriptors, on both event loops."""

import asyncio
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from bench.lab.programs import make_certificates
from edge.mqtt.listener import Shortage, listen
from tests.repo.project import ROOT

DESCRIPTORS = 80

CROWDED = """
import asyncio, resource, sys, uvloop
from edge import limits
from edge.mqtt import listener

class Echo(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(data)

async def main():
    listener.ACCEPT_PAUSE_S = 0.05
    shortage = listener.Shortage()
    listening = await listener.listen("127.0.0.1", 0, Echo, None, shortage)
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    print(listening.address[1], flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(shortage.pauses, shortage.paused, len(open("/proc/self/status").readlines()) > 0, flush=True)

(uvloop.run if sys.argv[1] == "uvloop" else asyncio.run)(main())
"""


def echoes(connection: socket.socket, timeout_s: float) -> bool:
    """Whether the other side has accepted the connection and answers in time."""
    connection.settimeout(timeout_s)
    try:
        connection.sendall(b"x")
        return connection.recv(1) == b"x"
    except (TimeoutError, ConnectionError):
        return False


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_without_descriptors_it_pauses_reports_it_and_goes_on(loop: str) -> None:
    """More connections than descriptors: those that fit are served, the rest wait, the process keeps enough descriptors
    to open files, and when there is room again those who waited are served."""
    command = [sys.executable, "-c", CROWDED, loop, str(DESCRIPTORS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, responses = process.stdin, process.stdout

        def ask() -> tuple[int, int, bool]:
            requests.write("?\n")
            requests.flush()
            pauses, paused, opens = responses.readline().split()
            return int(pauses), int(paused), opens == "True"

        address = ("127.0.0.1", int(process.stdout.readline()))
        crowd = [socket.create_connection(address) for _ in range(DESCRIPTORS)]
        assert echoes(crowd[0], 20.0)
        assert not echoes(crowd[-1], 0.3)
        pauses, paused, opens = ask()
        for _ in range(100):  # between two looks it is not pausing for an instant
            pauses, paused, opens = (pauses, paused, opens) if paused else ask()
        assert (pauses > 0, paused, opens) == (True, 1, True)
        for connection in crowd[:-1]:
            connection.close()
        crowd[-1].settimeout(20.0)
        assert crowd[-1].recv(1) == b"x"
        assert ask()[1] == 0
        crowd[-1].close()
        process.stdin.close()
        assert process.wait(20) == 0


async def test_an_unauthenticated_client_to_tls_disturbs_nobody(tmp_path: Path) -> None:
    """Bytes that are no TLS, and a client that sends nothing, leave the listener accepting others; what fails is
    reported."""
    authority, certificate, key = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    made = asyncio.Event()

    class Sender(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.set()
            transport.close()

    shortage, failed = Shortage(), asyncio.Queue[str]()
    listener = await listen("127.0.0.1", 0, Sender, lambda: context, shortage, failed=failed.put_nowait)
    host, port = listener.address
    _, noisy = await asyncio.open_connection(host, port)
    noisy.write(b"GET / HTTP/1.1\r\n\r\n")
    _, silent = await asyncio.open_connection(host, port)
    trusting = ssl.create_default_context(cafile=authority)
    _, honest = await asyncio.open_connection(host, port, ssl=trusting, server_hostname="localhost")
    await asyncio.wait_for(made.wait(), 20)
    assert await asyncio.wait_for(failed.get(), 20) == "127.0.0.1"
    assert shortage.pauses == 0
    listener.close()
    for writer in (noisy, silent, honest):
        writer.close()


async def test_an_address_that_is_taken_leaves_nothing_open() -> None:
    """Where the port is in use the error shows it, and no descriptor stays behind."""
    first = await listen("127.0.0.1", 0, asyncio.Protocol, None, Shortage())
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    with pytest.raises(OSError, match="in use"):
        await listen(*first.address, asyncio.Protocol, None, Shortage())
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before
    first.close()


async def test_who_is_not_admitted_costs_nothing() -> None:
    """The address is asked about before anything else; the connection is closed without a byte, and others come in."""
    hosts: list[str] = []

    def admits(host: str) -> bool:
        hosts.append(host)
        return len(hosts) > 1

    made: list[asyncio.Protocol] = []

    class Made(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(self)
            transport.close()

    listener = await listen("127.0.0.1", 0, Made, None, Shortage(), admits)
    for connections in (0, 1):
        reader, writer = await asyncio.open_connection(*listener.address)
        assert await reader.read() == b""
        writer.close()
        assert (hosts, len(made)) == (["127.0.0.1"] * (connections + 1), connections)
    listener.close()
