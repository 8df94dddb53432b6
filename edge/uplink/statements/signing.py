"""Signs the statements of a node, with the key of its certificate, in a process of its own: once a day."""

import sys
from pathlib import Path
from typing import Final

import msgspec

from ...errors import InputError
from ...messages.sync.statement import SIGNED, SignedStatement
from ..child import asked

SIGN_S_MAX: Final = 60.0
"""Importing the library takes some seconds on a small box."""

_answer = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode


async def signed(body: bytes, identity: Path) -> SignedStatement:
    """The body with a signature by the key in `identity` (`uplink.pem`). Raises InputError where that fails."""
    try:
        _, answer = await asked(__name__, body, SIGN_S_MAX, [str(identity)])
        signature, certificate = _answer(answer)
    except (OSError, msgspec.DecodeError) as error:
        hint = "Nothing is stated until it can be: look at that file, and at the lines above."
        raise InputError(str(identity), None, f"It did not sign a statement ({error!r}). {hint}") from None
    return SignedStatement(body=body, signature=signature, certificate=certificate)


def main() -> None:
    """The other process: a body in, its signature and the certificate out."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = Path(sys.argv[1]).read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERTIFICATE-----") :])
    signature = key.sign(SIGNED + sys.stdin.buffer.read(), ec.ECDSA(hashes.SHA256()))
    answer = signature, certificate.public_bytes(serialization.Encoding.DER)
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
