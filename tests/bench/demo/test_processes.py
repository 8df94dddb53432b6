"""Processes that are kept alive."""

import asyncio
import signal
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from bench.demo.processes import MARK, Child, Site, fetch, free_port, prepare, write_config, write_credentials
from edge.errors import DoorstepError, InputError
from edge.identity.credentials import Credentials

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


def child(tmp_path: Path, program: str = SERVER) -> tuple[Child, int]:
    """A small server as a child, not yet started."""
    port = free_port()
    return Child("server", [sys.executable, "-c", program, str(port)], tmp_path, ("127.0.0.1", port)), port


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    """Whoever is killed is back, as another process on the same port, and the kill is counted."""

    async def main() -> None:
        server, port = child(tmp_path)
        await server.start()
        first = server.pid
        assert await fetch(port, "/") == {"answer": 42}
        server.kill()
        async with asyncio.timeout(10):
            while server.pid == first:  # noqa: ASYNC110 - it is the child that changes
                await asyncio.sleep(0.01)
            await server.answers()
        assert (server.kills, server.restarts, server.failure) == (1, 1, None)
        assert await server.stop() == -signal.SIGTERM

    asyncio.run(main())


def test_a_process_that_never_answers_ends_the_run(tmp_path: Path) -> None:
    """A process that dies at once is an error with the end of its log, not an endless loop."""

    async def main() -> None:
        server, _ = child(tmp_path, "raise SystemExit('the disk is made of cheese')")
        with pytest.raises(DoorstepError, match="made of cheese"):
            await server.start()
        await server.stop()

    asyncio.run(main())


def test_a_broken_configuration_is_not_tried_again(tmp_path: Path) -> None:
    """Exit code 2 means that trying again cannot help."""

    async def main() -> None:
        server, _ = child(tmp_path, "raise SystemExit(2)")
        with pytest.raises(DoorstepError, match="exit code 2"):
            await server.start()
        assert server.restarts == 0

    asyncio.run(main())


def test_who_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ignores SIGTERM is killed when its time is up."""
    monkeypatch.setattr("bench.demo.processes.STOP_S_MAX", 0.3)

    async def main() -> None:
        server, _ = child(tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + SERVER)
        await server.start()
        assert await server.stop() == -signal.SIGKILL

    asyncio.run(main())


def test_nobody_there_is_an_oserror() -> None:
    """Asking a port on which nobody listens raises OSError, whatever is wrong."""
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(fetch(free_port(), "/"))


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    """An empty folder is taken, an earlier demonstration's is replaced, anything else is refused by name."""
    prepare(tmp_path / "new" / "deep")
    assert (tmp_path / "new" / "deep" / MARK).exists()
    (tmp_path / "new" / "deep" / "journal").write_text("old")
    prepare(tmp_path / "new" / "deep")
    assert not (tmp_path / "new" / "deep" / "journal").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("years of work")
    with pytest.raises(InputError, match="mine"):
        prepare(tmp_path / "mine")
    with pytest.raises(InputError, match="thesis"):
        prepare(tmp_path / "mine" / "thesis")
    assert (tmp_path / "mine" / "thesis").read_text() == "years of work"


def test_credentials_are_those_of_the_node(tmp_path: Path) -> None:
    """The credentials file is one that the node reads, for the owner's eyes only, without a token in it."""
    tokens = {f"rider-{n}": f"secret{n}" for n in range(20)}
    path = tmp_path / "credentials"
    write_credentials(path, tokens)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret" not in path.read_text()
    credentials = Credentials.load(path)
    assert all(credentials.verify(name, token.encode()) for name, token in tokens.items())
    assert not credentials.verify("rider-1", b"secret2")


def test_configurations_are_toml(tmp_path: Path) -> None:
    """Strings with quotes and backslashes, numbers and truth values come out as they went in, sections last."""
    options = {"a": 'quote " and \\ and ü', "b": 3, "dispatch": {"e": 5, "f": "6"}, "c": 1.5, "d": True}
    write_config(tmp_path / "x.toml", options)
    assert tomllib.loads((tmp_path / "x.toml").read_text()) == options


def test_node_and_centre_start_and_stop(tmp_path: Path) -> None:
    """The real node and the real centre start from generated files, report their state, and stop cleanly."""

    async def main() -> None:
        prepare(tmp_path / "site")
        site = Site(tmp_path / "site", "district")
        site.configure(
            {"rider-1": "token"}, {"clock_speed": 60.0, "clock_wall_anchor_ms": 1, "clock_real_anchor_ms": 1}
        )
        await site.start()
        try:
            assert (await site.status())["node"] == "district"
            assert (await site.summary())["events"] == 0
            assert site.status_url().startswith(f"http://127.0.0.1:{site.status_port}/?token=")
        finally:
            await site.stop()
        assert (site.node.exit_code, site.centre.exit_code) == (0, 0)

    asyncio.run(main())
