"""`doorstep export` on a journal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli.journal.export import export
from edge.errors import DoorstepError, InputError
from tests.edge.recorded import hour, journal


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite3"
    journal(path, hour(5))
    return path


def exported(path: Path, client: str) -> dict[str, object]:
    """What is written of a client."""
    done = CliRunner().invoke(export, [client, "--journal", str(path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_everything_of_a_customer_and_nothing_of_others(path: Path) -> None:
    """Its orders with their doors, the receipts and updates to it; no message that another one sent or was sent."""
    found = exported(path, "alice")
    messages = found["messages"]
    assert isinstance(messages, list)
    kinds = {(each["direction"], each["kind"]) for each in messages}
    assert kinds >= {("up", "order.place"), ("down", "receipt"), ("down", "update")}
    assert ("down", "assignment") not in kinds
    assert "lat" in messages[0]["fields"]["dropoff"]


def test_a_name_inside_another_is_somebody_else(path: Path) -> None:
    """Of r-1 nothing of r-10 or r-12 is shown, and rows of others that name it are counted only."""
    found = exported(path, "r-1")
    assert found["messages"]
    assert "r-10" not in json.dumps(found)


def test_nobody_is_an_error(path: Path) -> None:
    """A client that the journal does not know, and a journal that is none."""
    with pytest.raises(DoorstepError, match="Nothing of 'eve-9'"):
        CliRunner().invoke(export, ["eve-9", "--journal", str(path)], catch_exceptions=False)
    with pytest.raises(InputError, match="no such journal"):
        CliRunner().invoke(export, ["alice", "--journal", str(path.parent / "x")], catch_exceptions=False)
