"""`doorstep export` on a journal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli.journal.export import export
from edge.errors import DoorstepError, InputError
from edge.identity.pseudonyms import KEY_FILE, Pseudonyms, new_key
from tests.edge.erasure.lives import OTHERS, PARTIES, Life
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


def test_pseudonyms_hide_everybody_and_lead_back(tmp_path: Path) -> None:
    """Of each party: no client's name, no words of a person; the same pseudonym in each export; and at the node the
    pseudonym leads to the name, and to the same messages."""
    Life().evening().write(tmp_path / "data")
    key = new_key()
    (tmp_path / "data" / KEY_FILE).write_text(key)
    known = Pseudonyms(bytes.fromhex(key))
    everybody = {**PARTIES, **OTHERS}

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(export, [*arguments, "--journal", str(tmp_path / "data")], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    for client in everybody.values():
        hidden = call(client, "--pseudonyms")
        assert json.loads(hidden)["client"] == known.of(client)
        assert not [name for name in (*everybody.values(), "bell") if name in hidden]
        assert call(known.of(client)) == call(client)
        assert call(known.of(client), "--pseudonyms") == hidden
    assert known.of(PARTIES["shop"]) in call(PARTIES["customer"], "--pseudonyms")
    with pytest.raises(DoorstepError, match="has the pseudonym"):
        call(known.of("nobody"))
