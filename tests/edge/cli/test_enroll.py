"""`doorstep enroll`: what it refuses before it asks anybody. (The conversation is in tests/edge/uplink.)"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli.enroll import enroll
from edge.errors import ConfigError
from edge.identity.invitation import Invitation, InvitationError, new_code
from tests.enrolled import enrolling

STRING = str(Invitation("n-1", "127.0.0.1:1", "centre", bytes(32), new_code()))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('node = "n-2"', "node"),
        ('node = "n-1"\nuplink = "mqtt://127.0.0.1:1"', "uplink"),
        ('node = "n-1"\nuplink = "mqtts://127.0.0.1:1"\nuplink_name = "other"', "uplink_name"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, field: str) -> None:
    """The option, before anything is made."""
    path = tmp_path / "edge.toml"
    path.write_text(text)
    done = CliRunner().invoke(enroll, [STRING, "--config", str(path)])
    assert isinstance(done.exception, ConfigError)
    assert done.exception.field == field
    assert not (tmp_path / "data").exists()


def test_a_string_that_is_none_is_refused_first(tmp_path: Path) -> None:
    """Also where the configuration is not there yet."""
    done = CliRunner().invoke(enroll, ["nothing", "--config", str(tmp_path / "none.toml")])
    assert isinstance(done.exception, InvitationError)


def test_the_string_may_come_from_standard_input(tmp_path: Path) -> None:
    """The first line, however long it is: an invitation for another node is known as such, ten megabytes are none."""
    (tmp_path / "edge.toml").write_text('node = "n-2"')
    words = ["-", "--config", str(tmp_path / "edge.toml")]
    assert "is for n-1" in str(CliRunner().invoke(enroll, words, input=f"{STRING}\n").exception)
    assert isinstance(CliRunner().invoke(enroll, words, input="x" * 10_000_000).exception, InvitationError)


def test_it_prints_what_comes_next(tmp_path: Path) -> None:
    """Days, what to do with the node, and that its token can go."""
    with enrolling(tmp_path, uplink_token_file="token") as made:
        made.centre.start()
        done = made.command("enroll", made.invite(), "--config", "edge.toml")
    assert done.returncode == 0, done.stderr
    assert "good for 90 days" in done.stdout
    assert "remove uplink_token_file" in done.stderr
    assert "Start the node" in done.stderr


def test_a_clock_that_is_wrong_is_named(tmp_path: Path) -> None:
    """One that was never set, and one that is years ahead, take the centre's certificate for one of another time; the
    code is as good afterwards."""
    with enrolling(tmp_path) as made:
        made.centre.start()
        invitation = made.invite()
        for days in (-300, 500):
            made.shift(days=days)
            assert "This box's clock shows" in made.enroll(invitation)
        made.shift(days=0)
        assert made.enroll(invitation) == ""
