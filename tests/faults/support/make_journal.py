"""Makes `tests/data/journal.db` again, with the present version: `python -m tests.faults.support.make_journal`.

36 events of three clients, all of them decided and answered while no centre could be reached.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.lab.site import Site
from tests.faults.support.people import Crowd, sums, until
from tests.faults.support.site import prepare

JOURNAL: Final = Path(__file__).parents[2] / "data" / "journal.db"
EVENTS: Final = 36


async def fill(site: Site) -> None:
    """Everybody acts in turn, one event at a time, so that none is sent twice."""
    async with Crowd(site, site.url) as crowd:
        await crowd.connected()
        for number in range(EVENTS):
            crowd.people[number % len(crowd.people)].act()
            await until(lambda: not crowd.waiting() and not crowd.unacked())


def main() -> None:
    """Run a node without its centre, stop it, and keep its journal."""
    with TemporaryDirectory() as folder, prepare(Path(folder)) as site:
        site.node.start()
        asyncio.run(fill(site))
        assert sums(site) == (EVENTS, -1), "an event was sent twice: try again"
        assert site.node.stop() == 0
        JOURNAL.write_bytes(site.journal.read_bytes())


if __name__ == "__main__":
    main()
