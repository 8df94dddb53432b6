"""`doorstep credential`, as it is typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli.credential import credential
from edge.errors import InputError
from edge.identity.credentials import Credentials
from edge.identity.revocations import Revocations
from edge.identity.tokens import TokenKeys
from edge.messages.grants import Grant


def test_the_command(tmp_path: Path):
    """`doorstep credential` adds, lists and removes; the token is all that goes to stdout."""
    run, path = CliRunner().invoke, tmp_path / "credentials"
    added = run(credential, ["add", "--file", str(path), "c1", "--role", "shop"])
    assert added.exit_code == 0
    assert Credentials.load(path).verify("c1", added.stdout.strip().encode())
    assert "only time" in added.stderr
    assert run(credential, ["list", "--file", str(path)]).stdout == "c1\tshop\tc1\n"
    assert run(credential, ["remove", "--file", str(path), "c1"]).exit_code == 0
    again = run(credential, ["remove", "--file", str(path), "c1"])
    assert isinstance(again.exception, InputError)
    assert "doorstep credential list" in str(again.exception)


def test_a_token_is_changed_in_two_steps(tmp_path: Path):
    """`add --second` keeps roles and the old token, `remove --older` ends that; each of them states its misuse."""
    run, file = CliRunner().invoke, ["--file", str(tmp_path / "credentials")]
    first = run(credential, ["add", *file, "c1", "--role", "rider"]).stdout.strip()
    assert run(credential, ["add", *file, "c1", "--second", "--replace"]).exit_code == 2
    second = run(credential, ["add", *file, "c1", "--second"]).stdout.strip()
    loaded = Credentials.load(tmp_path / "credentials")
    assert loaded.verify("c1", first.encode()) == loaded.verify("c1", second.encode()) == Grant(("rider",))
    assert "older token of c1" in run(credential, ["remove", *file, "--older", "c1"]).stderr
    assert not Credentials.load(tmp_path / "credentials").verify("c1", first.encode())
    again = run(credential, ["remove", *file, "--older", "c1"])
    assert "no second token" in str(again.exception)


def test_many_clients_come_from_a_table(tmp_path: Path):
    """`import` reads names, roles and shops, also as a spreadsheet writes them, and prints a token for each."""
    table, path = tmp_path / "clients.csv", tmp_path / "credentials"
    table.write_bytes(b"\xef\xbb\xbf# who,what\r\nrider-7,rider\r\n\r\ntill-2,shop customer, shop-4\r\n")
    done = CliRunner().invoke(credential, ["import", "--file", str(path), str(table)])
    tokens = dict(line.split(",") for line in done.stdout.splitlines())
    loaded = Credentials.load(path)
    assert {client: loaded.verify(client, token.encode()) for client, token in tokens.items()} == loaded.clients()
    assert loaded.clients() == {"rider-7": Grant(("rider",)), "till-2": Grant(("customer", "shop"), "shop-4")}


@pytest.mark.parametrize(
    ("table", "words"),
    [(b"a,rider,s,x\n", "at most three"), (b"\xff\n", "cannot be read"), (b"a,king\n", "not a role")],
)
def test_a_table_with_a_mistake_changes_nothing(tmp_path: Path, table: bytes, words: str):
    """The error names the line or what is wrong."""
    (tmp_path / "clients.csv").write_bytes(table)
    run = CliRunner().invoke
    done = run(credential, ["import", "--file", str(tmp_path / "credentials"), str(tmp_path / "clients.csv")])
    assert isinstance(done.exception, InputError)
    assert words in str(done.exception)
    assert not (tmp_path / "credentials").exists()


def test_a_key_signs_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`key` and `token` in an empty folder, without any option but the role."""
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert run(credential, ["key"]).exit_code == 0
    signed = run(credential, ["token", "c-1", "--role", "customer", "--expires", "1d"])
    assert isinstance(
        TokenKeys.load("token-keys.json", "doorstep").verify("c-1", signed.stdout.strip().encode()), Grant
    )
    assert "its jti is" in signed.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["c-1"], "Give at least one --role"),
        (["c-1", "--role", "customer", "--expires", "1w"], "not a time of up to 366d"),
        (["c-1", "--role", "customer", "--expires", "367d"], "not a time of up to 366d"),
        (["c-1", "--role", "customer", "--expires", "0s"], "not a time of up to 366d"),
    ],
)
def test_a_token_needs_a_role_and_an_end(tmp_path: Path, arguments: list[str], words: str):
    """What is missing is named, before a key is looked for."""
    done = CliRunner().invoke(credential, ["token", *arguments])
    assert done.exit_code == 2
    assert words in done.stderr


def test_tokens_are_revoked_by_client_or_one_by_one(tmp_path: Path):
    """Either a client or a `jti`, not both and not none."""
    run, path = CliRunner().invoke, tmp_path / "revoked"
    assert run(credential, ["revoke", "--file", str(path), "c-1"]).exit_code == 0
    assert run(credential, ["revoke", "--file", str(path), "--jti", "j-1"]).exit_code == 0
    for wrong in ([], ["c-1", "--jti", "j-1"], ["a b"]):
        assert run(credential, ["revoke", "--file", str(path), *wrong]).exit_code == 2
    revocations = Revocations(path)
    assert ("c-1", Grant(issued_at=1)) in revocations
    assert ("c-2", Grant(token_id="j-1")) in revocations
    assert ("c-2", Grant(issued_at=1)) not in revocations


@pytest.mark.parametrize("command", ["add", "import", "remove", "list", "key", "token", "revoke"])
def test_every_help_has_an_example(command: str):
    """Help shows a line that can be copied."""
    assert f"doorstep credential {command}" in CliRunner().invoke(credential, [command, "--help"]).stdout
