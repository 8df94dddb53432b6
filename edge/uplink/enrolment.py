"""What a node keeps of its enrolment, in its data directory: `uplink.pem`, its key and its certificate in one file, and
`uplink.json`, where its centre is and by which authority the centre is known.

The key stays the same while certificates are renewed: the TLS session has proved it already, so that a renewal needs
neither a request nor the library for one (25 MB of a small box). A key that may have leaked ends with `doorstep revoke`
at the centre; a new invitation makes a new one.
"""

import ssl
import time
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from ..errors import ConfigError, InputError
from ..identity.certificate import client_context, expires_ms
from ..identity.files import open_secret, write_atomic
from ..limits import IDENTIFIER_PATTERN
from ..messages.sync.enrolment import Pem

IDENTITY: Final = "uplink.pem"
SETTINGS: Final = "uplink.json"
PENDING: Final = "uplink.key"
"""The key of an enrolment whose answer has not come, below the SHA-256 of its code: the next attempt with that code
uses it, so that none is used for nothing."""

FILE_BYTES_MAX: Final = 64 * 1024
"""Of each file; the largest that a centre may send is half of it."""

RENEW_DAYS: Final = 30.0
"""Before the end of a certificate of 90 days: its day 60."""

_KEY: Final = "-----END PRIVATE KEY-----"
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"
_Name = Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)]


class Settings(Struct, frozen=True, kw_only=True):
    """What came with the certificate: the node's name, the centre's, its address, and the authority by which it is
    known (PEM; empty: the system's)."""

    node: _Name
    centre: _Name
    uplink: Annotated[str, Meta(max_length=300)]
    authority: Pem = ""


class Enrolment(Struct, frozen=True):
    """The files as they were when read. `ends_ms` is when the certificate ends, Unix ms, `fingerprint` its SHA-256 in
    hexadecimal."""

    folder: Path
    settings: Settings
    ends_ms: int
    fingerprint: str

    @property
    def days_left(self) -> float:
        """Below zero where the certificate has ended."""
        return (self.ends_ms / 1000 - time.time()) / 86_400

    def context(self, config_path: str, authority_path: str = "") -> ssl.SSLContext:
        """TLS towards the centre, with the node's certificate. `authority_path` is the option `uplink_ca`, which
        counts where it is set. Raises DoorstepError."""
        path = str(self.folder / IDENTITY)
        try:
            if self.settings.authority and not authority_path:
                context = ssl.create_default_context(cadata=self.settings.authority)
            else:
                context, _ = client_context(config_path, "uplink_ca", authority_path)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_cert_chain(path)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise InputError(path, None, f"It cannot be used ({error}). {AGAIN}") from None
        return context


AGAIN: Final = "Ask for an invitation at the centre (doorstep central invite), then run doorstep enroll."


def read(data_dir: str | Path, node: str) -> Enrolment | None:
    """The enrolment of this node; None where it has none. Raises InputError where a file cannot be used."""
    folder = Path(data_dir)
    if not (folder / IDENTITY).exists():
        return None
    pem = _text(folder / IDENTITY)
    ends_ms = expires_ms(pem)
    if ends_ms is None or _KEY not in pem:
        raise InputError(str(folder / IDENTITY), None, f"It holds no key with its certificate. {AGAIN}")
    try:
        settings = msgspec.json.decode(_text(folder / SETTINGS), type=Settings)
    except msgspec.DecodeError as error:
        raise InputError(str(folder / SETTINGS), None, f"{error}. {AGAIN}") from None
    if settings.node != node:
        hint = f"It is that of {settings.node}, and this node is {node}. Use one name for both, or enroll it anew."
        raise InputError(str(folder / SETTINGS), None, hint)
    return Enrolment(folder, settings, ends_ms, _fingerprint(pem))


def keep(data_dir: str | Path, settings: Settings, key: str, certificate: str) -> Enrolment:
    """Write what came; the certificate last, so that it never stands without its settings. Raises InputError."""
    folder = Path(data_dir)
    ends_ms = expires_ms(certificate)
    if ends_ms is None:
        raise InputError(
            str(folder / IDENTITY), None, "The centre sent no certificate. Install the same version at both."
        )
    try:
        write_atomic(folder / SETTINGS, msgspec.json.format(msgspec.json.encode(settings)).decode() + "\n")
        write_atomic(folder / IDENTITY, key + certificate)
    except OSError as error:
        hint = f"It cannot be written ({error.strerror}). Free some space, and look at the folder's owner."
        raise InputError(str(folder / IDENTITY), None, hint) from None
    return Enrolment(folder, settings, ends_ms, _fingerprint(certificate))


def renewed(before: Enrolment, certificate: str, authority: str, uplink: str) -> Enrolment:
    """Keep a new certificate for the same key. Raises DoorstepError, and then the old one stays."""
    head, found, _ = _text(before.folder / IDENTITY).partition(_KEY)
    settings = msgspec.structs.replace(before.settings, authority=authority, uplink=uplink)
    return keep(before.folder, settings, f"{head}{found}\n", certificate)


def trusted(config_path: str, enrolment: Enrolment | None, url: str, authority_path: str) -> ssl.SSLContext | None:
    """The TLS of the uplink to `url` of an enrolled node; None where it has none, or is not enrolled. Raises
    DoorstepError."""
    if enrolment is None:
        return None
    if not url.startswith("mqtts:"):
        hint = f"This node is enrolled, and its certificate needs TLS. Write {enrolment.settings.uplink}, or nothing."
        raise ConfigError(config_path, "uplink", url, hint)
    return enrolment.context(config_path, authority_path)


def _fingerprint(pem: str) -> str:
    begin = pem.index(_BEGIN)
    return sha256(ssl.PEM_cert_to_DER_cert(pem[begin : pem.index(_END, begin) + len(_END)])).hexdigest()


def _text(path: Path) -> str:
    try:
        with open_secret(path) as file:
            return file.read(FILE_BYTES_MAX).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(str(path), None, f"It cannot be read: {why}. {AGAIN}") from None
