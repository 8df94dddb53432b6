"""`doorstep reconcile`, as it is typed, and the statement that is kept."""

import asyncio
import json
import subprocess
from base64 import b64decode
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from central.config import load
from central.enrolment.files import prepare
from central.fleet.reconcile_command import reconcile
from central.store.open import open_store
from edge.identity.files import write_atomic
from edge.messages.sync.statement import SignedStatement
from edge.messages.sync.statement import encode as encode_statement
from edge.uplink.statements.signing import signed
from tests.central.sides import Sides, window
from tests.central.stores import START

INVITING = 'listen_tls = "127.0.0.1:8884"\nadvertised_address = "centre.example:8884"\n'
DAY = "2026-01-01"


def made(folder: Path, settings: str = "") -> Sides:
    """A centre with a day of a node."""
    (folder / "central.toml").write_text(f'data_dir = "data"\n{settings}')
    (folder / "data").mkdir(mode=0o700)
    sides = Sides(open_store(folder / "data"))
    for minute in range(3):
        assert sides.send(window(minute, x=5)) == ""
    return sides


def call(folder: Path, *words: str, day: str = DAY, node: str = "n1") -> Result:
    """The command's outcome."""
    return CliRunner().invoke(
        reconcile, ["--node", node, "--day", day, "--config", str(folder / "central.toml"), *words]
    )


def test_both_sides_in_words_and_as_json(tmp_path: Path) -> None:
    """A good day, one that nobody has stated, and one with a fault: exit code, window and counter."""
    sides = made(tmp_path)
    assert call(tmp_path).exit_code == 3
    sides.state()
    good = call(tmp_path)
    assert (good.exit_code, "Both sides have the same." in good.output) == (0, True)
    assert "unsigned: the node is not enrolled" in good.output
    sides.store.driver.run("delete from minute where number = 2")
    sides.store.close()
    bad = call(tmp_path)
    assert bad.exit_code == 1
    assert "lost: window dispatch 2026-01-01 00:01 (60 s), the centre does not have it; counters x" in bad.output
    assert "dispatch x: node 15, centre 10" in bad.output
    found = json.loads(call(tmp_path, "--json").stdout)
    assert [(each["what"], each["start"]) for each in found["differences"]] == [("lost", START + 60_000)]


@pytest.mark.parametrize(
    ("words", "hint"),
    [({"day": "yesterday"}, "write it as 2026-01-31"), ({"node": "n2"}, "The store knows no node 'n2'")],
)
def test_each_mistake_is_named(tmp_path: Path, words: dict[str, str], hint: str) -> None:
    """With what to do."""
    made(tmp_path).store.close()
    done = call(tmp_path, **words)
    assert (done.exit_code, hint in done.output) == (2, True)


def test_a_statement_is_signed_and_verified_with_openssl(tmp_path: Path) -> None:
    """The node signs in another process; the centre signs what is kept, which the documented command verifies; a body
    that was changed is found."""
    sides = made(tmp_path, INVITING)
    path = str(tmp_path / "central.toml")
    _, authority, register = prepare(path, load(path))
    register.close()
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate = authority.sign_node("n1", key.public_key()).public_bytes(serialization.Encoding.PEM)
    write_atomic(tmp_path / "uplink.pem", (key.private_bytes(*form) + certificate).decode())
    (statement,) = sides.state(keep=False)
    good = asyncio.run(signed(encode_statement(statement), tmp_path / "uplink.pem"))
    assert sides.publish(good) == ""
    done = call(tmp_path, "--to", str(tmp_path / "kept.json"))
    assert (done.exit_code, "statements signed by the node" in done.output) == (0, True)
    kept = json.loads((tmp_path / "kept.json").read_bytes())
    assert b64decode(kept["statements"][0]["body"]) == good.body
    commands = (
        "openssl x509 -in data/enrolment/ca.pem -pubkey -noout > ca.pub",
        "openssl dgst -sha256 -verify ca.pub -signature kept.json.sig kept.json",
    )
    page = Path("docs/centre.md").read_text(encoding="utf-8")
    for command in commands:
        assert command.replace("data/enrolment", "enrolment").replace("kept.", "shop-7.") in page
        subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    (tmp_path / "kept.json").write_bytes((tmp_path / "kept.json").read_bytes() + b" ")
    assert subprocess.run(commands[1], shell=True, cwd=tmp_path, check=False).returncode != 0
    sides.store.driver.run("delete from statement")
    false = SignedStatement(
        body=encode_statement(msgspec.structs.replace(statement, events=99)),
        signature=good.signature,
        certificate=good.certificate,
    )
    assert sides.publish(false) == ""
    sides.store.close()
    bad = call(tmp_path)
    assert (bad.exit_code, "statements wrong: InvalidSignature" in bad.output) == (1, True)
