"""TLS for listeners and for links to a peer, and when a certificate ends.

The standard library loads certificates and gives no dates, except of authorities. So the two times are read
from the DER (X.690) of the certificate itself: TBSCertificate (RFC 5280, 4.1) is version, serial number, signature,
issuer and then validity, a sequence of notBefore and notAfter.
"""

import re
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ..errors import ConfigError

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME = 0xA0, 0x17
_EVERYBODY: Final = 0o007


def days_left(ends_ms: int | None) -> float | None:
    """Until `ends_ms` (Unix ms), as the status shows it; None where nothing ends."""
    return None if ends_ms is None else round((ends_ms / 1000 - time.time()) / 86_400, 2)


def server_context(config_path: str, certificate: str, key: str) -> tuple[ssl.SSLContext, int | None]:
    """TLS 1.2 or newer with this certificate, and when that ends, as `expires_ms`. A new context for each reading: one
    that has failed to load another key is of no use to anybody. Raises ConfigError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if Path(key).stat().st_mode & _EVERYBODY:
            raise ConfigError(config_path, "tls_key", key, f"Everybody may read or write it: run chmod o= {key}.")
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        hint = f"{error}. It must be a PEM chain, and tls_key its unencrypted key."
        raise ConfigError(config_path, "tls_cert", certificate, hint) from None
    return context, expires_ms(_text(certificate))


def client_context(config_path: str, option: str, authority: str) -> tuple[ssl.SSLContext, int | None]:
    """TLS that trusts the certificates in the file that `option` names, or, where it is empty, those of the system;
    and when the first of the file's ends. Raises ConfigError."""
    try:
        context = ssl.create_default_context(cafile=authority or None)
        return context, expires_ms(_text(authority)) if authority else None
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(config_path, option, authority, f"{error}. Name a PEM file of CA certificates.") from None


def _text(path: str) -> str:
    return Path(path).read_text(encoding="ascii", errors="replace")


def expires_ms(pem: str) -> int | None:
    """Unix ms at which the first of the certificates in a PEM text ends; None where none can be read."""
    ends = [end for found in _PEM.findall(pem) if (end := _ends_ms(found)) is not None]
    return min(ends, default=None)


def _ends_ms(pem: str) -> int | None:
    try:
        der = ssl.PEM_cert_to_DER_cert(pem)
        _, certificate, _ = _element(der)
        _, rest, _ = _element(certificate)
        tag, _, after = _element(rest)
        if tag == _VERSION:
            rest = after
        for _ in ("serial number", "signature", "issuer"):
            _, _, rest = _element(rest)
        _, validity, _ = _element(rest)
        _, _, after = _element(validity)
        tag, text, _ = _element(after)
        form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
        end = datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)
    except (ValueError, IndexError):
        return None
    return int(end.timestamp() * 1000)


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """The first element: its tag, its content, and what follows it. Raises IndexError and ValueError."""
    tag, size, begin = der[0], der[1], 2
    if size & 0x80:
        begin += size & 0x7F
        size = int.from_bytes(der[2:begin], "big")
    if begin + size > len(der):
        raise ValueError("shorter than its length field")
    return tag, der[begin : begin + size], der[begin + size :]
