"""Where clients connect: the certificate, and the addresses."""

import errno
import socket
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Final

from ..app.config import Config
from ..errors import ConfigError
from ..identity.certificate import expires_ms, server_context
from ..mqtt.address import split_address
from ..service.options import addresses
from .finding import Report, certificate_days

_SECURE: Final = ("listen_tls", "listen_wss", "listen_https", "listen_metrics")
OPTIONS: Final = ("listen", "listen_ws", "listen_http", *_SECURE, "status_listen")


def certificate(path: Path, config: Config, names: Iterable[str], report: Report) -> None:
    """Check the certificate of the listeners with TLS, which is to be good for these host names."""
    if not any(getattr(config, option) for option in _SECURE):
        return
    try:
        _, ends_ms = server_context(str(path), config.tls_cert, config.tls_key)
    except ConfigError as error:
        report.error("certificate", error)
        return
    days = None if ends_ms is None else (ends_ms / 1000 - time.time()) / 86_400
    certificate_days(report, "certificate", f"The certificate {config.tls_cert}", days)
    _chain(config.tls_cert, names, report)


def _chain(path: str, names: Iterable[str], report: Report) -> None:
    """Whether each certificate in the file is signed by the next, and the first is for the names."""
    from cryptography import x509

    chain = x509.load_pem_x509_certificates(Path(path).read_bytes())
    for below, above in pairwise(chain):
        if below.issuer != above.subject:
            text = f"{path}: {below.subject.rfc4514_string()} is not signed by the certificate below it in the file."
            report.error("certificate_chain", f"{text} Put the leaf first, then each issuer.")
    leaf = chain[0]
    if len(chain) == 1 and leaf.issuer == leaf.subject:
        text = f"{path} is signed by itself: phones and WeChat take none that a known authority has not signed."
        report.warning("certificate_self_signed", f"{text} Your own clients must be given it as their authority.")
    elif len(chain) == 1:
        text = f"{path} has one certificate and not its issuer's: many phones do not find that by themselves."
        report.warning("certificate_chain", f"{text} Use the full chain (certbot's fullchain.pem).")
    try:
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = [*held.get_values_for_type(x509.DNSName), *map(str, held.get_values_for_type(x509.IPAddress))]
    except x509.ExtensionNotFound:
        known = []
    for name in names:
        if not any(name == each or (each.startswith("*.") and name.partition(".")[2] == each[2:]) for each in known):
            report.error("certificate_name", f"{path} is for {', '.join(known) or 'no name'}, and not for {name}.")


def ports(config: Config, report: Report) -> None:
    """Try each address."""
    for option in OPTIONS:
        for address in [] if option in report.left_out else addresses(config, option):
            pair = split_address(address)
            if pair is None:
                continue
            try:
                _bind(*pair)
            except OSError as error:
                report.error("address", f"{option} = {address!r}: {_advice(error, pair)}")


def _bind(host: str, port: int) -> None:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, place in found:
        with socket.socket(family, kind, protocol) as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                plain.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            plain.bind(place)
            plain.listen(1)


def _advice(error: OSError, pair: tuple[str, int]) -> str:
    host, port = pair
    if error.errno == errno.EADDRINUSE:
        return f"another program has this port. Find it with ss -ltnp 'sport = :{port}', or choose another port."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not take port {port}. Choose one above 1023, or run it by the unit in deploy/."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"no network of this machine has the address {host}. See ip address, or use 0.0.0.0."
    return f"it cannot be used ({error.strerror or error}). Check the address."


def authority(config: Config, report: Report) -> None:
    """Check the files of authorities by which the node trusts its peers."""
    for option, urls in (("link_ca", addresses(config, "link")), ("uplink_ca", addresses(config, "uplink"))):
        path = getattr(config, option)
        if not path or not urls:
            continue
        if not any(url.startswith("mqtts:") for url in urls):
            report.warning("unused_authority", f"{option} is set, and {urls[0]} speaks no TLS. Write mqtts://….")
            continue
        try:
            ends_ms = expires_ms(Path(path).read_text(encoding="ascii", errors="replace"))
        except OSError as error:
            report.error("authority", f"{option} = {path!r}: {error.strerror}. Name a PEM file of CA certificates.")
            continue
        if ends_ms is None:
            report.error("authority", f"{option} = {path!r} holds no certificate. Name a PEM file of CA certificates.")
        else:
            certificate_days(report, option, f"{option} = {path!r}", (ends_ms / 1000 - time.time()) / 86_400)
