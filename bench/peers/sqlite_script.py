"""The same script with SQLite: what it has acknowledged is on disk, with its answer. A process of its own.

    python -m bench.peers.sqlite_script PORT DATABASE [UPLINK_PORT]

One commit (WAL, FULL) for all messages that are at hand; their answers and acknowledgements leave after it. After a
restart it sends every assignment again whose order is not delivered: it cannot know which of them had left.
"""

import asyncio
import json
import sqlite3
import sys
from typing import Any, Final

from .plain_script import AT_ONCE, OPTIONS, RETRY_S, assignment, busy, handle, read, riders, waiting

BATCH_MAX: Final = 256
LOOK_S: Final = 0.2
_SCHEMA: Final = """
pragma journal_mode = wal;
pragma synchronous = full;
create table if not exists riders (name text primary key, lat real, lon real, busy int not null default 0);
create table if not exists orders (
    name text primary key, body text, rider text, delivered int not null default 0, at_centre int not null default 0);
"""

Answer = tuple[str, dict[str, Any]]


class Store:
    """The state of the script, and its copy on disk."""

    def __init__(self, path: str) -> None:
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript(_SCHEMA)

    def restore(self) -> list[Answer]:
        """What was known, and the assignments to send again."""
        again: list[Answer] = []
        for name, lat, lon, is_busy in self.database.execute("select name, lat, lon, busy from riders"):
            riders[name] = (lat, lon)
            if is_busy:
                busy.add(name)
        for body, rider in self.database.execute("select body, rider from orders where not delivered order by rowid"):
            if rider is None:
                waiting.append(json.loads(body))
            else:
                again.append(assignment(rider, json.loads(body)))
        return again

    def take(self, messages: list[tuple[str, str, dict[str, Any]]]) -> list[Answer]:
        """Handle them in one transaction; their answers."""
        self.database.execute("begin")
        answers: list[Answer] = []
        for message in messages:
            answer = handle(*message) if self._is_new(*message) else None
            if answer is not None:
                answers.append(answer)
                self._keep(*answer)
        self.database.execute("commit")
        return answers

    def _keep(self, where: str, body: dict[str, Any]) -> None:
        """Which rider has the order, where it is an assignment."""
        if "order" in body:
            rider = where.partition("/")[0]
            self.database.execute("update orders set rider = ? where name = ?", (rider, body["order"]))
            self.database.execute("update riders set busy = 1 where name = ?", (rider,))

    def _is_new(self, client: str, kind: str, message: dict[str, Any]) -> bool:
        """Whether it is no repeat; its own row is written."""
        run = self.database.execute
        if kind == "order.place":
            row = (message["order"], json.dumps(message))
            return run("insert or ignore into orders (name, body) values (?, ?)", row).rowcount > 0
        if kind == "rider.progress":
            done = run("update orders set delivered = 1 where name = ? and not delivered", (message["order"],))
            run("update riders set busy = 0 where name = ? and ?", (client, done.rowcount))
            return done.rowcount > 0
        if kind == "rider.shift":
            place = message["place"]
            run(
                "insert into riders (name, lat, lon) values (?, ?, ?)"
                " on conflict do update set lat = excluded.lat, lon = excluded.lon",
                (client, place["lat"], place["lon"]),
            )
        return True

    async def report(self, port: int) -> None:
        """Orders to the centre, whenever it can be reached."""
        import aiomqtt

        find = "select name from orders where rider is not null and not at_centre limit ?"
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", port, **OPTIONS) as centre:
                    while True:
                        names = [name for (name,) in self.database.execute(find, (BATCH_MAX,))]
                        for name in names:
                            await centre.publish("centre/orders", name, qos=1)
                        done = [(name,) for name in names]
                        self.database.executemany("update orders set at_centre = 1 where name = ?", done)
                        await asyncio.sleep(0 if len(names) == BATCH_MAX else LOOK_S)
            except aiomqtt.MqttError:
                await asyncio.sleep(RETRY_S)


async def main(port: int, path: str, uplink: int = 0) -> None:
    """For ever."""
    import aiomqtt

    store = Store(path)
    answers = store.restore()
    client = aiomqtt.Client("127.0.0.1", port, identifier="sqlite-script", clean_session=False, **OPTIONS)
    client.pending_calls_threshold = AT_ONCE
    paho = client._client  # aiomqtt acknowledges what it has received, which is before the commit
    paho.manual_ack_set(True)
    async with asyncio.TaskGroup() as tasks, client:
        await client.subscribe("ds/bench/up/+/+", qos=1)
        if uplink:
            tasks.create_task(store.report(uplink))
        print("joined", flush=True)
        batch: list[aiomqtt.Message] = []
        for where, body in answers:
            tasks.create_task(client.publish(f"ds/bench/down/{where}", json.dumps(body), qos=1))
        async for message in client.messages:
            batch.append(message)
            if len(client.messages) and len(batch) < BATCH_MAX:
                continue
            for where, body in store.take([read(one) for one in batch]):
                tasks.create_task(client.publish(f"ds/bench/down/{where}", json.dumps(body), qos=1))
            for one in batch:
                paho.ack(one.mid, one.qos)
            batch.clear()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])))
