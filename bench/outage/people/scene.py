"""What outages and soaks are played on: node and centre with a proxy between them, and everybody connected."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from ...lab.process import Keeper
from ...lab.proxy import Proxy
from ...lab.site import Site
from .day import Day
from .orders import Orders
from .people import Crowd, names

TILLS: Final = 20
RIDERS: Final = 60
JOIN_S_MAX: Final = 60.0
VANDAL: Final = "vandal"
"""A client of the node that is none of the crowd: it sends what nobody can read."""


class Scene(Struct):
    """`orders` have not begun. `uplink` is the proxy between node and centre."""

    site: Site
    keeper: Keeper
    uplink: Proxy
    crowd: Crowd
    orders: Orders


@contextlib.asynccontextmanager
async def scene(
    node: str, folder: Path, day: Day, rate: float, seed: int, retention_days: float, log_level: str
) -> AsyncIterator[Scene]:
    """Everything started, and stopped in the end. Raises DoorstepError where a process does not come up."""
    site = Site(folder, node)
    tokens = {name: secrets.token_urlsafe(16) for name in (*names(TILLS, RIDERS), VANDAL)}
    async with Proxy(("127.0.0.1", site.centre_port)) as uplink:
        options = {"retention_days": retention_days, "uplink": f"mqtt://127.0.0.1:{uplink.port}"}
        site.configure(tokens, {**day.node_options(), **options, "log_level": log_level})
        keeper = Keeper(site.centre, site.node)
        crowd = Crowd(node, site.url, tokens, day.wall_ms, seed)
        orders = Orders(rate, seed, crowd.place)
        crowd.on_offer = orders.offered
        try:
            await asyncio.to_thread(site.start)
            keeper.start()
            crowd.start()
            await crowd.everybody(JOIN_S_MAX)
            yield Scene(site, keeper, uplink, crowd, orders)
        finally:
            orders.stop()
            await crowd.close()
            await keeper.close()
            await asyncio.to_thread(site.stop)
