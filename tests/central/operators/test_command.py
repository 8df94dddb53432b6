"""`doorstep central user` and `token`, as an admin types them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from central.command import central
from central.operators.operators import OperatorError, Operators
from central.operators.tables import TABLES


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a centre that was never started."""
    path = tmp_path / "central.toml"
    path.write_text("", encoding="utf-8")
    return path


def call(config: Path, *words: str, given: str = "") -> Result:
    """Run a command."""
    return CliRunner().invoke(central, [*words, "--config", str(config)], input=given)


def test_a_first_admin_is_made_and_can_log_in(config: Path) -> None:
    """There is none before, and no password but the one that was given."""
    assert call(config, "user", "list").stdout == ""
    assert call(config, "user", "add", "mei", "--role", "admin", given="correct horse battery\n").exit_code == 0
    assert call(config, "user", "list").stdout.startswith("mei\tadmin\tno one-time codes")
    made = call(config, "user", "passwd", "mei", "--generate", "--no-totp").stdout.split(": ")[1].strip()
    operators = Operators(TABLES.open(config.parent / "data"))
    assert operators.log_in("mei", made, "", "")
    operators.close()
    assert call(config, "user", "remove", "mei").exit_code == 0
    assert call(config, "user", "list").stdout == ""


def test_what_cannot_be_is_refused(config: Path) -> None:
    """A weak password, a strange name, an unknown operator, an endless time."""
    weak = call(config, "user", "add", "mei", "--role", "admin", given="short\n")
    assert isinstance(weak.exception, OperatorError)
    assert "at least 12" in str(weak.exception)
    assert call(config, "user", "add", "mei/x", "--role", "admin").exit_code == 2
    assert isinstance(call(config, "user", "remove", "mei").exception, OperatorError)
    assert call(config, "token", "add", "x", "--scope", "read", "--expires", "9999d").exit_code == 2


def test_a_token_is_printed_once(config: Path) -> None:
    """The list has its name and scopes, not the token."""
    token = call(config, "token", "add", "dashboard", "--scope", "read", "--expires", "30d").stdout.strip()
    shown = call(config, "token", "list").stdout
    assert token.startswith("dst_")
    assert shown.startswith("dashboard\tread\tuntil 20")
    assert token not in shown
    assert call(config, "token", "remove", "dashboard").exit_code == 0
    assert call(config, "token", "list").stdout == ""
