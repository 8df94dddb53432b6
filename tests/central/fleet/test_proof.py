"""What the signature of a statement is worth."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from central.enrolment.authority import CertificateAuthority, der
from central.fleet.proof import Signature, signature_of
from edge.messages.sync.statement import SIGNED, SignedStatement


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """Of a centre."""
    CertificateAuthority.make(tmp_path, "centre")
    return CertificateAuthority.load("central.toml", str(tmp_path / "ca.pem"), str(tmp_path / "ca.key"))


def stated(authority: CertificateAuthority, name: str = "n1") -> SignedStatement:
    """Signed by a node of this authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = der(authority.sign_node(name, key.public_key()))
    return SignedStatement(
        body=b"body", signature=key.sign(SIGNED + b"body", ec.ECDSA(hashes.SHA256())), certificate=certificate
    )


def test_only_the_node_s_own_signature_counts(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Not that of another node, of another authority, below another body, or of something that is no certificate."""
    good, pem = stated(authority), authority.pem.encode()
    assert signature_of(good, "n1", pem).word == "signed by the node"
    (tmp_path / "other").mkdir()
    CertificateAuthority.make(tmp_path / "other", "centre")
    other = (tmp_path / "other" / "ca.pem").read_bytes()
    for signed, node, by in (
        (good, "n2", pem),
        (good, "n1", other),
        (SignedStatement(body=b"bodies", signature=good.signature, certificate=good.certificate), "n1", pem),
        (SignedStatement(body=b"body", signature=good.signature, certificate=b"none"), "n1", pem),
        (SignedStatement(body=b"body", signature=b"none", certificate=good.certificate), "n1", pem),
    ):
        found = signature_of(signed, node, by)
        assert (found.is_wrong, found.word.partition(":")[0]) == (True, "wrong")


def test_what_is_not_signed_is_not_wrong(authority: CertificateAuthority) -> None:
    """It is the word of whoever had the token; a centre without an authority cannot check."""
    assert signature_of(SignedStatement(body=b"body"), "n1", None) == Signature(
        "", "unsigned: the node is not enrolled"
    )
    assert signature_of(stated(authority), "n1", None).word.startswith("not checked")
