"""Whether a node has signed what it states, and the centre's own signature below a reconciliation that is kept."""

from base64 import b64encode
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from edge.messages.sync.statement import SIGNED, SignedStatement, decode_statement

from .reconcile import Reconciliation

UNSIGNED: Final = "unsigned"


class Signature(Struct, frozen=True):
    """Of a statement: `by` is the SHA-256 of the node's certificate, empty where it has none; `word` is what it is
    worth."""

    by: str
    word: str
    is_wrong: bool = False


def signature_of(signed: SignedStatement, node: str, authority: bytes | None) -> Signature:
    """What the signature of a statement is worth; `authority` is the PEM of the centre's, None where it has none."""
    if not signed.signature:
        return Signature("", f"{UNSIGNED}: the node is not enrolled")
    from hashlib import sha256

    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    by = sha256(signed.certificate).hexdigest()
    if authority is None:
        return Signature(by, "not checked: this centre has no authority")
    try:
        certificate = x509.load_der_x509_certificate(signed.certificate)
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
        names = [each.value for each in certificate.subject]
        key = certificate.public_key()
        if names != [node] or not isinstance(key, ec.EllipticCurvePublicKey):
            return Signature(by, f"wrong: its certificate is that of {', '.join(map(str, names))}", is_wrong=True)
        key.verify(signed.signature, SIGNED + signed.body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, TypeError) as error:
        return Signature(by, f"wrong: {type(error).__name__}", is_wrong=True)
    return Signature(by, "signed by the node")


def document(found: Reconciliation, signed: list[SignedStatement], words: list[Signature], at: str, by: str) -> bytes:
    """The text to keep: both sides, and the node's statements as they came. `at` is when, `by` whose centre."""
    statements: list[dict[str, Any]] = [
        {
            "number": decode_statement(each.body).number,
            "signature": word.word,
            "certificate_sha256": word.by,
            "body": b64encode(each.body).decode(),
            "signature_der": b64encode(each.signature).decode(),
            "certificate_der": b64encode(each.certificate).decode(),
        }
        for each, word in zip(signed, words, strict=True)
    ]
    whole = {"centre": by, "made_at": at, "reconciliation": asdict(found), "statements": statements}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"
