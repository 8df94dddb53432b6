"""Processes that are started, watched and ended."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from bench.lab.process import Died, Keeper, Process, cpu_s
from bench.lab.settings import free_port
from bench.lab.site import fetch

SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    connection, _ = listener.accept()
    data = connection.recv(4096)
    if data:
        body = b'{"answer": 42}'
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
    connection.close()
"""


def server(tmp_path: Path, program: str = SERVER) -> tuple[Process, int]:
    """A small server, not yet started."""
    port = free_port()
    return Process("server", [sys.executable, "-c", program, str(port)], tmp_path, port), port


async def test_a_killed_process_is_started_again_by_its_keeper(tmp_path: Path) -> None:
    """Who is killed is back, as another process on the same port, and the kill is counted; who is stopped is not."""
    process, port = server(tmp_path)
    process.start()
    first = process.pid
    assert fetch(port, "/") == {"answer": 42}
    keeper = Keeper(process)
    keeper.start()
    await keeper.kill(process)
    assert process.pid != first
    assert (process.kills, process.restarts, keeper.failure) == (1, 1, None)
    assert await asyncio.to_thread(process.stop) == -signal.SIGTERM
    await asyncio.sleep(0.3)
    assert process.lives == 2
    await keeper.close()


@pytest.mark.parametrize(("program", "lives"), [("raise SystemExit(2)", 1), ("raise SystemExit(1)", 6)])
async def test_a_keeper_gives_up_where_another_start_cannot_help(tmp_path: Path, program: str, lives: int) -> None:
    """A refused configuration (exit code 2) is not tried again, a crash loop not for ever."""
    process, _ = server(tmp_path, program)
    keeper = Keeper(process)
    process.spawn()
    keeper.start()
    async with asyncio.timeout(60):
        while keeper.failure is None:  # noqa: ASYNC110 - the keeper's own task sets it
            await asyncio.sleep(0.01)
    assert f"exit code {lives // 6 or 2}" in str(keeper.failure)
    assert process.lives == lives
    await keeper.close()


def test_a_process_that_is_never_ready_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    """A process that dies at once is an error with the end of its log and its exit code."""
    process, _ = server(tmp_path, "raise SystemExit('the disk is made of cheese')")
    with pytest.raises(Died, match="made of cheese") as died:
        process.start()
    assert died.value.code == 1


def test_who_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ignores SIGTERM is killed when its time is up."""
    monkeypatch.setattr("bench.lab.process.STOP_S_MAX", 0.3)
    process, _ = server(tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + SERVER)
    process.start()
    assert process.stop() == -signal.SIGKILL


def test_a_frozen_process_is_stopped_too(tmp_path: Path) -> None:
    """SIGSTOP keeps a process alive and silent; it ends when it is asked to all the same."""
    process, port = server(tmp_path)
    process.start()
    process.freeze()
    assert process.alive
    assert process.stop() == -signal.SIGTERM
    with pytest.raises(OSError, match="refused"):
        fetch(port, "/")


def test_each_life_has_its_own_output(tmp_path: Path) -> None:
    """`output` is of this life, `tail` of all of them; readiness by words is of this life too."""
    program = "import os, sys, time; print('is ready', os.getpid(), flush=True); time.sleep(60)"
    process = Process("worker", [sys.executable, "-c", program], tmp_path, "is ready")
    process.start()
    first = process.output()
    process.kill()
    process.start()
    assert str(process.pid) in process.output()
    assert process.output() != first
    assert process.tail().count("is ready") == 2
    assert cpu_s(process.pid) >= 0
    assert process.memory_kb() > 1000
    process.kill()
