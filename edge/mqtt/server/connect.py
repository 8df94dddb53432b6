"""The first packet of a connection: its protocol version, its authentication, and the CONNACK.

Whatever is wrong is found before there is a session, and costs no more than one CONNECT of bounded size.
"""

import re
from functools import partial
from typing import Final

from ...limits import CONTROL_CHARACTERS, NAME_PATTERN
from ...messages.envelope import FORBIDDEN, UNKNOWN
from ...messages.grants import ENCODINGS, EVERYBODY, Grant
from ...messages.sync.enrolment import INVITED
from ..limits import RECEIVE_MAX
from ..packets import v311
from ..packets.codec import NO_LIMIT, ConnAckPacket, ConnAckReasonCode, ConnectPacket, MalformedPacket, worded
from ..seam import Publish
from .deadlines import Will
from .sessions import SESSION_EXPIRY_S_MAX, Sessions
from .topics import TOPIC_ALIAS_MAX, parse_up

CLIENT_ID_CHARACTERS_MAX: Final = 128
"""MQTT client identifiers. The standard asks for 23 at least; libraries make up ones of about 40."""

KEEP_ALIVE_S_MAX: Final = 300
"""Longer keepalives are cut to this, so that a half-open connection never lives longer than 1.5 times it. A client of
5.0 learns it from CONNACK."""

KEEP_ALIVE_V311_S_MAX: Final = 3_600
"""The same for a client of 3.1.1, which does not learn it and pings as seldom as it has asked for."""

V5: Final = 5

_IDENTITY: Final = re.compile(NAME_PATTERN)
CONNACK_FLAGS_AT: Final = 2
"""Which byte of a CONNACK has whether a session is present, in both versions."""

_CONNACK_V31: Final = b"\x20\x02\x00\x01"  # "unacceptable protocol version"
_BRIDGE: Final = 0x80
"""What a bridge of Mosquitto adds to its level at first. It is to know that this is no bridge, and comes again as an
ordinary client of 3.1.1 where it is refused in the words of 3.1.1."""

_ENCODING: Final = "encoding"
"""The user property of CONNECT in which a client names the encoding of its answers."""

_CONTROL: Final = re.compile(f"[{CONTROL_CHARACTERS}]")


class UnsupportedVersion(MalformedPacket):
    """A CONNECT of a version that is neither 3.1.1 nor 5.0."""

    def __init__(self, name: str, level: int) -> None:
        super().__init__(f"protocol {name!r}, level {level}; use MQTT 5.0 or 3.1.1")
        self.level = level
        self.code = int(ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION)


class Refused(MalformedPacket):
    """A CONNECT that is one, and whose client does not come in."""

    def __init__(self, detail: str, reason: ConnAckReasonCode) -> None:
        super().__init__(detail)
        self.code = int(reason)

    @property
    def cause(self) -> str:
        """The one of `budgets.REFUSALS` under which it counts."""
        if self.code == ConnAckReasonCode.QUOTA_EXCEEDED:
            return "budget"
        wrong = self.code in (ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, ConnAckReasonCode.NOT_AUTHORIZED)
        return "credentials" if wrong else "protocol"


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


def rejection(error: MalformedPacket, version: int, packet_bytes_max: int) -> bytes:
    """The answer to a first packet that cannot be read, or is refused; empty where none is understood, or fits."""
    reason = ConnAckReasonCode(error.code)
    if isinstance(error, UnsupportedVersion):
        if error.level <= V5 or error.level & _BRIDGE:
            return _CONNACK_V31
    elif version != V5:
        return v311.write(ConnAckPacket(reason_code=reason)) if isinstance(error, Refused) else b""
    data = worded(partial(ConnAckPacket, reason_code=reason), str(error), packet_bytes_max)
    return data if len(data) <= packet_bytes_max else b""


def admit(packet: ConnectPacket, version: int, sessions: Sessions, certificate: bytes = b"") -> tuple[str, str, Grant]:
    """The identity and the client identifier of a CONNECT, and what the client may be. Raises Refused."""
    client_id, code = packet.client_id, ConnAckReasonCode
    if packet.authentication_method is not None:
        raise Refused(
            "there are no authentication methods; send user name and password", code.BAD_AUTHENTICATION_METHOD
        )
    if len(client_id) > CLIENT_ID_CHARACTERS_MAX or _CONTROL.search(client_id):
        text = f"a client identifier has at most {CLIENT_ID_CHARACTERS_MAX} characters, and no control characters"
        raise Refused(text, code.CLIENT_ID_NOT_VALID)
    if not client_id and version != V5 and not packet.clean_start:
        raise Refused("a session that is kept needs a client identifier", code.CLIENT_ID_NOT_VALID)
    if packet.will is not None:
        sessions.retain_ignored += packet.will.retain
    client_id = client_id or sessions.assign_client_id()
    anonymous = sessions.options.anonymous
    if packet.username is not None and not anonymous:
        grant = proved(packet.username, packet.password or b"", certificate, sessions)
        if isinstance(grant, str):
            raise Refused(grant, code.NOT_AUTHORIZED)
        if grant is None:
            raise Refused("a wrong user name or password", code.BAD_USER_NAME_OR_PASSWORD)
        return f"{packet.username}{INVITED}" if grant.only else packet.username, client_id, grant
    if not anonymous:
        raise Refused("a user name and a password are needed", code.NOT_AUTHORIZED)
    name = packet.username or client_id
    if not _IDENTITY.fullmatch(name):
        text = "the user name, else the client identifier, is a name: at most 64 letters, digits, '.', '_' and '-'"
        raise Refused(text, code.CLIENT_ID_NOT_VALID)
    return name, client_id, EVERYBODY


def encoding(packet: ConnectPacket, grant: Grant) -> bool | None:
    """Whether a client wants JSON, or MessagePack, in all answers: its own word, else its credential's; None where both
    leave that to its events, and to the node."""
    wanted = next((value for name, value in packet.user_properties or () if name == _ENCODING), "")
    return ENCODINGS.get(wanted, ENCODINGS.get(grant.encoding))


def last_will(
    packet: ConnectPacket, version: int, name: str, grant: Grant, sessions: Sessions, now: float
) -> Will | None:
    """The will of a client where it is an event of its own. Any other is refused where the version has a code for it
    (raises Refused), and dropped where not."""
    will = packet.will
    if will is None:
        return None
    prefix = f"ds/{sessions.name}/up/{name}/"
    kind = parse_up(will.topic, prefix)
    if kind not in (FORBIDDEN, UNKNOWN):
        publish = Publish(name, kind, will.payload or b"", min(int(will.qos), 1), 0, grant)
        return Will(publish, will.will_delay_interval)
    if version == V5:
        raise Refused(f"a will has a topic {prefix}<kind>", ConnAckReasonCode.TOPIC_NAME_INVALID)
    sessions.drop_will(name, now)
    return None


def check_budget(name: str, sessions: Sessions, now: float) -> None:
    """A client that has used up its budget does not come in. Raises Refused."""
    identity = sessions.identities.get(name)
    if identity is not None and not identity.budget.spend(0, now):
        raise Refused("this client has used up its budget; wait a second", ConnAckReasonCode.QUOTA_EXCEEDED)


def authenticated(username: str, password: bytes, sessions: Sessions) -> Grant | None:
    """What a client may be, where its user name can be a topic level and its token is good."""
    return sessions.authenticate(username, password) if _IDENTITY.fullmatch(username) else None


def proved(username: str, password: bytes, certificate: bytes, sessions: Sessions) -> Grant | str | None:
    """The same for a client that has shown a certificate: that counts where there is no password. A sentence is why it
    is no good any more, for whoever has its key."""
    if certificate and not password and _IDENTITY.fullmatch(username):
        return sessions.certified(username, certificate)
    return authenticated(username, password, sessions)


def keep_alive_s(packet: ConnectPacket, version: int) -> int:
    """The keepalive that holds. None at all would let a half-open connection live for ever."""
    longest = KEEP_ALIVE_S_MAX if version == V5 else KEEP_ALIVE_V311_S_MAX
    return packet.keep_alive if 0 < packet.keep_alive <= longest else longest


def session_expiry_s(packet: ConnectPacket) -> int:
    """How long a session is kept without a connection."""
    return min(packet.session_expiry_interval, SESSION_EXPIRY_S_MAX)


def welcome(packet: ConnectPacket, version: int, client_id: str, packet_bytes_max: int) -> bytearray:
    """The CONNACK of an accepted client, without a session present. One of 5.0 learns our limits, or where it does not
    take so large a packet, only what differs from its own wishes. Raises Refused where even that does not fit."""
    if version != V5:
        return bytearray(v311.write(ConnAckPacket()))
    kept_s, expiry_s = keep_alive_s(packet, version), session_expiry_s(packet)
    connack = partial(
        ConnAckPacket,
        session_expiry_interval=expiry_s if expiry_s != packet.session_expiry_interval else None,
        assigned_client_id=None if packet.client_id else client_id,
        server_keep_alive=kept_s if kept_s != packet.keep_alive else None,
    )
    longest = packet.max_packet_size or NO_LIMIT
    data = connack(
        receive_max=RECEIVE_MAX,
        topic_alias_max=TOPIC_ALIAS_MAX,
        retain_available=False,
        max_packet_size=packet_bytes_max,
        subscription_id_available=False,
        shared_subscription_available=False,
    ).write()
    if len(data) > longest:
        data = connack().write()
    if len(data) > longest:
        text = f"a CONNACK of {len(data)} bytes is over your maximum packet size"
        raise Refused(text, ConnAckReasonCode.PACKET_TOO_LARGE)
    return bytearray(data)
