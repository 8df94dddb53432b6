"""Whether settings are signed by the authority that has signed this node's certificate. A process of its own looks."""

import sys
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ...errors import DoorstepError
from ..child import asked

VERIFY_S_MAX: Final = 20.0
"""The process takes half a second on a slow box."""

_REASON_BYTES_MAX: Final = 4_096


class SignatureError(DoorstepError):
    """Why a signature does not count."""


class Question(Struct, frozen=True):
    """Whether `signature` is that of `signed` by the key of `signer` (DER), which has also signed the first certificate
    in the file `identity` (PEM)."""

    identity: str
    signer: bytes
    signature: bytes
    signed: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Question).decode


async def verify(question: Question) -> None:
    """Ask the other process. Raises SignatureError."""
    try:
        code, answer = await asked(__name__, _encode(question), VERIFY_S_MAX)
    except TimeoutError:
        raise SignatureError(f"The signature could not be checked within {VERIFY_S_MAX:.0f} s.") from None
    except OSError as error:
        raise SignatureError(f"The signature cannot be checked now ({error.strerror}).") from None
    if code != 0:
        reason = answer[:_REASON_BYTES_MAX].decode(errors="replace").strip()
        raise SignatureError(reason or "The signature cannot be checked here: is the library cryptography installed?")


def wrong(question: Question) -> str:
    """Why it does not count, in a sentence; empty where it does."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    try:
        mine = x509.load_pem_x509_certificates(Path(question.identity).read_bytes())[0]
        signer = x509.load_der_x509_certificate(question.signer)
    except (OSError, ValueError, IndexError) as error:
        return f"A certificate cannot be read ({error})."
    try:
        mine.verify_directly_issued_by(signer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return "They are signed by somebody else than the authority that has signed this node's certificate."
    key, digest = signer.public_key(), hashes.SHA256()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(question.signature, question.signed, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(question.signature, question.signed, padding.PKCS1v15(), digest)
        else:
            return "The authority's key is neither of an elliptic curve nor of RSA."
    except InvalidSignature:
        return "The signature is not that of these settings."
    return ""


def main() -> None:
    """The other process: the question from standard input, what is wrong to standard output."""
    sentence = wrong(_decode(sys.stdin.buffer.read()))
    sys.stdout.write(sentence)
    sys.exit(1 if sentence else 0)


if __name__ == "__main__":
    main()
