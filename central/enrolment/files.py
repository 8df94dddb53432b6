"""The folder `enrolment` of the data directory, and the TLS of the listener to which nodes come.

ca.pem, ca.key   the certificate authority, where the operator has none (`ca_cert`, `ca_key`)
server.pem       the centre's key and certificate, where the operator has none (`tls_cert`, `tls_key`)
register.db      invitations and certificates
"""

import os
import ssl
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edge.errors import ConfigError, InputError
from edge.identity.certificate import expires_ms, server_context
from edge.mqtt.address import split_address

from ..config import SERVER_RENEW_DAYS, Config
from .authority import CertificateAuthority, der, top_of
from .enrolment import Enrolment
from .register import Register

FOLDER: Final = "enrolment"
_OTHERS: Final = 0o077
_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: a certificate that has ended comes through TLS, so that the node learns why it is
refused. Whether it is good is decided by the register, for every CONNECT."""


def folder_of(config: Config) -> Path:
    """The folder, made with mode 0700. Raises InputError where it is not this user's alone."""
    data = Path(config.data_dir)
    folder = data / FOLDER
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = data.stat().st_uid
        if owner != os.geteuid():
            hint = f"It belongs to the user with number {owner}. Run this as that user: sudo -u …, or runuser."
            raise InputError(str(data), None, hint)
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_mode & _OTHERS:
            raise InputError(
                str(folder), None, f"Others may enter it. Look what is in it, then run chmod 700 {folder}."
            )
    except OSError as error:
        raise InputError(str(folder), None, f"It cannot be made ({error.strerror}). Name another data_dir.") from None
    return folder


def prepare(config_path: str, config: Config) -> tuple[Path, CertificateAuthority, Register]:
    """The folder with all that it needs, made where it is not there. Raises DoorstepError."""
    folder, authority = _authority(config_path, config)
    return folder, authority, Register(folder)


def _authority(config_path: str, config: Config) -> tuple[Path, CertificateAuthority]:
    """The folder, and the authority, made where it is not there. Raises DoorstepError."""
    folder = folder_of(config)
    if config.ca_cert:
        return folder, CertificateAuthority.load(config_path, config.ca_cert, config.ca_key)
    if not (folder / "ca.pem").exists():
        register = Register(folder)
        with register.alone():  # the centre and a command may both be the first
            if not (folder / "ca.pem").exists():
                CertificateAuthority.make(folder, config.name)
        register.close()
    return folder, CertificateAuthority.load(config_path, str(folder / "ca.pem"), str(folder / "ca.key"))


def top(config_path: str, config: Config, authority: CertificateAuthority) -> x509.Certificate:
    """The certificate at the top of the chain that the centre shows, by which an invited node knows it."""
    if not config.tls_cert:
        return authority.certificate
    try:
        return top_of(Path(config.tls_cert))
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(config_path, "tls_cert", config.tls_cert, f"{error}. It must be a PEM chain.") from None


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of its DER."""
    return sha256(der(certificate)).digest()


def opened(config_path: str, config: Config) -> Enrolment:
    """What the running centre needs. Raises DoorstepError."""
    folder, authority = _authority(config_path, config)
    above = top(config_path, config, authority)
    own = above.issuer == above.subject  # else an authority that the system knows has signed it
    trust = above.public_bytes(Encoding.PEM).decode("ascii") if own else ""
    return Enrolment(config, folder, authority, trust)


def tls(config_path: str, config: Config) -> tuple[ssl.SSLContext, int | None]:
    """The context of the nodes' listener, which asks for their certificates, and when its own ends (Unix ms). Raises
    DoorstepError."""
    folder, authority = _authority(config_path, config)
    chain, key = config.tls_cert, config.tls_key
    if not chain:
        chain = key = str(folder / "server.pem")
        (host, _) = split_address(config.advertised_address) or ("localhost", 0)
        if not authority.has_signed(Path(chain), host, datetime.now(UTC) + timedelta(days=SERVER_RENEW_DAYS)):
            authority.sign_server(host, Path(chain))
    context, _ = server_context(config_path, chain, key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _NO_CHECK_TIME | ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=authority.pem)
    return context, expires_ms(Path(chain).read_text(encoding="ascii", errors="replace"))
