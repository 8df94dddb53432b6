"""What the standard asks of a server, as bytes in and bytes out: offences that end a connection, CONNECTs that are
refused, and packets that look odd and are to be answered. Statements are named as in MQTT 5.0, where 3.1.1 has the
same with another number."""

from typing import NamedTuple

from edge.mqtt.packets.fastpath import header

MALFORMED, PROTOCOL_ERROR, ALIAS_INVALID, NO_SUBSCRIPTION_IDS = 0x81, 0x82, 0x94, 0xA1
TOKEN = b"secret"


def packet(first: int, *parts: bytes) -> bytes:
    """A fixed header, and what is after it."""
    body = b"".join(parts)
    return header(first, len(body)) + body


def text(value: str | bytes) -> bytes:
    """A string or binary data with its length."""
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2, "big") + data


class Offence(NamedTuple):
    """A packet of either version (empty: it has no such thing), and the code with which 5.0 is refused."""

    v5: bytes
    v311: bytes
    code: int = MALFORMED


UP, DOWN, ID, NO = text("ds/n1/up/c1/order.place"), text("ds/n1/down/c1/#"), b"\x00\x01", b"\x00"


def both(first: int, before: bytes, after: bytes, code: int = MALFORMED) -> Offence:
    """The same packet in both versions, without properties."""
    return Offence(packet(first, before, NO, after), packet(first, before, after), code)


def plain(first: int, body: bytes = b"", code: int = MALFORMED) -> Offence:
    """A packet that is the same bytes in both versions."""
    return Offence(packet(first, body), packet(first, body), code)


def published(*properties: bytes, code: int) -> Offence:
    """A PUBLISH of QoS 1 with properties."""
    parts = b"".join(properties)
    return Offence(packet(0x32, UP, ID, bytes((len(parts),)), parts, b"{}"), b"", code)


def subscribed(pattern: str, options: int = 0, *properties: bytes, code: int = MALFORMED) -> Offence:
    """A SUBSCRIBE."""
    parts, wanted = b"".join(properties), text(pattern) + bytes((options,))
    v311 = b"" if parts or options & 0x3C else packet(0x82, ID, wanted)
    return Offence(packet(0x82, ID, bytes((len(parts),)), parts, wanted), v311, code)


OFFENCES: dict[str, Offence] = {
    # strings and topics
    "1.5.4-2 U+0000 in a topic": both(0x30, text("ds/n1/up/c1/a\0"), b"{}"),
    "1.5.4-2 U+0000 in a filter": subscribed("a\0"),
    "1.5.4-2 U+0000 in a content type": published(b"\x03", text("a\0"), code=MALFORMED),
    "1.5.4-2 U+0000 in a user property": published(b"\x26", text("a"), text("\0"), code=MALFORMED),
    "1.5.5-1 a length of more bytes than it needs": Offence(b"\xe0\x80\x00", b""),
    "1.5.5-1 the same of properties": Offence(packet(0x32, UP, ID, b"\x80\x00{}"), b""),
    "4.7.1-1 a wildcard in a topic": both(0x30, text("ds/n1/up/c1/+"), b"{}"),
    "4.7.1-1 # in a topic": both(0x32, text("ds/#") + ID, b"{}"),
    "4.7.3-1 an empty topic": both(0x30, text(""), b"{}"),
    "a control character in a topic": both(0x30, text("ds/n1/up/c1/a\x1f"), b"{}"),
    # fixed headers and identifiers
    "2.1.2 packet type 0, whatever is to come": Offence(b"\x0a\xc0", b"\x0a\xc0"),
    "2.1.3-1 flags of PUBACK": plain(0x41, ID),
    "2.1.3-1 flags of PUBREC": plain(0x52, ID),
    "2.1.3-1 flags of PUBREL": plain(0x60, ID),
    "2.1.3-1 flags of PUBCOMP": plain(0x78, ID),
    "2.1.3-1 flags of DISCONNECT": plain(0xE1),
    "2.2.1-3 PUBLISH of QoS 1 with the identifier 0": both(0x32, UP + b"\0\0", b"{}", PROTOCOL_ERROR),
    "2.2.1-3 PUBLISH of QoS 2 with the identifier 0": both(0x34, UP + b"\0\0", b"{}", PROTOCOL_ERROR),
    "2.2.1-3 SUBSCRIBE with the identifier 0": both(0x82, b"\0\0", DOWN + NO, PROTOCOL_ERROR),
    "2.2.1-3 UNSUBSCRIBE with the identifier 0": both(0xA2, b"\0\0", DOWN, PROTOCOL_ERROR),
    "2.2.1-5 PUBACK of 0": plain(0x40, b"\0\0", PROTOCOL_ERROR),
    "2.2.1-5 PUBREL of 0": plain(0x62, b"\0\0", PROTOCOL_ERROR),
    "2.2.1-5 PUBREC of 0, with a reason": Offence(packet(0x50, b"\0\0\x10"), b"", PROTOCOL_ERROR),
    # PUBLISH
    "PUBLISH without anything": plain(0x30),
    "PUBLISH with half a length": plain(0x32, b"\0"),
    "3.3.1-2 DUP with QoS 0": both(0x38, UP, b"{}"),
    "3.3.1-4 QoS 3": both(0x36, UP + ID, b"{}"),
    "3.3.2 a payload format of 2": published(b"\x01\x02", code=PROTOCOL_ERROR),
    "3.3.2 a payload format twice": published(b"\x01\x01", b"\x01\x01", code=PROTOCOL_ERROR),
    "3.3.2 a message expiry twice": published(b"\x02\0\0\0\x01" * 2, code=PROTOCOL_ERROR),
    "3.3.2-8 a topic alias of 0": published(b"\x23\0\0", code=ALIAS_INVALID),
    "3.3.2-9 a topic alias over ours": published(b"\x23\0\x11", code=ALIAS_INVALID),
    "3.3.2 a topic alias twice": published(b"\x23\0\x01\x23\0\x02", code=PROTOCOL_ERROR),
    "3.3.2-14 a wildcard in the response topic": published(b"\x08", text("a/+"), code=PROTOCOL_ERROR),
    "3.3.2 a response topic twice": published(b"\x08", text("a"), b"\x08", text("b"), code=PROTOCOL_ERROR),
    "3.3.2 correlation data twice": published(b"\x09", text("a"), b"\x09", text("b"), code=PROTOCOL_ERROR),
    "3.3.2 a content type twice": published(b"\x03", text("a"), b"\x03", text("b"), code=PROTOCOL_ERROR),
    "3.3.4-6 a subscription identifier from a client": published(b"\x0b\x01", code=PROTOCOL_ERROR),
    "2.2.2-2 a reason string in PUBLISH": published(b"\x1f", text("a"), code=MALFORMED),
    # acknowledgements
    "3.4.2 a reason string twice": Offence(
        packet(0x40, ID, b"\0\x0a", b"\x1f", text("ab"), b"\x1f", text("ab")), b"", PROTOCOL_ERROR
    ),
    "3.4.2-1 a reason that there is not": Offence(packet(0x40, ID, b"\xff"), b""),
    "an acknowledgement with bytes too many": plain(0x62, ID + b"\0\0\0"),
    # SUBSCRIBE and UNSUBSCRIBE
    "3.8.3-5 option bit 6": subscribed("ds/n1/down/c1/#", 0x40),
    "3.8.3-5 option bit 7": subscribed("ds/n1/down/c1/#", 0x80),
    "3.8.3 a QoS of 3": subscribed("ds/n1/down/c1/#", 0x03, code=PROTOCOL_ERROR),
    "3.8.3 a retain handling of 3": subscribed("ds/n1/down/c1/#", 0x30, code=PROTOCOL_ERROR),
    "3.8.3-2 SUBSCRIBE without a filter": both(0x82, ID, b"", PROTOCOL_ERROR),
    "3.10.3-2 UNSUBSCRIBE without a filter": both(0xA2, ID, b"", PROTOCOL_ERROR),
    "3.8.3-4 no local in a shared subscription": subscribed("$share/g/a", 0x04, code=PROTOCOL_ERROR),
    "4.8.2-1 a shared subscription without a filter": subscribed("$share/g"),
    "4.8.2-2 a share with a wildcard": subscribed("$share/+/a"),
    "4.7.3-1 an empty filter": subscribed(""),
    "4.7.3-1 an empty filter in UNSUBSCRIBE": both(0xA2, ID, text("")),
    "4.7.1-2 a # that is not the last": subscribed("#/a"),
    "4.7.1-2 a # that is not alone": subscribed("a#"),
    "4.7.1-3 a + that is not alone": subscribed("a+/b"),
    "a control character in a filter": subscribed("a\x7f"),
    "3.8.2 a subscription identifier, which we do not have": subscribed("a", 0, b"\x0b\x01", code=NO_SUBSCRIPTION_IDS),
    "3.8.2 a subscription identifier of 0": subscribed("a", 0, b"\x0b\0", code=PROTOCOL_ERROR),
    # what a client may not send, or not now
    "3.1.0-2 a second CONNECT": Offence(
        packet(0x10, text("MQTT"), b"\x05\x02\0\x3c\0", text("a")),
        packet(0x10, text("MQTT"), b"\x04\x02\0\x3c", text("a")),
        PROTOCOL_ERROR,
    ),
    "CONNACK": Offence(packet(0x20, b"\0\0\0"), b"\x20\x02\0\0", PROTOCOL_ERROR),
    "SUBACK": Offence(packet(0x90, ID, b"\0\0"), packet(0x90, ID, b"\0"), PROTOCOL_ERROR),
    "PINGRESP": plain(0xD0, b"", PROTOCOL_ERROR),
    "AUTH": plain(0xF0, b"", PROTOCOL_ERROR),
    "3.14.2 an expiry twice": Offence(packet(0xE0, b"\0\x0a", b"\x11\0\0\0\0" * 2), b"", PROTOCOL_ERROR),
    "3.14.2-2 a session that was to end": Offence(packet(0xE0, b"\0\x05\x11\0\0\0\x01"), b"", PROTOCOL_ERROR),
    "3.14.2-1 a reason that there is not": Offence(packet(0xE0, b"\x05"), b""),
    "a body in PINGREQ": plain(0xC0, b"\0"),
}


def connecting(
    flags: int = 0xC2, properties: bytes = b"", *, client: str = "phone", will: bytes = b"", user: str = "c1"
) -> tuple[bytes, bytes]:
    """A CONNECT of either version. `will` is what stands between client identifier and user name, without
    properties."""
    rest = text(user) + text(TOKEN) if flags & 0x80 else b""
    size = bytes((len(properties),))
    v5 = packet(
        0x10,
        text("MQTT"),
        bytes((5, flags)),
        b"\0\x3c",
        size,
        properties,
        text(client),
        NO if will else b"",
        will,
        rest,
    )
    return v5, b"" if properties else packet(0x10, text("MQTT"), bytes((4, flags)), b"\0\x3c", text(client), will, rest)


def wished(properties: bytes, topic: str = "t") -> tuple[bytes, bytes]:
    """A CONNECT of 5.0 with properties of its will."""
    will = bytes((len(properties),)) + properties + text(topic) + text("x")
    return packet(0x10, text("MQTT"), b"\x05\xc6\0\x3c\0", text("phone"), will, text("c1"), text(TOKEN)), b""


BAD_CONNECTS: dict[str, Offence] = {
    "3.1.2-3 the reserved flag": Offence(*connecting(0xC3)),
    "3.1.2-11 a QoS without a will": Offence(*connecting(0xCA)),
    "3.1.2-13 retain without a will": Offence(*connecting(0xE2)),
    "3.1.2-12 a will of QoS 3": Offence(*connecting(0xDE, will=text("t") + text("x"))),
    "a will with a wildcard": Offence(*connecting(0xC6, will=text("t/#") + text("x"))),
    "a will without a topic": Offence(*connecting(0xC6, will=text("") + text("x"))),
    "1.5.4-2 U+0000 in the will's topic": Offence(*connecting(0xC6, will=text("t\0") + text("x"))),
    "1.5.4-2 U+0000 in the client identifier": Offence(*connecting(client="a\0")),
    "1.5.4-2 U+0000 in the user name": Offence(*connecting(user="c1\0")),
    "a session expiry twice": Offence(*connecting(properties=b"\x11\0\0\0\x01" * 2), PROTOCOL_ERROR),
    "a receive maximum of 0": Offence(*connecting(properties=b"\x21\0\0"), PROTOCOL_ERROR),
    "a maximum packet size of 0": Offence(*connecting(properties=b"\x27\0\0\0\0"), PROTOCOL_ERROR),
    "request problem information of 2": Offence(*connecting(properties=b"\x17\x02"), PROTOCOL_ERROR),
    "request response information of 2": Offence(*connecting(properties=b"\x19\x02"), PROTOCOL_ERROR),
    "authentication data without a method": Offence(*connecting(properties=b"\x16" + text("a")), PROTOCOL_ERROR),
    "a property of PUBLISH": Offence(*connecting(properties=b"\x02\0\0\0\x01")),
    "a will delay twice": Offence(*wished(b"\x18\0\0\0\x01" * 2), PROTOCOL_ERROR),
    "a will's payload format of 2": Offence(*wished(b"\x01\x02"), PROTOCOL_ERROR),
    "3.3.2-14 a wildcard in the will's response topic": Offence(*wished(b"\x08" + text("#")), PROTOCOL_ERROR),
}
"""The code is that of CONNACK; a client of 3.1.1 is closed without one."""


class Answered(NamedTuple):
    """A packet, and what comes back in 5.0 (without a reason as text) and in 3.1.1 (None: it has no such thing)."""

    sent: Offence
    v5: bytes = b""
    v311: bytes | None = b""


ANSWERED: dict[str, Answered] = {
    "DUP with QoS 1": Answered(both(0x3A, UP + ID, b"{}"), b"\x40\x02\0\x01", b"\x40\x02\0\x01"),
    "a repeated identifier": Answered(both(0x3C, UP + ID, b"{}"), b"\x50\x02\0\x01", b"\x50\x02\0\x01"),
    "3.12.4-1 PINGREQ": Answered(plain(0xC0), b"\xd0\0", b"\xd0\0"),
    "3.8.4-6 a code for each filter": Answered(
        both(0x82, ID, DOWN + b"\0" + text("ds/n1/down/c2/#") + b"\1" + DOWN + b"\1"),
        b"\x90\x06\0\x01\0\0\x87\x01",
        b"\x90\x05\0\x01\0\x80\x01",
    ),
    "3.11.3-1 a code for each filter that goes": Answered(
        both(0xA2, ID, DOWN + text("x")), b"\xb0\x05\0\x01\0\x11\x11", b"\xb0\x02\0\x01"
    ),
    "PUBACK of nothing": Answered(plain(0x40, ID)),
    "PUBREL of nothing": Answered(plain(0x62, ID), b"\x70\x03\0\x01\x92", b"\x70\x02\0\x01"),
    "PUBREC of nothing": Answered(plain(0x50, ID), b"\x62\x03\0\x01\x92", b"\x62\x02\0\x01"),
    "PUBREC of nothing, refused": Answered(Offence(packet(0x50, ID, b"\x97"), b""), b"", None),
    "PUBCOMP of nothing": Answered(plain(0x70, ID)),
    "all options of a subscription": Answered(subscribed("ds/n1/down/c1/#", 0x2D), b"\x90\x04\0\x01\0\x01", None),
    "QoS 2 of a subscription": Answered(
        subscribed("ds/n1/down/c1/#", 2), b"\x90\x04\0\x01\0\x01", b"\x90\x03\0\x01\x01"
    ),
    "a shared subscription": Answered(subscribed("$share/g/a"), b"\x90\x04\0\x01\0\x9e", b"\x90\x03\0\x01\x80"),
    "somebody else's answers": Answered(subscribed("ds/n1/down/c2/#"), b"\x90\x04\0\x01\0\x87", b"\x90\x03\0\x01\x80"),
    "a long length, which 3.1.1 allows": Answered(Offence(b"\xc0\0", b"\xc0\x80\0"), b"\xd0\0", b"\xd0\0"),
}
