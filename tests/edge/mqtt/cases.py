"""One list of good and bad packets: it feeds round trips, truncation, flipped bytes and fuzzers of both versions."""

from edge.mqtt.packets.codec import (
    AuthPacket,
    AuthReasonCode,
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    DisconnectPacket,
    DisconnectReasonCode,
    Packet,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PubAckReasonCode,
    PubCompPacket,
    PublishPacket,
    PubRecPacket,
    PubRelPacket,
    QoS,
    SubAckPacket,
    SubAckReasonCode,
    SubscribePacket,
    TopicFilter,
    UnsubAckPacket,
    UnsubAckReasonCode,
    UnsubscribePacket,
    Will,
)

UP = "ds/n1/up/c1/order.place"

BOTH: list[Packet] = [
    ConnectPacket("", clean_start=True, keep_alive=60),
    ConnectPacket("till-1", username="c1", password=b"\x00\xff", clean_start=True, keep_alive=65_535),
    ConnectPacket("手机", username="c1", will=Will("gone", payload=b"x", qos=QoS.AT_LEAST_ONCE), clean_start=True),
    ConnAckPacket(),
    ConnAckPacket(session_present=True),
    ConnAckPacket(reason_code=ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD),
    PublishPacket(UP, b""),
    PublishPacket(UP, b"x" * 200, qos=QoS.AT_LEAST_ONCE, packet_id=1),
    PublishPacket(UP, b"\x83", qos=QoS.AT_LEAST_ONCE, packet_id=65_535, duplicate=True),
    PublishPacket("主题", b"{}", retain=True),
    PublishPacket(UP, b"x" * 20_000, qos=QoS.EXACTLY_ONCE, packet_id=7),
    PubAckPacket(1),
    PubRecPacket(2),
    PubRelPacket(3),
    PubCompPacket(65_535),
    SubscribePacket(9, [TopicFilter("a/#", max_qos=QoS.AT_LEAST_ONCE, retain_as_published=True), TopicFilter("+")]),
    SubAckPacket(9, [SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, SubAckReasonCode.UNSPECIFIED_ERROR]),
    UnsubscribePacket(10, ["a/#", "+"]),
    PingReqPacket(),
    PingRespPacket(),
    DisconnectPacket(),
]
"""Packets that read the same in 3.1.1 and 5.0."""

ONLY_V5: list[Packet] = [
    ConnectPacket(
        "till-1",
        session_expiry_interval=60,
        receive_max=10,
        topic_alias_max=3,
        max_packet_size=100,
        request_problem_info=False,
        user_properties=[("a", "b")],
        will=Will("gone", payload=b"", will_delay_interval=5, content_type="text/plain", correlation_data=b"\xff"),
    ),
    ConnectPacket("c", authentication_method="SCRAM", authentication_data=b"\x80"),
    ConnAckPacket(receive_max=10, max_qos=QoS.AT_LEAST_ONCE, retain_available=False, assigned_client_id="auto-1"),
    PublishPacket("", b"x", topic_alias=1),
    PublishPacket(UP, b"x", message_expiry_interval=1, response_topic="回", correlation_data=b"\xfe", content_type="a"),
    PublishPacket(UP, b"x", user_properties=[("ключ", "значение")], payload_format_indicator=1),
    PubAckPacket(1, reason_code=PubAckReasonCode.QUOTA_EXCEEDED, reason_str="over_quota"),
    SubscribePacket(1, [TopicFilter("a", no_local=True)], subscription_id=268_435_455, user_properties=[("a", "")]),
    SubAckPacket(1, [SubAckReasonCode.NOT_AUTHORIZED], reason_str="no"),
    UnsubAckPacket(1, [UnsubAckReasonCode.SUCCESS, UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED]),
    DisconnectPacket(reason_code=DisconnectReasonCode.SESSION_TAKEN_OVER, reason_str="elsewhere"),
    AuthPacket(reason_code=AuthReasonCode.RE_AUTHENTICATE, authentication_method="SCRAM"),
]

V5: list[Packet] = [*BOTH, *ONLY_V5]

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
    "a CONNACK of 6": b"\x20\x02\x00\x06",
    "a SUBACK of 3": b"\x90\x03\x00\x01\x03",
    "AUTH": b"\xf0\x00",
}
