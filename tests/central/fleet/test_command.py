"""`doorstep central nodes`, as it is typed."""

import json
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from central.command import central
from central.enrolment.files import FOLDER
from central.enrolment.register import Certificate, Register
from central.store.open import open_store
from edge.messages.sync.report import SYNC_REPORT, NodeReport
from edge.messages.sync.report import encode as encode_report
from edge.mqtt.seam import Publish
from tests.central.stores import ask, hello

DAY_MS = 86_400_000
INVITING = 'listen_tls = "127.0.0.1:8884"\nadvertised_address = "centre.example:8884"\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    """The configuration of a centre that invites."""
    path = tmp_path / "central.toml"
    path.write_text(INVITING)
    return str(path)


def listed(config: str, *words: str) -> str:
    """What the command prints."""
    done = CliRunner().invoke(central, ["nodes", *words, "--config", config])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_state_is_listed(config: str) -> None:
    """One line for each node, and what a revoked one is invited to beside it; the same as JSON."""
    CliRunner().invoke(central, ["invite", "shop", "--count", "4", "--expires", "7d", "--config", config])
    found, now = Register(Path(config).parent / "data" / FOLDER), time.time_ns() // 1_000_000
    for number, ends_at in ((2, now + 90 * DAY_MS), (3, now - 1), (4, now + DAY_MS)):
        node = f"shop-{number}"
        found.invite({node: "code"}, now, now + DAY_MS, replace=True)
        invited = found.invited(node, b"code")
        assert invited is not None
        assert found.enrol(node, invited.hash, Certificate(node, b"key", node.encode(), ends_at, 0), now)
    found.revoke("shop-4", now)
    found.invite({"shop-4": "code"}, now, now + DAY_MS)
    found.retire("shop-5", now)
    found.close()
    day = r"\d{4}-\d\d-\d\d"
    wanted = [
        f"shop-1\tnever\t.+\tinvited until {day}",
        f"shop-2\tnever\t.+\tenrolled, certificate until {day}",
        f"shop-3\tnever\t.+\tended {day}",
        f"shop-4\tnever\t.+\trevoked {day}, invited until {day}",
        f"shop-5\tretired\t.+\tretired {day}",
    ]
    assert re.fullmatch("\n".join(wanted), listed(config).strip())
    assert list(json.loads(listed(config, "--json"))) == [f"shop-{number}" for number in range(1, 6)]


def test_how_a_node_is(tmp_path: Path) -> None:
    """At a centre of tokens, too: what the store knows of it, the worst first."""
    config, now = tmp_path / "central.toml", time.time_ns() // 1_000_000
    config.write_text('data_dir = "data"\n')
    assert listed(str(config)) == ""
    (tmp_path / "data").mkdir()
    store = open_store(tmp_path / "data")
    ask(store, hello("late"), lambda: now - DAY_MS)
    ask(store, hello("n1"), lambda: now)
    report = NodeReport(at=now, version="1.2", complete_until=now, epoch=1, waiting=4)
    ask(store, Publish("n1", SYNC_REPORT, encode_report(report), 0, 0), lambda: now)
    store.close()
    assert re.fullmatch("late\tbehind\tNothing came for 24 h.+\nn1\tcurrent\t.+\n", listed(str(config)))
    shown = json.loads(listed(str(config), "--json"))["n1"]
    assert (shown["state"], shown["is_green"], shown["version"], shown["waiting"]) == ("current", True, "1.2", 4)


def test_it_goes_by_the_centres_clock(tmp_path: Path) -> None:
    """In a rehearsal, whose clock is a day ahead: what was stored by it a moment ago is current."""
    config, real = tmp_path / "central.toml", time.time_ns() // 1_000_000
    config.write_text(f"clock_wall_anchor_ms = {real + DAY_MS}\nclock_real_anchor_ms = {real}\n")
    (tmp_path / "data").mkdir()
    store = open_store(tmp_path / "data")
    for node, at in (("n1", real + DAY_MS), ("late", real)):
        ask(store, hello(node), lambda at=at: at)
        report = NodeReport(at=at, version="1.2", complete_until=at, epoch=1)
        ask(store, Publish(node, SYNC_REPORT, encode_report(report), 0, 0), lambda at=at: at)
    store.close()
    assert re.fullmatch("late\tbehind\tNothing came for 24 h.+\nn1\tcurrent\t.+\n", listed(str(config)))
