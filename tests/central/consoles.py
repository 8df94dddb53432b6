"""A centre's HTTP as it serves it, without its listener for nodes; its store is filled through the real ingest."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import h3.api.basic_int as h3
import httpx
import zstandard

from central.api import app
from central.config import load
from central.fleet.health import fleet_health
from central.ingest.admit import Bounds
from central.operators.operators import Operators
from central.operators.tables import TABLES
from central.rollout.rollouts import Rollouts
from central.site import Site
from central.store.open import open_reader, open_store
from central.store.store import Store
from edge.messages.batches import NO_BATCH, SYNC_BATCH, BatchMessage, Cell, Measure, Window, encode, encode_body, fold
from edge.messages.sync.ledger import SYNC_LEDGER, LedgerCounts, ShopDay
from edge.messages.sync.ledger import encode as encode_ledger
from edge.messages.sync.settings import SETTINGS_STATE, SettingsState
from edge.messages.sync.settings import encode as encode_settings
from edge.messages.sync.shops import ShopCounts, ShopTable
from edge.messages.sync.statement import SYNC_STATEMENT, SignedStatement, Statement
from edge.mqtt.seam import Publish
from tests.central.stores import ask, hello, merge, roll_all

PASSWORD = "correct horse battery"
NODES = ("shop-1", "shop-2", "shop-3")
HOURS = 3
FINE = 0x8D309A7A15AB67F
"""A cell that is finer than may be stored."""

NOW_MS = time.time_ns() // 86_400_000_000_000 * 86_400_000 + 12 * 3_600_000
"""Noon of today: three hours before it are of one day, whenever the tests run."""

_BEHIND_MS = NOW_MS - time.time_ns() // 60_000_000_000 * 60_000


def now_ms() -> int:
    """The centre's clock, for which the tests began at noon."""
    return time.time_ns() // 1_000_000 + _BEHIND_MS


CENTRE_CELL = h3.latlng_to_cell(31.23, 121.47, 8)


def window(at: int, late: int) -> Window:
    """A minute of a shop with 12 orders, 10 of them delivered."""
    counters = {
        "order.placed": 12,
        "order.delivered": 10,
        "order.cancelled": 1,
        "promise.kept": 10 - late,
        "promise.broken": late,
    }
    times = [1_000, 2_000, 30_000]
    measures = {name: Measure(3, 33_000, fold(b"", times)) for name in ("placed_to_offered_ms", "click_to_door_ms")}
    cells = [
        Cell(cell, name, at, at + 60_000, 5 + place)
        for place, cell in enumerate(sorted(h3.grid_disk(CENTRE_CELL, 1)))
        for name in ("order.delivered", "order.placed")
    ]
    return Window("dispatch", at, 60, 40, counters, measures, cells)


def aside(store: Store, node: str) -> None:
    """A batch of a new node that cannot be stored."""
    ask(store, hello(node), lambda: NOW_MS)
    body = encode_body([Window("dispatch", NOW_MS, 60, 7, {"x": 7}, {}, [Cell(FINE, "x", NOW_MS, NOW_MS, 7)])])
    digest = sha256(body).digest()
    message = BatchMessage(
        epoch=1, seq=1, sha256=digest, previous=NO_BATCH, body=zstandard.compress(body), history=NO_BATCH
    )
    publish = Publish(node, SYNC_BATCH, encode(message), 1, 1)
    ask(store, publish, lambda: NOW_MS, Bounds(k_anonymity=2, rows_per_day_max=10**6))


def push(store: Store) -> None:
    """Version 1 counts, version 2 is refused by a node, version 3 waits for one; each begun by mei."""
    settings = Rollouts(store)
    states = {
        "shop-1": SettingsState(
            at=1, version=1, sha256="a" * 64, about=2, outcome="refused", detail="retention_days: no"
        ),
        "shop-2": SettingsState(at=1, version=1, sha256="a" * 64, about=1, outcome="healthy"),
        "shop-3": SettingsState(at=1, version=3, sha256="b" * 64, about=3, outcome="trial"),
    }
    rows = [(1, "done", "", 0), (2, "failed", "shop-1 has refused it: retention_days: no", 0), (3, "running", "", 1)]
    placed = [("shop-1", 1), ("shop-2", 1), ("shop-1", 2), ("shop-2", 3), ("shop-3", 3)]
    with store.driver.transaction():
        for number, state, why, stage in rows:
            at = NOW_MS - 3_600_000 * (4 - number)
            values = (
                number,
                "all",
                "retention_days = 3\n",
                b"",
                b"",
                "1,10%,all",
                86_400_000,
                at,
                state,
                why,
                stage,
                at,
            )
            store.driver.run(f"insert into rollout values({', '.join('?' * 12)}, 'mei')", values)
        into = "insert into placed(node, rollout, at) values(?, ?, ?)"
        store.driver.run_many(into, [(*each, NOW_MS) for each in placed])
    for node, state in states.items():
        settings.reported(Publish(node, SETTINGS_STATE, encode_settings(state), 1, 1), NOW_MS)


def compare_books(store: Store) -> None:
    """The books of two shops of one node: one agrees, of the other three orders differ."""
    today = time.strftime("%Y-%m-%d", time.gmtime(NOW_MS / 1000))
    good = ShopDay(shop="tea-house", date=today, at=NOW_MS, here=40, there=40)
    bad = ShopDay(shop="noodle-bar", date=today, at=NOW_MS, here=31, there=30, missing_there=2, other_amount=1)
    message = encode_ledger(LedgerCounts(days=[good, bad]))
    ask(store, Publish("shop-1", SYNC_LEDGER, message, 1, 1), lambda: NOW_MS)


def name_shops(store: Store) -> None:
    """Two shops of one node, of yesterday: one does well, the other broke promises; a third one is not named."""
    names = ["order.offered", "order.placed", "placed_to_offered_ms", "promise.broken", "promise.kept"]
    shops = [
        ShopCounts("noodle-bar", 9, [60, 60, 60, 30, 30]),
        ShopCounts("tea-house", 9, [80, 80, 80, 0, 80]),
        ShopCounts("", 0, [4, 4, 4, 0, 4]),
    ]
    day = NOW_MS // 86_400_000 - 1
    stated = Statement(
        node="shop-1",
        number=1,
        day=day,
        at=NOW_MS,
        epoch=1,
        through=1,
        history=NO_BATCH,
        shops=[ShopTable("dispatch", names, shops)],
        shops_since=1,
    )
    message = encode(SignedStatement(body=encode(stated)))
    ask(store, Publish("shop-1", SYNC_STATEMENT, message, 1, 1), lambda: NOW_MS)


def fill(folder: Path) -> None:
    """Three nodes with a window for each ten minutes, one of which came late; a fourth one with a batch kept aside;
    roll-outs, books of shops, and figures of shops."""
    folder.mkdir(exist_ok=True)
    store = open_store(folder)
    for seq, minutes in enumerate(range(60 * HOURS, 0, -10), 1):
        at = NOW_MS - minutes * 60_000
        for number, node in enumerate(NODES):
            merge(store, seq, [window(at, number)], node, at)
    roll_all(store)
    merge(store, 99, [window(NOW_MS - 60_000, 0)], "shop-1", NOW_MS)  # not summed up yet
    aside(store, "shop-4")
    push(store)
    name_shops(store)
    compare_books(store)
    store.close()


class Served:
    """A running one."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.data = folder / "data"
        self.operators = Operators(TABLES.open(self.data))

    def client(self, name: str = "", **headers: str) -> httpx.Client:
        """A browser without scripts, logged in where a name is given."""
        client = httpx.Client(base_url=self.url, timeout=60, headers=headers, verify=False)
        if name:
            token = self.operators.log_in(name, PASSWORD, "", "10.0.0.1")
            client.cookies.set(f"doorstep-centre-{client.base_url.port}", token)
        return client


@contextlib.contextmanager
def served(folder: Path, options: str = "") -> Iterator[Served]:
    """Serve the store in `folder`/data until the block ends, with an operator of each role, named like it."""
    path = folder / "central.toml"
    path.write_text(f'api_listen = "127.0.0.1:0"\nk_anonymity = 2\n{options}', encoding="utf-8")
    config = load(path)
    (folder / "data").mkdir(exist_ok=True)
    open_store(folder / "data").close()
    reader = open_reader(folder / "data")
    ready: list[Site] = []
    started, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def run() -> None:
        inner = app(reader, lambda: "", dict, "", now_ms)
        states = _states(str(path), config) if config.advertised_address else dict
        ready.append(
            await Site.open(
                str(path),
                config,
                "",
                reader,
                inner,
                lambda: fleet_health(reader.facts(), states(), now_ms()),
                states,
                now_ms,
            )
        )
        started.set()
        await stop.wait()
        await ready[0].close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert started.wait(30), "the console did not start"
        made = Served(folder, f"http://127.0.0.1:{ready[0].port}")
        for role in ("viewer", "operator", "admin"):
            made.operators.add(role, role, PASSWORD, "test")
        yield made
        made.operators.close()
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
        reader.close()


def _states(path: str, config):
    from central.enrolment.files import opened

    return opened(path, config).states


def csrf(page: str) -> str:
    """The token that a form of this page carries."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def texts(page: str) -> str:
    """What a reader sees of a page, roughly."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
