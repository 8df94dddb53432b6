"""The first packet of a connection: its protocol version, its authentication, and the CONNACK.

Whatever is wrong is found before there is a session, and costs no more than one CONNECT of bounded size.
"""

import re
from typing import Final

from ...limits import NAME_PATTERN, RECEIVE_MAX
from ...messages.grants import EVERYBODY, Grant
from ..packets import v311
from ..packets.codec import ConnAckPacket, ConnAckReasonCode, ConnectPacket, MalformedPacket
from .sessions import Session, Sessions
from .topics import TOPIC_ALIAS_MAX

CLIENT_ID_CHARACTERS_MAX: Final = 128
"""MQTT client identifiers. The standard asks for 23 at least; libraries make up ones of about 40."""

KEEP_ALIVE_S_MAX: Final = 300
"""Longer keepalives are cut to this, so that a half-open connection never lives longer than 1.5 times it."""

V5: Final = 5
CREDENTIALS: Final = (ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, ConnAckReasonCode.NOT_AUTHORIZED)
"""What a client with a wrong name or token gets, or one without any."""

_IDENTITY: Final = re.compile(NAME_PATTERN)
_CONNACK_V31: Final = b"\x20\x02\x00\x01"  # "unacceptable protocol version"
_CONTROL: Final = re.compile("[\u0000-\u001f\u007f-\u009f]")


class UnsupportedVersion(MalformedPacket):
    """A CONNECT of a version that is neither 3.1.1 nor 5.0."""

    def __init__(self, name: str, level: int) -> None:
        super().__init__(f"protocol {name!r}, level {level}; use MQTT 5.0 or 3.1.1")
        self.level = level


def level_of(packet: memoryview) -> int:
    """The protocol level of a whole CONNECT packet. Raises MalformedPacket, or UnsupportedVersion."""
    head = packet[:16].tobytes()
    at = 2
    while at < 5 and head[at - 1] & 0x80:
        at += 1
    end = at + 2 + int.from_bytes(head[at : at + 2], "big")
    if head[0] != 0x10 or end >= len(head):
        raise MalformedPacket("the first packet is no CONNECT")
    name, level = head[at + 2 : end].decode(errors="replace"), head[end]
    if name != "MQTT" or level not in (v311.LEVEL, V5):
        raise UnsupportedVersion(name, level)
    return level


def rejection(error: MalformedPacket, version: int) -> bytes:
    """The answer to a first packet that cannot be read; empty for 3.1.1 and for unknown protocols."""
    if isinstance(error, UnsupportedVersion) and error.level <= V5:
        return _CONNACK_V31
    if isinstance(error, UnsupportedVersion):
        return ConnAckPacket(reason_code=ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION).write()
    if version == V5:
        return ConnAckPacket(reason_code=ConnAckReasonCode.MALFORMED_PACKET).write()
    return b""


def admit(packet: ConnectPacket, version: int, sessions: Sessions) -> tuple[str, str, Grant] | ConnAckReasonCode:
    """The identity and the client identifier of a CONNECT, and what the client may be; or why it is refused."""
    client_id = packet.client_id
    if packet.authentication_method is not None:
        return ConnAckReasonCode.BAD_AUTHENTICATION_METHOD
    if len(client_id) > CLIENT_ID_CHARACTERS_MAX or _CONTROL.search(client_id):
        return ConnAckReasonCode.CLIENT_ID_NOT_VALID
    if not client_id and version != V5 and not packet.clean_start:
        return ConnAckReasonCode.CLIENT_ID_NOT_VALID
    if packet.will is not None:
        sessions.retain_ignored += packet.will.retain
    client_id = client_id or sessions.assign_client_id()
    if packet.username is not None:
        grant = authenticated(packet.username, packet.password or b"", sessions)
        refused = ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD
        return refused if grant is None else (packet.username, client_id, grant)
    if not sessions.options.anonymous:
        return ConnAckReasonCode.NOT_AUTHORIZED
    if not _IDENTITY.fullmatch(client_id):
        return ConnAckReasonCode.CLIENT_ID_NOT_VALID
    return client_id, client_id, EVERYBODY


def authenticated(username: str, password: bytes, sessions: Sessions) -> Grant | None:
    """What a client may be, where its user name can be a topic level and its token is good."""
    return sessions.authenticate(username, password) if _IDENTITY.fullmatch(username) else None


def keep_alive_s(packet: ConnectPacket) -> int:
    """The keepalive that holds. None at all would let a half-open connection live for ever."""
    return packet.keep_alive if 0 < packet.keep_alive <= KEEP_ALIVE_S_MAX else KEEP_ALIVE_S_MAX


def welcome(packet: ConnectPacket, session: Session, *, present: bool, packet_bytes_max: int) -> ConnAckPacket:
    """The CONNACK of an accepted client, with our limits. (3.1.1 has room for `present` only.)"""
    kept_s = keep_alive_s(packet)
    return ConnAckPacket(
        session_present=present,
        session_expiry_interval=session.expiry_s if session.expiry_s != packet.session_expiry_interval else None,
        assigned_client_id=None if packet.client_id else session.client_id,
        server_keep_alive=kept_s if kept_s != packet.keep_alive else None,
        receive_max=RECEIVE_MAX,
        topic_alias_max=TOPIC_ALIAS_MAX,
        retain_available=False,
        max_packet_size=packet_bytes_max,
        subscription_id_available=False,
        shared_subscription_available=False,
    )
