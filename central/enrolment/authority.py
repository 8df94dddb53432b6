"""The certificate authority that signs the nodes' certificates and, where the operator has none, the centre's own.

It is made at first need in the folder `enrolment` of the data directory (`ca.pem`, `ca.key`), or belongs to the
operator (`ca_cert`, `ca_key`). All keys that are made are of P-256, all files of mode 0600.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.errors import ConfigError
from edge.identity.files import open_secret, write_atomic

NODE_DAYS: Final = 90
SERVER_DAYS: Final = 397
CA_DAYS: Final = 20 * 365
BACKDATED: Final = timedelta(hours=1)
"""A node's clock may be behind; the certificate is to be good there at once."""

_Signer = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_PEM: Final = serialization.Encoding.PEM
_DER: Final = serialization.Encoding.DER


class BadRequest(ValueError):
    """A certification request that is not signed; the text is for a person."""


class CertificateAuthority:
    """A certificate and its key. `path` is where the certificate came from."""

    def __init__(self, path: Path, certificate: x509.Certificate, key: _Signer) -> None:
        self.path = path
        self.certificate = certificate
        self.pem = certificate.public_bytes(_PEM).decode("ascii")
        self._key = key

    @classmethod
    def load(cls, config_path: str, cert_path: str, key_path: str) -> "CertificateAuthority":
        """The operator's. Raises ConfigError."""
        try:
            certificate = x509.load_pem_x509_certificate(Path(cert_path).read_bytes())
        except (OSError, ValueError) as error:
            hint = f"{_why(error)}. Name a PEM file with the certificate of a certificate authority."
            raise ConfigError(config_path, "ca_cert", cert_path, hint) from None
        try:
            with open_secret(Path(key_path)) as file:
                key = serialization.load_pem_private_key(file.read(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            hint = f"{_why(error)}. Name its unencrypted key, a PEM file of mode 0600."
            raise ConfigError(config_path, "ca_key", key_path, hint) from None
        if not isinstance(key, _Signer) or key.public_key() != certificate.public_key():
            hint = f"It is not the key of {cert_path}, or neither of an elliptic curve nor of RSA."
            raise ConfigError(config_path, "ca_key", key_path, hint)
        return cls(Path(cert_path), certificate, key)

    @classmethod
    def make(cls, folder: Path, name: str) -> None:
        """A new one, in the files `ca.pem` and `ca.key`. The key first: a certificate without one is of no use."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(f"Doorstep {name}")
        builder = _builder(subject, subject, key.public_key(), CA_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        write_atomic(folder / "ca.key", _key_text(key))
        write_atomic(folder / "ca.pem", builder.sign(key, hashes.SHA256()).public_bytes(_PEM).decode("ascii"))

    def sign_node(self, name: str, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        """A client certificate for NODE_DAYS."""
        return self._signed(name, key, NODE_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH)

    def sign_server(self, host: str, path: Path) -> None:
        """A new key and a certificate for the name or address `host`, with this authority's below it, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(host, key.public_key(), SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH, [_host(host)])
        chain = certificate.public_bytes(_PEM).decode("ascii") + self.pem
        write_atomic(path, _key_text(key) + chain)

    def sign(self, data: bytes) -> bytes:
        """A signature of `data`, with SHA-256."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))

    def has_signed(self, path: Path, host: str, until: datetime) -> bool:
        """Whether the file of `sign_server` is for that host, of this authority, and good until then."""
        try:
            leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            leaf.verify_directly_issued_by(self.certificate)
        except (OSError, ValueError, TypeError, IndexError, InvalidSignature, x509.ExtensionNotFound):
            return False
        return _host(host) in names and leaf.not_valid_after_utc > until

    def sign_text(self, text: bytes) -> bytes:
        """A signature over SHA-256, as `openssl dgst -verify` takes it: ECDSA (DER), or RSA with PKCS #1 1.5."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(text, ec.ECDSA(hashes.SHA256()))

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        days: int,
        purpose: x509.ObjectIdentifier,
        names: Sequence[x509.GeneralName] = (),
    ) -> x509.Certificate:
        builder = _builder(_named(name), self.certificate.subject, key, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def requested_key(request: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a certification request (DER) that it has signed itself. Raises BadRequest."""
    try:
        found = x509.load_der_x509_csr(request)
        key = found.public_key()
        good = found.is_signature_valid
    except Exception as error:  # noqa: BLE001 - bytes from outside; the parser's errors have no common class
        raise BadRequest(f"The certification request cannot be read ({type(error).__name__}).") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1" or not good:
        raise BadRequest("The certification request is not of a P-256 key, or not signed with it.")
    return key


def key_of(certificate: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a certificate (DER) that `sign_node` made."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def key_digest(key: ec.EllipticCurvePublicKey) -> bytes:
    """SHA-256 of its SubjectPublicKeyInfo."""
    return sha256(key.public_bytes(_DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()


def top_of(chain: Path) -> x509.Certificate:
    """The last certificate of a PEM file. Raises OSError, ValueError."""
    return x509.load_pem_x509_certificates(chain.read_bytes())[-1]


def der(certificate: x509.Certificate) -> bytes:
    """Its bytes."""
    return certificate.public_bytes(_DER)


def pem(certificate: bytes) -> str:
    """DER as PEM."""
    return x509.load_der_x509_certificate(certificate).public_bytes(_PEM).decode("ascii")


def ends_ms(certificate: x509.Certificate) -> int:
    """When it ends, Unix ms."""
    return int(certificate.not_valid_after_utc.timestamp() * 1000)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Signatures; of an authority those of certificates and of lists of revocations (RFC 5280, 4.2.1.3)."""
    return x509.KeyUsage(True, False, False, False, False, signs, signs, False, False)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    form, nothing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(_PEM, form, nothing).decode("ascii")


def _why(error: Exception) -> str:
    return ((error.strerror or "") if isinstance(error, OSError) else str(error)).rstrip(".")
