"""Who the node talks to, and the way that phones take to it: each is tried with a CONNECT."""

import secrets
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, RejectConnection, Request
from wsproto.utilities import ProtocolError

from ..app.config import Config
from ..errors import DoorstepError
from ..identity.certificate import client_context
from ..identity.files import read_secret
from ..mqtt.address import split_url
from ..mqtt.client.failure import of_connack
from ..mqtt.packets.codec import ConnAckPacket, ConnectPacket, Decoder, MalformedPacket
from ..mqtt.packets.websocket import SUBPROTOCOLS
from ..service.options import addresses
from ..uplink.enrolment import Enrolment, read, trusted
from .finding import Report, certificate_days

TRY_S_MAX: Final = 5.0
"""For each step with a peer: the name, the connection, TLS, the CONNACK."""

PACKET_BYTES_MAX: Final = 64 * 1024
"""A CONNACK with every property and a long reason."""

_PUBLIC: Final = {"wss": 443, "ws": 80}
_REFUSED: Final = 0x80


class _Unreachable(Exception):
    """Why there is no CONNACK: a sentence."""


def uplink(path: str, config: Config, report: Report) -> None:
    """Introduce this node to its centre. Nothing is sent, so the centre's record of the node stays as it is."""
    try:
        enrolment = read(config.data_dir, config.node)
    except DoorstepError:
        return  # `files.enrolment` names it
    for url in addresses(config, "uplink") or [""]:
        if enrolment is not None:
            _as_enrolled(path, config, url or enrolment.settings.uplink, enrolment, report)
        elif url:
            _peer(path, config, "uplink", url, config.uplink_username or config.node, report)


def _as_enrolled(path: str, config: Config, url: str, enrolment: Enrolment, report: Report) -> None:
    """The same with the node's certificate."""
    try:
        tls = trusted(path, enrolment, url, config.uplink_ca)
        scheme, host, port = split_url(url)
        answer = _asked("uplink", scheme, host, port, tls, config.node, "", report)
    except (DoorstepError, ValueError) as error:
        report.error("uplink", str(error))
    except _Unreachable as error:
        report.error("uplink", f"uplink = {url!r}: {error}")
    else:
        if int(answer.reason_code) >= _REFUSED:
            report.error("uplink", f"uplink = {url!r}: {of_connack(answer, config.node).text}")


def broker(path: str, config: Config, report: Report) -> None:
    """Introduce this node to its broker; then somebody without a password, whom the broker should turn away."""
    if not config.link or not _peer(path, config, "link", config.link, config.link_username or config.node, report):
        return
    with_nobody = Report()
    if _peer(path, config, "link", config.link, "", with_nobody):
        report.error(
            "open_broker",
            f"The broker at {config.link} takes clients without a password, so anybody may order, or be a rider. Set "
            "allow_anonymous false; deploy/mosquitto has a configuration that is safe.",
        )


def _peer(path: str, config: Config, option: str, url: str, username: str, report: Report) -> bool:
    """Whether the peer takes this user in."""
    try:
        token = read_secret(path, f"{option}_token_file", getattr(config, f"{option}_token_file")) if username else ""
        scheme, host, port = split_url(url)
        tls = None
        if scheme == "mqtts":
            tls, _ = client_context(path, f"{option}_ca", getattr(config, f"{option}_ca"))
        answer = _asked(option, scheme, host, port, tls, username if token else "", token, report)
    except (DoorstepError, ValueError) as error:
        report.error(option, str(error))
        return False
    except _Unreachable as error:
        report.error(option, f"{option} = {url!r}: {error}")
        return False
    if int(answer.reason_code) >= _REFUSED:
        report.error(option, f"{option} = {url!r}: {of_connack(answer, username).text}")
        return False
    return True


def _asked(
    option: str,
    scheme: str,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    username: str,
    token: str,
    report: Report,
) -> ConnAckPacket:
    with _connected(scheme, host, port) as plain:
        wire = plain if tls is None else _secured(plain, tls, host, option, report)
        wire.sendall(_connect(username, token))
        return _connack(lambda: wire.recv(PACKET_BYTES_MAX))


def host_of(url: str) -> str:
    """The name in a URL that phones connect to; empty where it has none."""
    parts = urlsplit(url)
    return (parts.hostname or "") if parts.scheme in _PUBLIC else ""


def public(url: str, authority: str, report: Report) -> None:
    """Take the way of a phone: the public name, TLS as the system trusts it (or `authority`), WebSocket, MQTT. Nobody
    is introduced, so a node turns the client away; that it answers at all is what counts."""
    parts = urlsplit(url)
    if parts.scheme not in _PUBLIC or not parts.hostname:
        report.error(
            "public", f"{url!r} is not what a phone connects to. Write wss://name, wss://name:port or with a path."
        )
        return
    if parts.scheme == "ws":
        report.warning("public_plain", f"{url}: WeChat and browsers on secure pages take wss:// only.")
    host, port = parts.hostname, parts.port or _PUBLIC[parts.scheme]
    try:
        with _connected("tcp", host, port) as plain:
            tls = ssl.create_default_context(cafile=authority or None)
            wire = _secured(plain, tls, host, "public", report) if parts.scheme == "wss" else plain
            _connack(_websocket(wire, parts.netloc, parts.path or "/"))
    except _Unreachable as error:
        report.error("public", f"{url}: {error}")
    except OSError as error:
        report.error("public", f"{authority}: {error}. Name a PEM file of CA certificates.")


def _connect(username: str, token: str) -> bytes:
    """A CONNECT under an identifier of its own, which takes nobody's session over."""
    client = f"check-{secrets.token_hex(8)}"
    password = token.encode() if token else None
    return ConnectPacket(client, username=username or None, password=password, clean_start=True).write()


def _connected(scheme: str, host: str, port: int) -> socket.socket:
    try:
        if scheme == "unix":
            plain = socket.socket(socket.AF_UNIX)
            plain.settimeout(TRY_S_MAX)
            plain.connect(host)
            return plain
        return socket.create_connection((host, port), TRY_S_MAX)
    except socket.gaierror as error:
        raise _Unreachable(
            f"the name {host} is unknown here ({error.strerror}). Check the name and the resolver."
        ) from None
    except OSError as error:
        raise _Unreachable(
            f"nobody answers at {host}:{port} ({error.strerror or error}). Check the address, the peer and firewalls."
        ) from None


def _secured(plain: socket.socket, tls: ssl.SSLContext, host: str, name: str, report: Report) -> ssl.SSLSocket:
    try:
        wire = tls.wrap_socket(plain, server_hostname=host)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error
        raise _Unreachable(
            f"its TLS fails: {reason}. Check its certificate, the name in it, and the file of authorities."
        ) from None
    ends: object = (wire.getpeercert() or {}).get("notAfter")
    if isinstance(ends, str):
        days = (ssl.cert_time_to_seconds(ends) - time.time()) / 86_400
        certificate_days(report, f"{name}_peer", f"The certificate of {host}", days)
    return wire


def _connack(read: Callable[[], bytes]) -> ConnAckPacket:
    decoder = Decoder(PACKET_BYTES_MAX)
    try:
        while data := read():
            for packet in decoder.feed(data):
                if isinstance(packet, ConnAckPacket):
                    return packet
                raise _Unreachable(f"it sent {type(packet).__name__} instead of a CONNACK. Is it an MQTT 5 server?")
    except MalformedPacket:
        raise _Unreachable("what answers is no MQTT 5 server. Check the port.") from None
    except OSError as error:
        raise _Unreachable(
            f"no CONNACK came ({error or 'time out'}). Check the port, and that it speaks MQTT 5."
        ) from None
    raise _Unreachable("it closed the connection without a CONNACK. Check the port, and that it speaks MQTT 5.")


def _websocket(wire: socket.socket, host: str, path: str) -> Callable[[], bytes]:
    """Open a WebSocket and send CONNECT in it; what reads the bytes of MQTT."""
    websocket = WSConnection(ConnectionType.CLIENT)

    def read() -> bytes:
        try:
            data = wire.recv(PACKET_BYTES_MAX)
            websocket.receive_data(data or None)
            found = b""
            for event in websocket.events():
                if isinstance(event, RejectConnection):
                    raise _Unreachable(
                        f"it refuses WebSocket with HTTP status {event.status_code}. Check path and proxy."
                    )
                if isinstance(event, AcceptConnection):
                    if event.subprotocol not in SUBPROTOCOLS:
                        raise _Unreachable("it does not take the subprotocol mqtt. Check the path and the proxy.")
                    wire.sendall(websocket.send(BytesMessage(_connect("", ""))))
                if isinstance(event, BytesMessage):
                    found += event.data
        except ProtocolError as error:
            raise _Unreachable(f"what answers is no WebSocket ({error}). Check path and proxy.") from None
        return found if found or not data else read()

    wire.sendall(websocket.send(Request(host=host, target=path, subprotocols=[*SUBPROTOCOLS])))
    return read
