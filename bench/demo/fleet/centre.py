"""The centre of several nodes, as an operator runs one: it invites them, has a console, and sends alerts."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from central.store.engine.driver import Row
from central.store.open import open_driver
from edge.errors import DoorstepError

from ...lab.process import Process
from ...lab.settings import Option, free_port, write_config, write_private
from ...lab.site import fetch
from .inbox import Inbox

OPERATOR: Final = "demo"
COMMAND_S_MAX: Final = 120.0
"""Real seconds of one command, on a machine that may have much other work."""


class RunCentre:
    """In a folder of its own. `console` is where a person logs in, as OPERATOR with `password`."""

    def __init__(self, folder: Path, inbox: Inbox) -> None:
        self.folder, self.data = folder, folder / "centre"
        self.port, self.api_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.console = f"http://127.0.0.1:{self.api_port}"
        self.password = ""
        command = [sys.executable, "-m", "edge", "central", "--config", f"{folder / 'central.toml'}"]
        self.process = Process("central", command, folder, "is ready")
        self._inbox = inbox

    def configure(self, clock: dict[str, Option] | None = None) -> None:
        """Write its configuration; the clock comes once the nodes are enrolled."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "alerts.secret"
        write_private(secret, self._inbox.secret)
        write_config(
            self.folder / "central.toml",
            {
                "data_dir": "centre",
                "listen": "",
                "listen_tls": self.address,
                "advertised_address": self.address,
                "api_listen": f"127.0.0.1:{self.api_port}",
                **(clock or {}),
            },
        )
        alarms = json.dumps(["stalled", "behind", "quarantined", "rollout", "ledger"])
        with (self.folder / "central.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[[alert]]\nname = "demo"\nurl = "{self._inbox.url}"\nsecret_file = "{secret}"\n')
            file.write(f"after_s = 0\nper_minute = 60\nalarms = {alarms}\n")
            file.write("\n[health]\nshop_orders_min = 5\nvalues_min = 5\n")  # shops have about ten orders

    def command(self, *words: str) -> str:
        """What a command prints. Raises DoorstepError where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "edge", "central", *words, "--config", f"{self.folder / 'central.toml'}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )
        if done.returncode:
            raise DoorstepError(f"doorstep central {' '.join(words)} failed: {done.stderr.strip()}")
        return done.stdout

    def invite(self, names: Sequence[str]) -> list[str]:
        """An invitation for each node; its operator is made, too."""
        made = [self.command("invite", name, "--expires", "1d").strip() for name in names]
        text = self.command("user", "add", OPERATOR, "--role", "admin", "--generate")
        self.password = text.rpartition(": ")[2].strip()
        return made

    def push(self, options: str) -> int:
        """Begin a roll-out of these options to all; its number."""
        (self.folder / "pushed.toml").write_text(options, encoding="utf-8")
        text = self.command("rollout", "start", "pushed.toml", "--stages", "1,all")
        return int(text.split()[1])

    # -- what it has ---------------------------------------------------------------------------------------------------

    def health(self) -> list[dict[str, Any]]:
        """How each node is, the worst first. Raises OSError while it does not answer."""
        return fetch(self.api_port, "/api/nodes")["health"]

    def events(self, node: str) -> int:
        """What it has counted of a node. Raises OSError."""
        nodes = fetch(self.api_port, "/api/nodes")["nodes"]
        return next((int(each["events"]) for each in nodes if each["node"] == node), 0)

    def reconciliation(self, node: str, day: str) -> dict[str, Any]:
        """Both sides of a day (of UTC). Raises OSError."""
        return fetch(self.api_port, f"/api/reconciliation?node={node}&day={day}")

    def ledger(self, first: str, last: str) -> list[dict[str, Any]]:
        """How ledgers differ, by node, shop and day. Raises OSError."""
        return fetch(self.api_port, f"/api/ledger?from={first}&to={last}")["days"]

    def rollout(self, number: int) -> tuple[str, str]:
        """Its state, and why."""
        ((state, why),) = self._rows("select state, why from rollout where id = ?", number)
        return state, why

    def placed(self, number: int) -> list[str]:
        """The nodes that a roll-out has reached."""
        return [node for (node,) in self._rows("select node from placed where rollout = ? order by node", number)]

    def settings(self) -> dict[str, tuple[int, int, str]]:
        """Of each node that has reported on its settings the version in force, which one it reported on, and what
        became of that."""
        rows = self._rows("select node, version, about, outcome from node_settings order by node")
        return {node: (version, about, outcome) for node, version, about, outcome in rows}

    def _rows(self, sql: str, *values: int) -> list[Row]:
        driver = open_driver(self.data, readonly=True)
        try:
            return driver.rows(sql, values)
        finally:
            driver.close()
