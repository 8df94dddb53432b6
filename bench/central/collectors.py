"""Collectors as real processes, on SQLite or on a PostgreSQL of their own."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, Final

from central.store.open import Where, open_driver, open_reader
from central.store.reader import Reader
from edge.errors import DoorstepError

from ..lab.postgresql import Postgresql
from ..lab.process import Process, cpu_s
from ..lab.settings import free_port, write_config, write_private
from ..lab.site import UNLIMITED
from .batches import MARK

SUMS_S_MAX: Final = 120.0


class Collectors:
    """`count` of them. On SQLite there is one."""

    def __init__(self, folder: Path, server: Postgresql | None, count: int) -> None:
        self._server = server
        self.processes: list[Process] = []
        self.urls: list[str] = []
        url = server.make_database("centre") if server else ""
        for number in range(count):
            own = folder / f"collector-{number}"
            own.mkdir(parents=True)
            port = free_port()
            options: dict[str, Any] = {
                "data_dir": "data",
                "listen": f"127.0.0.1:{port}",
                "anonymous": True,
                "api_listen": f"127.0.0.1:{free_port()}",
                **UNLIMITED,
            }
            if server:
                write_private(own / "password", server.password)
                options |= {"store": url, "store_password_file": "password"}
            write_config(own / "central.toml", options)
            command = [sys.executable, "-m", "edge", "central", "--config", f"{own / 'central.toml'}"]
            self.processes.append(Process(f"collector-{number}", command, own, "is ready"))
            self.urls.append(f"mqtt://127.0.0.1:{port}")
        self._where: Where = url or folder / "collector-0" / "data"
        self._password = server.password if server else ""

    def start(self) -> None:
        """All of them."""
        for process in self.processes:
            process.start()

    def stop(self) -> None:
        """Those that live."""
        for process in self.processes:
            process.stop()

    def cpu_s(self) -> float:
        """What the collectors have used, without the processes that sum up."""
        return sum(cpu_s(process.pid) for process in self.processes)

    def turned(self, number: int) -> list[str]:
        """All of them, another one first for each node."""
        turn = number % len(self.urls)
        return self.urls[turn:] + self.urls[:turn]

    async def until_summed_up(self, rest: int) -> None:
        """At most `rest` windows are not in the tiers."""
        deadline = time.monotonic() + SUMS_S_MAX
        while await asyncio.to_thread(self.not_summed_up) > rest:
            if time.monotonic() > deadline:
                raise DoorstepError("The collectors did not sum everything up. See their logs.")
            await asyncio.sleep(0.05)

    def reader(self) -> Reader:
        """To ask the store; whoever calls closes it."""
        return open_reader(self._where, password=self._password)

    def counted(self) -> tuple[int, int]:
        """What the store has: of the marked events, and of batches."""
        reader = self.reader()
        try:
            events = reader.summary(0, 2**47)["counters"]["dispatch"][MARK]
            return events, sum(node["batches"] for node in reader.nodes())
        finally:
            reader.close()

    def not_summed_up(self) -> int:
        """Windows that are stored and not yet in the tiers."""
        driver = open_driver(self._where, self._password, readonly=True)
        try:
            return int(driver.rows(f"select count(*) from {driver.fresh}")[0][0])  # noqa: S608 - the engine's own words
        finally:
            driver.close()
