"""The site of a fault test: a node and a centre on loopback, people, and proxies on both ways to the node.

site = prepare(folder); site.start()         # configured, started, ready
async with Wires(site) as wires: ...         # access (clients to node) and the uplink (node to centre) as proxies

The clock runs SPEED times faster than life, so that windows reach the centre within a second of real time.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Self

from bench.lab.clock import ScaledClock
from bench.lab.programs import find_program
from bench.lab.proxy import Proxy
from bench.lab.settings import free_port
from bench.lab.site import UNLIMITED, Site

NODE: Final = "n-1"
PEOPLE: Final = ("c-1", "c-2", "c-3", "c-4", "r-1", "eve")
SPEED: Final = 240.0
"""A window of a minute and its grace are 0.3 s of real time."""

WELL_S_MAX: Final = 300.0
"""I6: real seconds from the end of the last fault until everything is answered and the centre has every event."""


def prepare(folder: Path, **options: Any) -> Site:
    """A configured site. `options` are further options of the node; with `link` it is a broker's client, and does not
    listen itself."""
    more: dict[str, Any] = {**UNLIMITED, **ScaledClock(SPEED).options(), "uplink": f"mqtt://127.0.0.1:{free_port()}"}
    if "link" in options:
        more["listen"] = ""
    return Site(folder, NODE).configure(PEOPLE, {**more, **options})


def port_in(site: Site, option: str) -> int:
    """The port in an address of the node's configuration."""
    return int(str(site.settings[option]).rpartition(":")[2])


def strace(calls: str, what: str) -> list[str]:
    """The tracer of a process that does `what` at some of these system calls, in strace's words."""
    return [find_program("strace"), "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:{what}"]


class Wires:
    """Two proxies: `access` between the clients and the node (or the broker), `uplink` between the node and the
    centre. `door` is where clients connect."""

    def __init__(self, site: Site, *, seed: int = 0) -> None:
        target = port_in(site, "link" if "link" in site.settings else "listen")
        self.access = Proxy(("127.0.0.1", target), seed=seed)
        self.uplink = Proxy(("127.0.0.1", site.centre_port), port=port_in(site, "uplink"), seed=seed + 1)
        self._stack = AsyncExitStack()

    @property
    def door(self) -> str:
        """The address of the clients' proxy."""
        return f"mqtt://127.0.0.1:{self.access.port}"

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.access)
        await self._stack.enter_async_context(self.uplink)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
