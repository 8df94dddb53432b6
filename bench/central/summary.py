"""How long a summary of a month of busy nodes takes."""

import time
from pathlib import Path
from typing import Final

from central.ingest.verify import NodeRecord, taken
from central.store.open import Where, open_reader, open_store
from central.store.tiers import BUCKETS, DAY_MS, HOUR_MS, MINUTE_MS

from ..lab.postgresql import Postgresql
from .batches import BUSY, Chain, Maker
from .sizes import START

NODES: Final = 100
DAYS: Final = 30
ASKED: Final = 50


def summary_p99_ms(folder: Path, server: Postgresql | None) -> float:
    """p99 over ASKED summaries of DAYS days that begin and end within an hour. Only what such a summary reads is
    stored: for each node a batch a day, and at both ends one for each hour, and for each minute of two hours."""
    own = folder / "summary"
    own.mkdir(parents=True)
    where: Where = server.make_database("summary") if server else own
    password = server.password if server else ""
    store, maker = open_store(where, password=password), Maker(BUSY)
    end = START + DAYS * DAY_MS
    starts = [START + day * DAY_MS for day in range(1, DAYS)]
    starts += [edge + hour * HOUR_MS for edge in (START, end) for hour in range(1, 24)]
    starts += [edge + minute * MINUTE_MS for edge in (START, end) for minute in range(60)]
    names = [f"n-{number}" for number in range(NODES)]
    chains = {name: Chain() for name in names}
    for start in starts:
        with store.group(names, names) as group:
            for name in names:
                record = group.record(name) or NodeRecord(node=name, instance="i", boot="b", epoch=1)
                windows = maker.windows(start, chains[name].seq)
                batch = maker.batch(chains[name], start)
                group.merge(taken(record, batch, windows), batch, windows, end)
    for bucket in range(BUCKETS):
        while store.roll(bucket):
            pass
    store.close()
    reader = open_reader(where, password=password)
    times: list[float] = []
    for number in range(ASKED):
        begin = time.perf_counter()
        reader.summary(START + (number + 1) * MINUTE_MS, end + (number + 1) * MINUTE_MS)
        times.append(1000 * (time.perf_counter() - begin))
    reader.close()
    return sorted(times)[int(0.99 * (len(times) - 1))]
