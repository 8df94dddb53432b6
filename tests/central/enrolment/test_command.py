"""`doorstep central invite` and `retire`, and revoking at the centre, as they are typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from central.command import central
from central.enrolment.command import COUNT_MAX, revoke
from central.enrolment.files import FOLDER
from central.enrolment.register import Register, RegisterError
from edge.errors import ConfigError, DoorstepError
from edge.identity.credentials import Credentials, Newcomer, add
from edge.identity.invitation import parse

DAY_MS = 86_400_000
INVITING = 'listen_tls = "127.0.0.1:8884"\nadvertised_address = "centre.example:8884"\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    """The configuration of a centre that invites."""
    path = tmp_path / "central.toml"
    path.write_text(INVITING)
    return str(path)


def register(config: str) -> Register:
    return Register(Path(config).parent / "data" / FOLDER)


def test_one_string_for_each_node(config: str) -> None:
    """Nothing else goes to stdout; each is another code of the same centre, and good once."""
    done = CliRunner().invoke(central, ["invite", "shop", "--count", "40", "--expires", "7d", "--config", config])
    assert done.exit_code == 0
    made = [parse(line) for line in done.stdout.splitlines()]
    assert [each.node for each in made] == [f"shop-{number}" for number in range(1, 41)]
    assert {each.address for each in made} == {"centre.example:8884"}
    assert len({each.fingerprint for each in made}) == 1
    assert len({each.code for each in made}) == 40
    assert "Good once, until" in done.stderr
    found = register(config)
    assert all(found.invited(each.node, each.code.encode()) for each in made)
    found.close()


def test_one_name_is_that_node(config: str) -> None:
    """A second time only with --replace."""
    words = ["invite", "shop-7", "--expires", "12h", "--config", config]
    first = CliRunner().invoke(central, words)
    assert parse(first.stdout.strip()).node == "shop-7"
    assert isinstance(CliRunner().invoke(central, words).exception, RegisterError)
    again = CliRunner().invoke(central, [*words, "--replace"])
    assert again.exit_code == 0
    assert again.stdout != first.stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["shop", "--expires", "0d"], "--expires"),
        (["shop", "--expires", "31d"], "30d"),
        (["shop", "--expires", "7"], "7d"),
        (["shop"], "--expires"),
        (["Shop", "--expires", "7d"], "lower-case"),
        (["shop", "--expires", "7d", "--count", "0"], "--count"),
        (["shop", "--expires", "7d", "--count", str(COUNT_MAX + 1)], "--count"),
        (["x" * 63, "--expires", "7d", "--count", "2"], "lower-case"),
    ],
)
def test_each_mistake_is_named(config: str, words: list[str], hint: str) -> None:
    """And then nobody is invited."""
    done = CliRunner().invoke(central, ["invite", *words, "--config", config])
    assert done.exit_code == 2
    assert hint in done.output
    assert not (Path(config).parent / "data").exists()


def test_a_centre_that_invites_nobody_names_what_it_needs(tmp_path: Path) -> None:
    """The option, with an example."""
    path = tmp_path / "central.toml"
    path.write_text("")
    done = CliRunner().invoke(central, ["invite", "shop", "--expires", "7d", "--config", str(path)])
    assert isinstance(done.exception, ConfigError)
    assert done.exception.field == "advertised_address"


def test_the_option_of_the_centre_is_not_that_of_its_commands(config: str) -> None:
    """Written before the command it is refused, not forgotten."""
    done = CliRunner().invoke(central, ["--config", config, "retire", "shop"])
    assert done.exit_code == 2
    assert "after retire" in done.output


def test_a_retired_node_is_out_for_good(config: str) -> None:
    """Its token goes too, and its name is not given again."""
    credentials = Path(config).parent / "credentials"
    add(credentials, [Newcomer("shop-7", []), Newcomer("shop-8", [])])
    assert CliRunner().invoke(central, ["retire", "shop-7", "--config", config]).exit_code == 0
    assert list(Credentials.load(credentials).clients()) == ["shop-8"]
    done = CliRunner().invoke(central, ["invite", "shop-7", "--expires", "7d", "--replace", "--config", config])
    assert "another name" in str(done.exception)


def test_nobody_is_retired_by_a_slip(config: str) -> None:
    """A name that the centre does not know is no node; it can be invited as before."""
    done = CliRunner().invoke(central, ["retire", "shpo-7", "--config", config])
    assert "check the name" in str(done.exception)
    assert CliRunner().invoke(central, ["invite", "shpo-7", "--expires", "7d", "--config", config]).exit_code == 0
    assert CliRunner().invoke(central, ["retire", "shpo-7", "--config", config]).exit_code == 0


def test_revoking_ends_token_and_invitation(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a node that has either; a name that has neither is named."""
    add(tmp_path / "credentials", [Newcomer("shop-7", [])])
    revoke("shop-7", config)
    assert not Credentials.load(tmp_path / "credentials").clients()
    CliRunner().invoke(central, ["invite", "shop-8", "--expires", "7d", "--config", config])
    revoke("shop-8", config)
    assert "doorstep central invite shop-8" in capsys.readouterr().err
    with pytest.raises(DoorstepError, match="shop-8"):
        revoke("shop-8", config)


def test_revoking_at_a_centre_of_tokens(tmp_path: Path) -> None:
    """It needs no enrolment, and makes none."""
    path = tmp_path / "central.toml"
    path.write_text("")
    add(tmp_path / "credentials", [Newcomer("shop-7", [])])
    revoke("shop-7", str(path))
    assert not (tmp_path / "data").exists()
    with pytest.raises(DoorstepError, match="shop-7"):
        revoke("shop-7", str(path))
