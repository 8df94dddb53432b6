"""`python -m bench.flood.sink PORT`: a listener that reads everything and drops it, which is the least that any server
does with a flood. A process of its own."""

import asyncio
import sys

import uvloop

from ..load.floors.echo import until_terminated


class Sink(asyncio.Protocol):
    """One connection. It is closed when the peer closes it."""


async def serve(port: int) -> None:
    """Until SIGTERM."""
    await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1024)
    await until_terminated()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
