"""`doorstep revoke` with the configuration of a node. (With a centre's: tests/central/enrolment/test_command.py.)"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli.revoke import revoke
from edge.errors import ConfigError, DoorstepError
from edge.identity.credentials import Credentials, Newcomer, add
from edge.identity.revocations import Revocations
from edge.identity.tokens import make_key
from edge.messages.grants import Grant


def run(folder: Path, name: str, *lines: str) -> BaseException | None:
    """Revoke with a configuration of these lines; what was raised."""
    path = folder / "edge.toml"
    path.write_text("\n".join(['node = "n-1"', *lines]))
    return CliRunner().invoke(revoke, [name, "--config", str(path)]).exception


def test_a_clients_line_goes(tmp_path: Path) -> None:
    """Only its own; a second time there is nobody of that name."""
    add(tmp_path / "credentials", [Newcomer("a", ["rider"]), Newcomer("b", ["rider"])])
    assert run(tmp_path, "a") is None
    assert list(Credentials.load(tmp_path / "credentials").clients()) == ["b"]
    assert isinstance(run(tmp_path, "a"), DoorstepError)


@pytest.mark.parametrize("has_line", [True, False])
def test_signed_tokens_end_too(tmp_path: Path, has_line: bool) -> None:
    """Those that were signed until now, of a client with a line or without."""
    add(tmp_path / "credentials", [Newcomer("a" if has_line else "b", ["rider"])])
    make_key(tmp_path / "key.json", tmp_path / "keys.json", "ES256")
    assert run(tmp_path, "a", 'token_keys = "keys.json"', 'token_revoked = "revoked"') is None
    assert ("a", Grant(issued_at=1)) in Revocations(tmp_path / "revoked")
    assert "a" not in Credentials.load(tmp_path / "credentials").clients()


def test_what_cannot_be_ended_is_named(tmp_path: Path) -> None:
    """Tokens without a file of revocations, and a node that asks nobody; the client's line is gone all the same."""
    add(tmp_path / "credentials", [Newcomer("a", ["rider"])])
    make_key(tmp_path / "key.json", tmp_path / "keys.json", "ES256")
    error = run(tmp_path, "a", 'token_keys = "keys.json"')
    assert isinstance(error, ConfigError)
    assert error.field == "token_revoked"
    assert not Credentials.load(tmp_path / "credentials").clients()
    error = run(tmp_path, "a", "anonymous = true")
    assert isinstance(error, ConfigError)
    assert error.field == "anonymous"


def test_a_centres_configuration_is_the_centres(tmp_path: Path) -> None:
    """Without `node` the name is that of a node."""
    path = tmp_path / "central.toml"
    path.write_text("")
    add(tmp_path / "credentials", [Newcomer("shop-7", [])])
    assert CliRunner().invoke(revoke, ["shop-7", "--config", str(path)]).exit_code == 0
    assert not Credentials.load(tmp_path / "credentials").clients()
