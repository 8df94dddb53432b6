"""Orders of a day become scores of shops at the centre: real processes, a quick clock."""

import json
import time
from pathlib import Path
from typing import Any

from bench.lab.site import fetch
from tests.enrolled import before_midnight, enrolling, quick_from_now
from tests.phone import Phone, place
from tests.waiting import wait_until

MINUTES_BEFORE = 10
SPEED = 120.0
"""Midnight, and the quarter of an hour after it, come within seconds of the node's second start."""

CUSTOMERS = ("alice", "bob")


def test_a_day_s_orders_become_scores_of_shops(tmp_path: Path) -> None:
    """A shop with enough customers is named, and has a score; another with one customer is not, and nobody who ordered
    is at the centre. Once, though the node is killed and starts again."""
    with enrolling(tmp_path, *CUSTOMERS) as made:
        made.configure_centre()
        with (tmp_path / "central.toml").open("a", encoding="utf-8") as file:
            file.write("k_anonymity = 2\n\n[health]\nshop_orders_min = 1\nvalues_min = 1\n")
        made.centre.start()
        assert made.enroll() == ""
        clock = before_midnight(MINUTES_BEFORE)
        options = {"shop_scores": True, "k_anonymity": 2, "shops": ["shop-1", "shop-2"]}
        made.write_config(**options, **clock)
        made.node.start()
        wait_until(made.connected)
        for number, name in enumerate(CUSTOMERS):
            phone = Phone(name, made.port, made.tokens[name])
            place(phone, number)
            if name == "alice":
                place(phone, 7, shop="shop-2")
            phone.close()
        made.node.kill()
        made.write_config(**options, **quick_from_now(clock, SPEED))
        made.node.start()

        command = ("central", "health", "--shops", "--json", "--config", "central.toml")
        wait_until(lambda: _rows(made.command(*command).stdout), "the figures of the day's shops", seconds=120)
        (one,) = _rows(made.command(*command).stdout)
        assert (one["shop"], one["node"], one["events"]) == ("shop-1", "n-1", 2)
        text = made.command(*command[:-3], "--config", "central.toml").stdout
        assert "1 orders more were at shops that have too few customers to be named." in text
        day = time.strftime("%Y-%m-%d", time.gmtime(clock["clock_wall_anchor_ms"] / 1000))
        proof = made.command("reconcile", "--node", "n-1", "--day", day, "--config", "central.toml")
        assert proof.returncode == 0, proof.stdout + proof.stderr
        assert fetch(made.api_port, "/api/nodes")
        made.stop()
        kept = b"".join(path.read_bytes() for path in made.centre_data.rglob("*") if path.is_file())
        assert (b"shop-1" in kept, b"shop-2" in kept) == (True, False)
        assert [name for name in CUSTOMERS if name.encode() in kept] == []


def _rows(output: str) -> list[dict[str, Any]]:
    return json.loads(output or "[]")
