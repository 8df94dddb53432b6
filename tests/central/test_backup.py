"""Tests for central/backup.py: the drill with real processes, and what is not taken."""

import os
import subprocess
from pathlib import Path

import pytest

from bench.lab.postgresql import Postgresql
from bench.lab.settings import write_config, write_private
from central.backup import subject
from central.store.open import open_store
from edge.backup.copy import back_up
from edge.backup.restore import restore
from edge.errors import BusyError, DoorstepError
from tests.enrolled import EnrolledSite
from tests.pages import TEXT, blocks
from tests.phone import Phone, place
from tests.waiting import wait_until

CLOCK = {"clock_speed": 120.0}


def test_the_drill(tmp_path: Path) -> None:
    """A centre with batches of two enrolled nodes is lost and comes back on another box as it was a while ago: both
    nodes go on with their certificates, nothing counts twice, and an alarm has the number of events that only the lost
    one had."""
    with EnrolledSite(tmp_path / "a", "n-1") as first, EnrolledSite(tmp_path / "b", "n-2") as second:
        first.configure_enrolment("alice", **CLOCK)
        second.configure(["alice"], CLOCK, centre=False)
        first.centre.start()
        for each in (first, second):
            done = first.command(
                "central", "invite", each.node_name, "--expires", "7d", "--config", "central.toml"
            ).stdout.strip()
            assert each.enroll(done) == ""
            each.node.start()
        send(first, 0, 5)
        send(second, 0, 4)
        wait_until(lambda: first.summary()["events"] == 9, "what is in the backup")
        kept = back_up(subject(tmp_path / "a/central.toml"), tmp_path / "a/central.toml", tmp_path / "kept", 2)
        send(first, 5, 3)
        wait_until(lambda: first.summary()["events"] == 12, "what only the lost centre had")
        first.centre.kill()
        send(second, 4, 2)  # decided while there is no centre

        config = tmp_path / "c" / "central.toml"
        config.parent.mkdir()
        found, places = restore(kept, config, replace=False)
        assert (found.role, found.name) == ("centre", "centre")
        assert " of 2 nodes with 9 events, certificates of 2 nodes" in found.holds
        assert not any(path.stat().st_mode & 0o077 for path in places if path != config)
        (tmp_path / "a" / "centre").rename(tmp_path / "lost")
        with EnrolledSite(tmp_path / "c") as again:
            again.centre_port, again.api_port = first.centre_port, first.api_port
            again.centre.start()
            for each in (first, second):
                wait_until(each.connected, f"{each.node_name} at the centre that came back")
            send(first, 8, 1)
            wait_until(lambda: again.summary()["events"] == 9 + 2 + 1, "what was kept, waited, and is new")
            alarms = {node["node"]: [(a["kind"], a["events"]) for a in node["alarms"]] for node in again.nodes()}
            lost = {name: [each for each in found if each[0] == "batches_lost"] for name, found in alarms.items()}
            assert lost == {"n-1": [("batches_lost", 3)], "n-2": []}
            assert "batches_lost" in first.node.output()
            with pytest.raises(BusyError, match="Stop its centre"):
                restore(kept, config, replace=True)
            assert again.centre.stop() == 0


def send(made: EnrolledSite, begin: int, count: int) -> None:
    alice = Phone("alice", made.port, made.tokens["alice"])
    for number in range(begin, begin + count):
        place(alice, number)
    alice.close()


def test_a_centre_that_has_never_run_has_no_backup(tmp_path: Path) -> None:
    """An empty backup would be found out too late."""
    write_config(tmp_path / "central.toml", {"data_dir": "nowhere"})
    with pytest.raises(DoorstepError, match="Start the centre once"):
        subject(tmp_path / "central.toml")


def test_a_store_that_is_not_whole_is_no_backup(tmp_path: Path) -> None:
    """Rot is found by reading, and nothing stays of the backup."""
    write_config(tmp_path / "central.toml", {"data_dir": "data"})
    (tmp_path / "data").mkdir()
    open_store(tmp_path / "data").close()
    path = tmp_path / "data" / "centre.db"
    body = bytearray(path.read_bytes())
    body[len(body) // 2 : len(body) // 2 + 8_192] = bytes(8_192)
    path.write_bytes(body)
    with pytest.raises(DoorstepError, match=r"not whole|could not be copied"):
        back_up(subject(tmp_path / "central.toml"), tmp_path / "central.toml", tmp_path / "kept", 0)
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_commands_for_postgresql_run_as_written(tmp_path: Path) -> None:
    """The backup names what it leaves out; the sums come back by the commands of docs/operating.md."""
    config = tmp_path / "central.toml"
    with Postgresql() as server:
        url = server.make_database("doorstep")
        server.sql("create role doorstep_reader")
        write_private(tmp_path / "store.password", server.password)
        write_config(config, {"data_dir": "data", "store": url, "store_password_file": "store.password"})
        open_store(url, password=server.password).close()
        server.sql("insert into node(name, enrolled_at, last_seen, events) values('n-1', 1, 1, 7)", "doorstep")
        made = subject(config)
        kept = back_up(made, config, tmp_path / "kept", 0)
        assert "pg_dump" in made.left_out
        assert sorted(path.name for path in kept.iterdir()) == ["central.toml", "manifest.json", "store.password"]
        server.make_database("another")
        (script,) = [block for block in blocks(TEXT["docs/operating.md"], "sh") if "pg_dump" in block]
        for old, new in (("doorstep_writer@db.example/doorstep", url.partition("//")[2]), ("/var/lib", f"{tmp_path}")):
            script = script.replace(old, new)
        script = script.replace("doorstep_writer@new.example/doorstep", server.url("another").partition("//")[2])
        script = "\n".join(line for line in script.splitlines() if not line.startswith("doorstep"))
        (tmp_path / "doorstep-backup").mkdir()
        done = subprocess.run(["/bin/sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, env=os.environ)
        assert done.returncode == 0, done.stderr
        open_store(server.url("another"), password=server.password).close()
        assert server.sql("select name, events from node", "another") == [("n-1", 7)]
