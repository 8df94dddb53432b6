"""One list of good and bad packets with their bytes: it feeds round trips, truncation, flipped bytes, fuzzers and
benchmarks of both versions."""

from typing import NamedTuple

from edge.mqtt.packets import codec
from edge.mqtt.packets.codec import Packet, PubAckReasonCode, QoS, SubAckReasonCode, TopicFilter, Will

UP = "ds/n1/up/c1/order.place"
_UP = b"\x00\x17ds/n1/up/c1/order.place"


class Case(NamedTuple):
    """A packet as MQTT 5 and as 3.1.1; empty where our server neither reads nor writes it there."""

    packet: Packet
    v5: bytes
    v311: bytes = b""

    def __repr__(self) -> str:
        return f"{type(self.packet).__name__}-{CASES.index(self)}"


CASES: list[Case] = [
    Case(
        codec.ConnectPacket("", clean_start=True, keep_alive=60),
        b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00",
        b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    ),
    Case(
        codec.ConnectPacket("till-1", username="c1", password=b"\x00\xff", clean_start=True, keep_alive=65_535),
        b"\x10\x1b\x00\x04MQTT\x05\xc2\xff\xff\x00\x00\x06till-1\x00\x02c1\x00\x02\x00\xff",
        b"\x10\x1a\x00\x04MQTT\x04\xc2\xff\xff\x00\x06till-1\x00\x02c1\x00\x02\x00\xff",
    ),
    Case(
        codec.ConnectPacket(
            "手机", username="c1", will=Will("gone", payload=b"x", qos=QoS.AT_LEAST_ONCE), clean_start=True
        ),
        b"\x10\x21\x00\x04MQTT\x05\x8e\x00\x00\x00\x00\x06\xe6\x89\x8b\xe6\x9c\xba\x00\x00\x04gone\x00\x01x\x00\x02c1",
        b"\x10\x1f\x00\x04MQTT\x04\x8e\x00\x00\x00\x06\xe6\x89\x8b\xe6\x9c\xba\x00\x04gone\x00\x01x\x00\x02c1",
    ),
    Case(codec.ConnAckPacket(), b"\x20\x03\x00\x00\x00", b"\x20\x02\x00\x00"),
    Case(codec.ConnAckPacket(session_present=True), b"\x20\x03\x01\x00\x00", b"\x20\x02\x01\x00"),
    *[
        Case(codec.ConnAckPacket(reason_code=reason), bytes((0x20, 3, 0, int(reason), 0)), bytes((0x20, 2, 0, code)))
        for reason, code in [
            (codec.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION, 1),
            (codec.ConnAckReasonCode.CLIENT_ID_NOT_VALID, 2),
            (codec.ConnAckReasonCode.SERVER_BUSY, 3),
            (codec.ConnAckReasonCode.QUOTA_EXCEEDED, 3),
            (codec.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, 4),
            (codec.ConnAckReasonCode.NOT_AUTHORIZED, 5),
            (codec.ConnAckReasonCode.BANNED, 5),
        ]
    ],
    Case(codec.PublishPacket(UP, b""), b"\x30\x1a" + _UP + b"\x00", b"\x30\x19" + _UP),
    Case(
        codec.PublishPacket(UP, b"x" * 200, qos=QoS.AT_LEAST_ONCE, packet_id=1),
        b"\x32\xe4\x01" + _UP + b"\x00\x01\x00" + b"x" * 200,
        b"\x32\xe3\x01" + _UP + b"\x00\x01" + b"x" * 200,
    ),
    Case(
        codec.PublishPacket(UP, b"\x83", qos=QoS.AT_LEAST_ONCE, packet_id=65_535, duplicate=True),
        b"\x3a\x1d" + _UP + b"\xff\xff\x00\x83",
        b"\x3a\x1c" + _UP + b"\xff\xff\x83",
    ),
    Case(
        codec.PublishPacket("主题", b"{}", retain=True),
        b"\x31\x0b\x00\x06\xe4\xb8\xbb\xe9\xa2\x98\x00{}",
        b"\x31\x0a\x00\x06\xe4\xb8\xbb\xe9\xa2\x98{}",
    ),
    Case(
        codec.PublishPacket(UP, b"x" * 20_000, qos=QoS.EXACTLY_ONCE, packet_id=7),
        b"\x34\xbc\x9c\x01" + _UP + b"\x00\x07\x00" + b"x" * 20_000,
        b"\x34\xbb\x9c\x01" + _UP + b"\x00\x07" + b"x" * 20_000,
    ),
    Case(codec.PubAckPacket(1), b"\x40\x02\x00\x01", b"\x40\x02\x00\x01"),
    Case(codec.PubRecPacket(2), b"\x50\x02\x00\x02"),
    Case(codec.PubRelPacket(3), b"\x62\x02\x00\x03", b"\x62\x02\x00\x03"),
    Case(codec.PubCompPacket(65_535), b"\x70\x02\xff\xff"),
    Case(
        codec.SubscribePacket(9, [TopicFilter("a/#", max_qos=QoS.AT_LEAST_ONCE), TopicFilter("+")]),
        b"\x82\x0d\x00\x09\x00\x00\x03a/#\x09\x00\x01+\x0a",
        b"\x82\x0c\x00\x09\x00\x03a/#\x01\x00\x01+\x02",
    ),
    Case(
        codec.SubAckPacket(9, [SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, SubAckReasonCode.NOT_AUTHORIZED]),
        b"\x90\x05\x00\x09\x00\x01\x87",
        b"\x90\x04\x00\x09\x01\x80",
    ),
    Case(
        codec.UnsubscribePacket(10, ["a/#", "+"]),
        b"\xa2\x0b\x00\x0a\x00\x00\x03a/#\x00\x01+",
        b"\xa2\x0a\x00\x0a\x00\x03a/#\x00\x01+",
    ),
    Case(
        codec.UnsubAckPacket(1, [codec.UnsubAckReasonCode.SUCCESS, codec.UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED]),
        b"\xb0\x05\x00\x01\x00\x00\x11",
        b"\xb0\x02\x00\x01",
    ),
    Case(codec.PingReqPacket(), b"\xc0\x00", b"\xc0\x00"),
    Case(codec.PingRespPacket(), b"\xd0\x00"),
    Case(codec.DisconnectPacket(), b"\xe0\x00", b"\xe0\x00"),
    # what 3.1.1 has no words for
    Case(
        codec.ConnectPacket(
            "till-1",
            session_expiry_interval=60,
            receive_max=10,
            topic_alias_max=3,
            max_packet_size=100,
            request_problem_info=False,
            user_properties=[("a", "b")],
            will=Will("gone", payload=b"", will_delay_interval=5, content_type="text/plain", correlation_data=b"\xff"),
        ),
        b"\x10\x4b\x00\x04MQTT\x05\x04\x00\x00"
        b"\x19\x11\x00\x00\x00\x3c\x17\x00\x21\x00\x0a\x22\x00\x03\x27\x00\x00\x00\x64\x26\x00\x01a\x00\x01b"
        b"\x00\x06till-1\x16\x03\x00\x0atext/plain\x09\x00\x01\xff\x18\x00\x00\x00\x05\x00\x04gone\x00\x00",
    ),
    Case(
        codec.ConnectPacket("c", authentication_method="SCRAM", authentication_data=b"\x80"),
        b"\x10\x1a\x00\x04MQTT\x05\x00\x00\x00\x0c\x15\x00\x05SCRAM\x16\x00\x01\x80\x00\x01c",
    ),
    Case(
        codec.ConnAckPacket(
            receive_max=10, max_qos=QoS.AT_LEAST_ONCE, retain_available=False, assigned_client_id="auto-1"
        ),
        b"\x20\x13\x00\x00\x10\x12\x00\x06auto-1\x21\x00\x0a\x24\x01\x25\x00",
    ),
    Case(codec.PublishPacket("", b"x", topic_alias=1), b"\x30\x07\x00\x00\x03\x23\x00\x01x"),
    Case(
        codec.PublishPacket(
            UP, b"x", message_expiry_interval=1, response_topic="回", correlation_data=b"\xfe", content_type="a"
        ),
        b"\x30\x2e" + _UP + b"\x13\x02\x00\x00\x00\x01\x03\x00\x01a\x08\x00\x03\xe5\x9b\x9e\x09\x00\x01\xfex",
    ),
    Case(
        codec.PublishPacket(UP, b"x", user_properties=[("ключ", "")], payload_format_indicator=1),
        b"\x30\x2a" + _UP + b"\x0f\x01\x01\x26\x00\x08\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87\x00\x00x",
    ),
    Case(
        codec.PubAckPacket(1, reason_code=PubAckReasonCode.QUOTA_EXCEEDED, reason_str="over_quota"),
        b"\x40\x11\x00\x01\x97\x0d\x1f\x00\x0aover_quota",
    ),
    Case(
        codec.SubscribePacket(
            1, [TopicFilter("a", no_local=True)], subscription_id=268_435_455, user_properties=[("a", "")]
        ),
        b"\x82\x12\x00\x01\x0b\x0b\xff\xff\xff\x7f\x26\x00\x01a\x00\x00\x00\x01a\x0e",
    ),
    Case(
        codec.SubAckPacket(1, [SubAckReasonCode.NOT_AUTHORIZED], reason_str="no"),
        b"\x90\x09\x00\x01\x05\x1f\x00\x02no\x87",
    ),
    Case(
        codec.DisconnectPacket(reason_code=codec.DisconnectReasonCode.SESSION_TAKEN_OVER, reason_str="elsewhere"),
        b"\xe0\x0e\x8e\x0c\x1f\x00\x09elsewhere",
    ),
    Case(
        codec.AuthPacket(reason_code=codec.AuthReasonCode.RE_AUTHENTICATE, authentication_method="SCRAM"),
        b"\xf0\x0a\x19\x08\x15\x00\x05SCRAM",
    ),
]

FROM_SERVER = (codec.ConnAckPacket, codec.SubAckPacket, codec.UnsubAckPacket)
"""What our server writes as 3.1.1; all others it reads."""

V5 = [case.v5 for case in CASES]
V311 = [case.v311 for case in CASES if case.v311 and not isinstance(case.packet, FROM_SERVER)]
"""What a client may send, as bytes."""

BAD_BOTH: dict[str, bytes] = {
    "packet type 0": b"\x00\x00",
    "flags of PINGREQ": b"\xc1\x00",
    "a body in PINGREQ": b"\xc0\x01\x00",
    "QoS 3": b"\x36\x06\x00\x01a\x00\x01\x00",
    "a topic longer than its packet": b"\x30\x04\x00\x09ab",
    "a topic that is not UTF-8": b"\x30\x06\x00\x02\xff\xfe\x00x",
    "a topic with a surrogate": b"\x30\x07\x00\x03\xed\xa0\x80\x00x",
    "flags of SUBSCRIBE": b"\x80\x08\x00\x01\x00\x00\x01a\x00\x00",
    "a length of five bytes": b"\x30\xff\xff\xff\xff\x01",
    "protocol version 6": b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x01a",
}
"""What neither version accepts."""

BAD_V5: dict[str, bytes] = {
    **BAD_BOTH,
    "an unknown property": b"\x30\x07\x00\x01a\x02\x7f\x00x",
    "properties longer than their packet": b"\x30\x06\x00\x01a\x7f\x01x",
    "a property that goes on in the payload": b"\x30\x0a\x00\x01a\x01\x08\x00\x02ab{}",
    "a property that goes on in a payload that is not UTF-8": b"\x30\x0a\x00\x01a\x01\x08\x00\x02\xff\xff{}",
    "an expiry that goes on in the payload": b"\x30\x0a\x00\x01a\x03\x02\x00\x00\x00\x01{}",
    "will properties that go on in the topic": (
        b"\x10\x19\x00\x04MQTT\x05\x06\x00\x3c\x00\x00\x01a\x02\x18\x00\x00\x00\x05\x00\x01t\x00\x00"
    ),
    "no topic and no alias": b"\x30\x05\x00\x00\x00xx",
    "a client identifier that is not UTF-8": b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01\xff",
    "a user property that is not UTF-8": b"\x30\x0b\x00\x01a\x07\x26\x00\x01\xff\x00\x01b",
    "a filter that is not UTF-8": b"\x82\x07\x00\x01\x00\x00\x01\xff\x00",
    "a reason that is not UTF-8": b"\xe0\x06\x00\x04\x1f\x00\x01\xff",
}

BAD_V311: dict[str, bytes] = {
    **BAD_BOTH,
    "wildcards in a topic": b"\x30\x04\x00\x01#x",
    "a filter with text after #": b"\x82\x08\x00\x01\x00\x03#/a\x00",
    "an empty topic": b"\x30\x03\x00\x00x",
    "a packet identifier of 0": b"\x32\x06\x00\x01a\x00\x00x",
    "an acknowledgement of 0": b"\x40\x02\x00\x00",
    "a reserved connect flag": b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01a",
    "a password without a user name": b"\x10\x10\x00\x04MQTT\x04\x42\x00\x3c\x00\x01a\x00\x01p",
    "will flags without a will": b"\x10\x0d\x00\x04MQTT\x04\x2a\x00\x3c\x00\x01a",
    "bytes after CONNECT": b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x01ax",
    "a SUBSCRIBE without a filter": b"\x82\x02\x00\x01",
    "a requested QoS of 3": b"\x82\x06\x00\x01\x00\x01a\x03",
    "an UNSUBSCRIBE without a filter": b"\xa2\x02\x00\x01",
    "PUBREL of 0": b"\x62\x02\x00\x00",
    "CONNACK": b"\x20\x02\x00\x00",
    "an acknowledgement with a reason": b"\x40\x03\x00\x01\x10",
    "AUTH": b"\xf0\x00",
}
