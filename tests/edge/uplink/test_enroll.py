"""The conversation with the centre: each thing that can go wrong is named, and costs no code."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from bench.lab.programs import make_certificates
from bench.lab.settings import free_port
from bench.lab.site import fetch
from edge.errors import InputError
from edge.identity.invitation import Invitation, new_code, parse
from edge.uplink.enroll import EnrolError, enroll
from edge.uplink.enrolment import IDENTITY, PENDING, read
from tests.enrolled import EnrolledSite, enrolling


@pytest.fixture
def made(tmp_path: Path) -> Iterator[EnrolledSite]:
    """A running centre."""
    with enrolling(tmp_path) as site:
        site.centre.start()
        yield site


def test_a_node_is_enrolled_and_a_second_one_is_not(made: EnrolledSite, tmp_path: Path) -> None:
    """The first gets its files; another box with the same string learns that it was used, and what to do."""
    invitation = parse(made.invite())
    kept = enroll(made.node_data, invitation)
    assert kept == read(made.node_data, "n-1")
    assert kept.settings.uplink == f"mqtts://{invitation.address}"
    assert sorted(path.name for path in made.node_data.iterdir()) == ["uplink.json", "uplink.pem"]
    with pytest.raises(EnrolError, match="used already"):
        enroll(tmp_path / "thief", invitation)
    assert not (tmp_path / "thief" / IDENTITY).exists()


DIES = """
import os, sys
from pathlib import Path
from edge.identity import files
from edge.identity.invitation import parse
from edge.uplink import enroll, enrolment

left = int(sys.argv[3])

def dies(*_, **__):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)

def write(path, text):
    dies()
    files.write_atomic(path, text)

enroll.write_atomic = enrolment.write_atomic = write
Path.unlink = dies
enroll.enroll(sys.argv[1], parse(sys.argv[2]))
"""
"""`doorstep enroll` that is killed before so many steps: the key, the settings, the certificate, the key that goes."""


def test_a_power_cut_at_any_step_costs_no_code(made: EnrolledSite, tmp_path: Path) -> None:
    """The key is on disk before anybody knows of it: who asks again with the string is enrolled, whatever was done."""
    for steps in range(4):
        string, folder = made.invite("--replace"), tmp_path / f"node-{steps}"
        command = [sys.executable, "-c", DIES, str(folder), string, str(steps)]
        assert subprocess.run(command, check=False, timeout=60).returncode == -9
        before = (folder / IDENTITY).read_text() if steps == 3 else ""
        kept = enroll(folder, parse(string))
        assert kept == read(folder, "n-1")
        assert (folder / IDENTITY).read_text().startswith(before)
        assert sorted(path.name for path in folder.iterdir()) == ["uplink.json", "uplink.pem"]


def test_another_invitation_makes_another_key(made: EnrolledSite) -> None:
    """Also where that of the one before is still there: a new one is to end what may have leaked."""
    string = made.invite()
    enroll(made.node_data, parse(string))
    (key, _, _) = (made.node_data / IDENTITY).read_text().partition("-----BEGIN CERTIFICATE")
    (made.node_data / PENDING).touch(0o600)
    code = sha256(parse(string).code.encode()).hexdigest()
    (made.node_data / PENDING).write_text(f"{code}\n{key}")  # as if the box had died before it removed it
    enroll(made.node_data, parse(made.invite("--replace")))
    assert key not in (made.node_data / IDENTITY).read_text()


def test_each_thing_that_is_wrong_is_named(made: EnrolledSite, tmp_path: Path) -> None:
    """An unknown code, another centre behind the address, nobody there, no name: and the right string works then."""
    right = parse(made.invite())
    wrong = [
        (right._replace(code=new_code()), "doorstep central invite n-1"),
        (right._replace(fingerprint=bytes(32)), "The code was not sent"),
        (right._replace(address=f"127.0.0.1:{free_port()}"), "cannot be reached"),
        (right._replace(address="centre.invalid:8884"), "centre.invalid"),
        (right._replace(address="centre..invalid:8884"), "is unknown here"),
        (right._replace(address=f"{'x' * 64}.invalid:8884"), "is unknown here"),
        (right._replace(address=f"127.0.0.1:{made.api_port}"), "speaks no TLS"),
        (right._replace(address=right.address.replace("127.0.0.1", "localhost")), "The code was not sent"),
    ]
    for invitation, words in wrong:
        with pytest.raises(EnrolError, match=words):
            enroll(tmp_path / "node", invitation)
    enroll(tmp_path / "node", right)


def test_guesses_are_priced_as_wrong_tokens_and_cost_no_invitation(made: EnrolledSite, tmp_path: Path) -> None:
    """Each counts against its address, by which further ones are held off; who has the string comes in."""
    right = parse(made.invite())
    for _ in range(5):
        with pytest.raises(EnrolError, match="bad user name or password"):
            enroll(tmp_path / "guess", right._replace(code=new_code()))
    listener = fetch(made.api_port, "/api/nodes")["listener"]
    assert listener["connects_refused_credentials"] == 5
    assert listener["connects_refused_from"].startswith("127.0.0.1 (")
    enroll(tmp_path / "node", right)


def test_a_folder_of_somebody_else_is_refused(made: EnrolledSite, tmp_path: Path) -> None:
    """Before anything is asked; so is one that cannot be made."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        enroll(tmp_path / "file" / "data", parse(made.invite()))


class Impostor:
    """Speaks TLS with a certificate of its own, and records what it receives."""

    def __init__(self, folder: Path) -> None:
        _, chain, key = make_certificates(folder)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(chain, key)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.received = b""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    self.received += secured.recv(65_536)
            except OSError:
                return

    def close(self) -> None:
        self._server.close()


def test_a_machine_between_receives_no_code(tmp_path: Path) -> None:
    """It has a certificate for the very name, of another authority: nothing is sent to it."""
    between = Impostor(tmp_path)
    invitation = Invitation("n-1", f"127.0.0.1:{between.port}", "centre", bytes(range(32)), new_code())
    with pytest.raises(EnrolError, match="not the centre of this invitation"):
        enroll(tmp_path / "node", invitation)
    between.close()
    assert between.received == b""
