"""The listener that a flood is measured against."""

import socket
from pathlib import Path

from bench.flood import sink
from bench.lab.process import running
from bench.lab.settings import free_port
from bench.load.subjects import python


async def test_a_sink_reads_everything_and_answers_nothing(tmp_path: Path) -> None:
    """More than any buffer holds is taken, and its end closes the connection without a byte."""
    port = free_port()
    async with running(python("sink", tmp_path, [sink.__name__, str(port)], port)):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(bytes(32 * 1024 * 1024))
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
