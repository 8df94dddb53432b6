"""An enrolment on disk, as a centre would have brought it about."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.uplink.enrolment import Enrolment, Settings, keep

UPLINK = "mqtts://127.0.0.1:1"


def pair(node: str = "n-1", days: float = 90) -> tuple[str, str]:
    """A new key and a certificate of its own for so many days from now on, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, node)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return key.private_bytes(*form).decode(), certificate.decode()


def enrolled(data_dir: Path, node: str = "n-1", days: float = 90, uplink: str = UPLINK) -> Enrolment:
    """The files in a data directory; the centre's authority is the node's own certificate."""
    key, certificate = pair(node, days)
    return keep(data_dir, Settings(node=node, centre="centre", uplink=uplink, authority=certificate), key, certificate)
