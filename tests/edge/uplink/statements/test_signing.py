"""Signing happens in another process; where it fails, that is named."""

import asyncio
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.errors import InputError
from edge.messages.sync.statement import SIGNED
from edge.uplink.enrolment import IDENTITY
from edge.uplink.statements.signing import signed
from tests.edge.certified import enrolled


def test_a_signature_is_that_of_the_certificate(tmp_path: Path) -> None:
    """Over the body and nothing else."""
    enrolled(tmp_path)
    made = asyncio.run(signed(b"body", tmp_path / IDENTITY))
    key = x509.load_der_x509_certificate(made.certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(made.signature, SIGNED + b"body", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(made.signature, b"body", ec.ECDSA(hashes.SHA256()))


def test_what_cannot_sign_is_named(tmp_path: Path) -> None:
    """A file that is not there."""
    with pytest.raises(InputError, match=r"uplink.pem: It did not sign a statement"):
        asyncio.run(signed(b"body", tmp_path / IDENTITY))
