"""A node's day from its orders to a signed statement, and a shop's ledger: real processes, a quick clock."""

import json
import time
from pathlib import Path
from typing import Any

import apsw

from bench.lab.site import fetch
from tests.enrolled import before_midnight, enrolling, quick_from_now
from tests.phone import Phone, place
from tests.waiting import wait_until

MINUTES_BEFORE = 10
SPEED = 120.0
"""Midnight, and the quarter of an hour after it, come within seconds of the node's second start."""


def test_both_sides_of_a_day_agree_until_one_is_changed(tmp_path: Path) -> None:
    """The node's statement is signed by its key; a window that the centre loses is named; three planted differences of
    a ledger are found, and their counts, without any order's name, are at the centre."""
    with enrolling(tmp_path, "alice") as made:
        made.centre.start()
        assert made.enroll() == ""
        clock = before_midnight(MINUTES_BEFORE)
        made.write_config(**clock)
        made.node.start()
        wait_until(made.connected)
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(5):
            place(alice, number)
        alice.close()
        day = time.strftime("%Y-%m-%d", time.gmtime(clock["clock_wall_anchor_ms"] / 1000))
        command = ("reconcile", "--node", "n-1", "--day", day, "--config", "central.toml")
        assert made.command(*command).returncode == 3
        made.node.stop()
        made.write_config(**quick_from_now(clock, SPEED))
        made.node.start()

        asked = f"/api/reconciliation?node=n-1&day={day}"
        wait_until(lambda: fetch(made.api_port, asked)["agrees"] is not None, "the statement", seconds=120)
        good = made.command(*command, "--to", "kept.json")
        assert good.returncode == 0, good.stdout + good.stderr
        assert "Both sides have the same." in good.stdout
        assert "statements signed by the node" in good.stdout
        assert (tmp_path / "kept.json.sig").exists()

        (tmp_path / "ledger.csv").write_text("order,amount\no-0,\no-1,\no-1,\no-9,\no-3,\no-4,\n")
        command_of_shop = ("ledger", "--config", "edge.toml", "--timezone", "UTC", "--json", "ledger.csv")
        found: dict[str, Any] = json.loads(made.command(*command_of_shop).stdout)
        kinds = {(each["kind"], each["order"]) for each in found["differences"]}
        assert kinds == {("repeated", "o-1"), ("missing_here", "o-9"), ("missing_there", "o-2")}
        url = "/api/ledger?from=1970-01-01&to=2999-01-01"
        wait_until(lambda: fetch(made.api_port, url)["days"], "the counts at the centre", seconds=60)
        text = json.dumps(fetch(made.api_port, url)["days"])
        assert not [name for name in ("o-9", "o-2", "alice") if name in text]

        store = apsw.Connection(str(tmp_path / "centre" / "centre.db"))
        store.set_busy_timeout(10_000)
        store.execute("delete from minute where rowid = (select min(rowid) from minute where scenario = 'dispatch')")
        store.close()
        bad = made.command(*command)
        assert bad.returncode == 1
        assert "lost: window dispatch" in bad.stdout
