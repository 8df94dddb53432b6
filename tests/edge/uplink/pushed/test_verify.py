"""Whose settings they are: signed by the authority of the node's certificate, and by nobody else."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from central.enrolment.authority import CertificateAuthority, der
from edge.uplink.pushed.verify import Question, SignatureError, verify, wrong


def authority(folder: Path) -> CertificateAuthority:
    """A new one."""
    folder.mkdir()
    CertificateAuthority.make(folder, "centre")
    return CertificateAuthority.load("central.toml", str(folder / "ca.pem"), str(folder / "ca.key"))


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Question:
    """One whose answer is yes."""
    folder = tmp_path_factory.mktemp("verify")
    mine = authority(folder / "mine")
    leaf = mine.sign_node("n-1", ec.generate_private_key(ec.SECP256R1()).public_key())
    (folder / "uplink.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    return Question(str(folder / "uplink.pem"), der(mine.certificate), mine.sign(b"settings"), b"settings")


def test_the_own_authority_is_believed(question: Question) -> None:
    """In the process of its own, too."""
    assert wrong(question) == ""
    asyncio.run(verify(question))


def test_others_are_not(question: Question, tmp_path: Path) -> None:
    """Another authority, other bytes, no certificate, no file: each with its reason."""
    other = authority(tmp_path / "other")
    foreign = msgspec.structs.replace(question, signer=der(other.certificate), signature=other.sign(b"settings"))
    assert "somebody else" in wrong(foreign)
    assert "not that of these" in wrong(msgspec.structs.replace(question, signed=b"settings!"))
    assert "not that of these" in wrong(msgspec.structs.replace(question, signature=b"nothing"))
    assert "cannot be read" in wrong(msgspec.structs.replace(question, signer=b"nothing"))
    assert "cannot be read" in wrong(msgspec.structs.replace(question, identity=str(tmp_path / "none")))
    with pytest.raises(SignatureError, match="somebody else"):
        asyncio.run(verify(foreign))


def test_a_process_that_cannot_be_had_is_no_yes(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node without the library, or without room for a process, refuses."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SignatureError, match="cannot be checked now"):
        asyncio.run(verify(question))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SignatureError, match="cannot be checked here"):
        asyncio.run(verify(question))


def test_a_nodes_own_certificate_is_no_authority(question: Question, tmp_path: Path) -> None:
    """Whoever has a node's key cannot sign for its neighbours: a node's certificate is no authority's."""
    mine = x509.load_pem_x509_certificates(Path(question.identity).read_bytes())[0]
    assert "somebody else" in wrong(msgspec.structs.replace(question, signer=der(mine)))
