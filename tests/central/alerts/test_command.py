"""`doorstep central alert`, as it is typed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from central.alerts.conditions import Condition
from central.alerts.queue import Queue
from central.alerts.tables import open_tables
from central.command import central
from central.config import load
from edge.errors import ConfigError, InputError
from tests.central.alerts.receiver import Receiver

KEY = "0a1b2c3d-1111-2222-3333-444455556666"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().listening() as made:
        yield made


@pytest.fixture
def config(receiver: Receiver, tmp_path: Path) -> Path:
    """A centre with a webhook and a robot."""
    path = tmp_path / "central.toml"
    robot = receiver.table(tmp_path, name="team", secret=KEY, template="wecom", per_minute=20)
    path.write_text(receiver.table(tmp_path) + robot)
    return path


def call(config: Path, *words: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(central, ["alert", *words, "--config", str(config)])


def test_a_test_goes_to_each_receiver(config: Path, receiver: Receiver) -> None:
    """And the command prints what came back: exit code 1 where one did not take it."""
    done = call(config, "test")
    assert (done.exit_code, done.stdout) == (0, "ops\tdelivered\nteam\tdelivered\n")
    assert {got.content.get("type", got.content.get("msgtype")) for got in receiver.got} == {"alert.test", "markdown"}
    receiver.answer = lambda _: (401, b"")
    done = call(config, "test", "--to", "team")
    assert (done.exit_code, done.stdout) == (1, "team\trefused: it answered 401\n")
    assert len(receiver.got) == 3
    assert call(config, "test", "--to", "nobody").exit_code == 2


def test_the_list_checks_the_settings(config: Path, tmp_path: Path) -> None:
    """A secret that cannot be used is found here, before something happens."""
    done = call(config, "list")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "ops\tstandard\t127.0.0.1\t0 delivered\t0 given up\t0 waiting\t0 alarms now"
    (tmp_path / "ops.secret").write_text("no secret")
    assert isinstance(call(config, "list").exception, ConfigError)
    (tmp_path / "central.toml").write_text("")
    found = call(config, "list").exception
    assert isinstance(found, InputError)
    assert found.hint.startswith("It names no receiver of alerts.")
    assert "[[alert]]" in found.hint


def test_the_list_has_what_waits(config: Path) -> None:
    """As the store has it, also as JSON."""
    receivers = load(config).alert
    queue = Queue(open_tables(config.parent / "data"), "x", lambda: 0.5)
    queue.keep([each.name for each in receivers])
    queue.look([Condition("behind", "n1")], receivers, 1)
    queue.close()
    assert "1 waiting\t1 alarms now" in call(config, "list").stdout
    found = json.loads(call(config, "list", "--json").stdout)["receivers"]
    assert [(each["name"], each["template"], each["waiting"]) for each in found] == [
        ("ops", "standard", 1),
        ("team", "wecom", 1),
    ]
