"""`python -m bench.flood.flooder FLOOD PORT SECONDS MEGABYTES_PER_S CONNECTS_PER_S`: one client that sends all it can.

A process of its own, so that it takes no time from the load generator. It prints `ready`, begins with the first line on
standard input, ends by itself, and prints what it did as JSON. It reads answers and looks at none of them, so that it
does to a sink what it does to a node; where its connection is closed it opens the next.
"""

import json
import select
import socket
import sys
import time
from contextlib import suppress
from typing import Final

from .floods import FLOODS, flooder_of
from .wire import upgrade

OPEN_S_MAX: Final = 0.5
"""For one connection to be accepted, at a listener whose queue is full."""

UPGRADE_S_MAX: Final = 0.1
"""For the answer to a WebSocket upgrade, which a sink does not give: what comes before it would be lost."""

STEP_S: Final = 0.005
READ_BYTES: Final = 1 << 18
SEND_BYTES: Final = 1 << 16


class Pace:
    """How much may be done by now, of so much a second."""

    def __init__(self, per_s: float) -> None:
        self._per_s, self._begin, self._spent = per_s, time.monotonic(), 0.0

    def wait(self, amount: float) -> None:
        """Until `amount` more may be done."""
        self._spent += amount
        early = self._begin + self._spent / self._per_s - time.monotonic()
        if early > STEP_S:
            time.sleep(early)


class Flooder:
    """`megabytes_per_s` and `connects_per_s` bound what it sends and how often it connects."""

    def __init__(self, name: str, port: int, megabytes_per_s: float, connects_per_s: float) -> None:
        self.connections = self.sent = 0
        flood, client = FLOODS[name], flooder_of(name)
        self._opening, self._block = flood.opening(client), flood.block(client)
        self._port, self._websocket = port, flood.door == "ws"
        self._rates = megabytes_per_s * 1e6, connects_per_s

    def run(self, seconds: float) -> dict[str, int]:
        """For so long. How many connections there were, and bytes that the other side's kernel took."""
        until = time.monotonic() + seconds
        self._bytes, self._connects = (Pace(rate) for rate in self._rates)
        while time.monotonic() < until:
            self._connects.wait(1)
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), OPEN_S_MAX) as connection:
                self.connections += 1
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._websocket:
                    connection.sendall(upgrade())
                    select.select([connection], [], [], UPGRADE_S_MAX)
                if self._opening:
                    connection.sendall(self._opening)
                    self.sent += len(self._opening)
                if self._block:
                    self._pour(connection, until)
        return {"connections": self.connections, "bytes": self.sent}

    def _pour(self, connection: socket.socket, until: float) -> None:
        """Until the time is over. Raises OSError where the connection ends before."""
        connection.setblocking(False)
        poll = select.poll()
        poll.register(connection, select.POLLIN | select.POLLOUT)
        block, at = memoryview(self._block), 0
        while time.monotonic() < until:
            for _, events in poll.poll(50):
                if events & ~select.POLLOUT and not connection.recv(READ_BYTES):
                    return
                if events & select.POLLOUT:
                    sent = connection.send(block[at : at + SEND_BYTES])
                    self.sent += sent
                    at = (at + sent) % len(block)
                    self._bytes.wait(sent)


def main(words: list[str]) -> None:
    """See the module."""
    name, port, *numbers = words
    seconds, megabytes, connects = map(float, numbers)
    flooder = Flooder(name, int(port), megabytes, connects)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(flooder.run(seconds)))


if __name__ == "__main__":
    main(sys.argv[1:])
