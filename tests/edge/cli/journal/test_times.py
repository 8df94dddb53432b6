"""`doorstep times` on journals: sentences, JSON, one shop, and what it finds nothing about."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli.journal.times import times
from edge.core.node import Node
from edge.core.replay import Replay
from edge.errors import InputError
from edge.journal.reader import JournalReader
from edge.scenarios.loader import available, load
from tests.edge.recorded import hour, journal


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite3"
    journal(path, hour(8))
    return path


def call(*arguments: str) -> Result:
    """The command with its options, in UTC."""
    return CliRunner().invoke(times, list(arguments), env={"TZ": "UTC"})


def test_a_person_reads_what_was_learned(path: Path) -> None:
    """The node's own figures, then those of each shop."""
    result = call("--journal", str(path.parent))
    assert result.exit_code == 0, result.output
    assert "shop-1\n" in result.stdout
    assert "  all hours, 1 order that stated a time: ready " in result.stdout


def test_the_configuration_names_the_journal(path: Path) -> None:
    """As for other commands; both at once are refused."""
    config = path.parent / "edge.toml"
    config.write_text(f'node = "shop-1"\nlisten = "127.0.0.1:1883"\ndata_dir = "{path.parent}"\n')
    assert call("--config", str(config)).stdout == call("--journal", str(path)).stdout
    assert call("--config", str(config), "--journal", str(path)).exit_code == 2


def test_a_program_reads_json(path: Path) -> None:
    """The same as data; of one shop only its own."""
    whole = json.loads(call("--journal", str(path), "--json").stdout)
    assert {one["shop"] for one in whole["preparation"]} == {"shop-1"}
    one = json.loads(call("shop-1", "--journal", str(path), "--json").stdout)
    assert one["preparation"] == whole["preparation"]
    assert one["pace"] == []


def test_an_unknown_shop_is_no_success(path: Path, tmp_path: Path) -> None:
    """Exit 1 and a sentence; a missing journal is an error of its own."""
    result = call("nobody", "--journal", str(path))
    assert result.exit_code == 1
    assert "Nothing was learned of 'nobody' yet" in result.stderr
    assert isinstance(call("--journal", str(tmp_path)).exception, InputError)


def test_it_is_what_the_node_has(path: Path) -> None:
    """The snapshot of a node that recovers the journal has the same times, and replay reports no difference."""
    with JournalReader.open(path) as reader:
        rows = [body for _, body in reader.rows(0)]
    node, again = (Node(load(available())) for _ in range(2))
    replay = Replay(again, None)
    assert [difference for body in rows if (difference := replay.feed(body)) is not None] == []
    node.recover(None, rows)
    assert node.snapshot() == again.snapshot()
