"""What goes wrong on purpose."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from bench.demo.proof.records import Records
from bench.demo.trouble import Trouble
from bench.demo.watch import Watch
from bench.lab.process import Keeper
from bench.lab.site import Site


async def reaches(url: str) -> bool:
    """Whether somebody takes a connection there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


def test_the_uplink_is_cut_and_mended(tmp_path: Path) -> None:
    """Its port refuses while it is cut, and takes connections again; each is a line of the log. A run that nobody
    watches has no such port, and cutting it changes nothing."""
    site, records = Site(tmp_path), Records()
    trouble = Trouble(site, Keeper(site.centre, site.node), Watch(site), records)

    async def run() -> None:
        await trouble.cut(0)
        assert not trouble.uplink_cut
        url = await trouble.open_uplink()
        assert await reaches(url)
        await trouble.cut(1)
        assert trouble.uplink_cut
        assert not await reaches(url)
        await trouble.cut(2)
        assert not trouble.uplink_cut
        assert await reaches(url)
        await trouble.mend(3)  # it is whole
        await trouble.close()

    asyncio.run(run())
    assert [wall_ms for wall_ms, _ in records.log_lines] == [1, 2]
