"""The first packet. (What a client is answered is in test_session.py.)"""

import contextlib
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.grants import EVERYBODY, Grant
from edge.mqtt.limits import RECEIVE_MAX
from edge.mqtt.packets.codec import ConnAckPacket, ConnectPacket, MalformedPacket, QoS
from edge.mqtt.packets.codec import Will as MqttWill
from edge.mqtt.server.connect import (
    KEEP_ALIVE_S_MAX,
    KEEP_ALIVE_V311_S_MAX,
    Refused,
    UnsupportedVersion,
    admit,
    authenticated,
    encoding,
    keep_alive_s,
    last_will,
    level_of,
    proved,
    session_expiry_s,
    welcome,
)
from edge.mqtt.server.sessions import SESSION_EXPIRY_S_MAX
from edge.mqtt.server.topics import TOPIC_ALIAS_MAX
from tests.edge.mqtt.world import TOKEN, World, written


def test_levels():
    """The level is read from either version's packet."""
    assert [level_of(memoryview(written(version, ConnectPacket("a")))) for version in (5, 4)] == [5, 4]


def test_other_versions_are_named():
    """A version that is not spoken names which it is, and what to use."""
    with pytest.raises(UnsupportedVersion, match=r"level 6; use MQTT 5\.0 or 3\.1\.1"):
        level_of(memoryview(b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x01a"))


@given(st.binary(min_size=2, max_size=30))
def test_malformed_input_is_only_ever_malformed(data: bytes):
    """Random bytes have a level or are malformed."""
    framed = bytes((0x10, len(data))) + data
    with contextlib.suppress(MalformedPacket):
        assert level_of(memoryview(framed)) in (4, 5)


@pytest.mark.parametrize(("version", "longest"), [(5, KEEP_ALIVE_S_MAX), (4, KEEP_ALIVE_V311_S_MAX)])
def test_keepalives_are_capped(version: int, longest: int):
    """No keepalive, or a very long one, becomes the longest that we allow."""
    asked = (0, 1, 60, longest, longest + 1, 65_535)
    kept = [keep_alive_s(ConnectPacket("a", keep_alive=each), version) for each in asked]
    assert kept == [longest, 1, 60, longest, longest, longest]


def test_sessions_are_kept_for_a_bounded_time():
    """As long as the client asks for, up to the longest that we allow."""
    asked = (0, 60, SESSION_EXPIRY_S_MAX, SESSION_EXPIRY_S_MAX + 1, 0xFFFF_FFFF)
    kept = [session_expiry_s(ConnectPacket("a", session_expiry_interval=each)) for each in asked]
    assert kept == [0, 60, *[SESSION_EXPIRY_S_MAX] * 3]


def test_the_welcome_has_what_the_client_cannot_know():
    """Our limits, and where its wishes were not followed; one that takes only small packets learns the latter."""

    def welcomed(version: int = 5, **wishes: Any) -> bytearray:
        return welcome(ConnectPacket(**wishes), version, "auto-1", 4_000)

    wish = {"client_id": "", "keep_alive": 60, "session_expiry_interval": SESSION_EXPIRY_S_MAX + 1}
    differs: dict[str, Any] = {"assigned_client_id": "auto-1", "session_expiry_interval": SESSION_EXPIRY_S_MAX}
    full = ConnAckPacket(
        receive_max=RECEIVE_MAX,
        topic_alias_max=TOPIC_ALIAS_MAX,
        max_packet_size=4_000,
        retain_available=False,
        subscription_id_available=False,
        shared_subscription_available=False,
        **differs,
    ).write()
    short = ConnAckPacket(**differs).write()
    for longest, data in ((None, full), (len(full), full), (len(full) - 1, short), (len(short), short)):
        assert welcomed(**wish, max_packet_size=longest) == data
    with pytest.raises(Refused, match="over your maximum packet size"):
        welcomed(**wish, max_packet_size=len(short) - 1)
    known = {"client_id": "a", "keep_alive": 0, "session_expiry_interval": SESSION_EXPIRY_S_MAX}
    assert welcomed(**known, max_packet_size=20) == ConnAckPacket(server_keep_alive=KEEP_ALIVE_S_MAX).write()
    assert welcomed(4, **known) == b"\x20\x02\x00\x00"


@pytest.mark.parametrize(("qos", "taken"), [(0, 0), (1, 1), (2, 1)])
def test_a_will_is_published_at_qos_1_at_most(qos: int, taken: int):
    """Whatever it asks for: it is on disk, and nobody waits for its acknowledgement."""
    packet = ConnectPacket("a", will=MqttWill("ds/n1/up/c1/x", payload=b"", qos=QoS(qos)))
    will = last_will(packet, 5, "c1", EVERYBODY, World().sessions, 0.0)
    assert will is not None
    assert will.publish.qos == taken


def test_names_that_could_not_be_topic_levels_are_never_asked_for():
    """A user name with a wildcard or a slash is refused before anybody looks for its token."""
    sessions = World().sessions
    assert authenticated("c1", TOKEN, sessions) is EVERYBODY
    assert not any(authenticated(name, TOKEN, sessions) for name in ("+", "a/b", "..", "", "c1\n", "x" * 65))


def test_a_certificate_counts_where_there_is_no_password():
    """Its owner decides by name and certificate; whoever has its key learns why one is no good, and a password
    beside it is the one thing that counts."""
    sessions = World().sessions
    asked: list[tuple[str, bytes]] = []

    def certified(name: str, certificate: bytes) -> Grant | str:
        asked.append((name, certificate))
        return Grant(key_id="k") if certificate == b"good" else "it was revoked"

    sessions.certified = certified
    packet = ConnectPacket("phone", username="c1")
    assert admit(packet, 5, sessions, b"good") == ("c1", "phone", Grant(key_id="k"))
    with pytest.raises(Refused, match="it was revoked") as raised:
        admit(packet, 5, sessions, b"bad")
    assert (raised.value.code, raised.value.cause) == (0x87, "credentials")
    assert admit(ConnectPacket("phone", username="c1", password=TOKEN), 5, sessions, b"bad")[2] is EVERYBODY
    assert proved("a/b", b"", b"good", sessions) is None
    assert asked == [("c1", b"good"), ("c1", b"bad")]


def test_who_has_only_a_code_is_another_client():
    """It has the node's name neither for its quota nor for its topics."""
    sessions = World().sessions
    sessions.authenticate = lambda _name, _secret: Grant(only="enrol.request")
    assert admit(ConnectPacket("c", username="n-1", password=b"code"), 5, sessions)[0] == "n-1/invited"


def test_identity_and_client_identifier():
    """The identity is the user name, whatever the client identifier."""
    sessions = World().sessions
    packet = ConnectPacket("Phone 1/2", username="c1", password=TOKEN)
    assert admit(packet, 5, sessions) == ("c1", "Phone 1/2", EVERYBODY)


@pytest.mark.parametrize("client_id", ["a", "0", "Z", string.ascii_letters[:23], string.ascii_letters[-23:], "9" * 23])
@pytest.mark.parametrize("version", [4, 5])
def test_without_credentials_every_identifier_of_the_standard_is_a_name(client_id: str, version: int):
    """3.1.3-5: 1 to 23 letters and digits. None at all is given one."""
    sessions = World(anonymous=True).sessions
    assert admit(ConnectPacket(client_id, clean_start=True), version, sessions) == (client_id, client_id, EVERYBODY)
    assert admit(ConnectPacket("", clean_start=True), version, sessions)[0].startswith("auto-")


@pytest.mark.parametrize(
    ("properties", "credential", "wanted"),
    [
        ([], "", None),
        ([("encoding", "json")], "", True),
        ([("x", "msgpack"), ("encoding", "msgpack"), ("encoding", "json")], "", False),
        ([("encoding", "utf-8")], "", None),
        ([], "msgpack", False),
        ([("encoding", "utf-8")], "msgpack", False),
        ([("encoding", "json")], "msgpack", True),
    ],
)
def test_the_encoding_of_answers(properties: list[tuple[str, str]], credential: str, wanted: bool | None):
    """A client may name it in CONNECT; the first word counts, and an unknown one is none. Else it is that of its
    credential."""
    packet = ConnectPacket("a", user_properties=properties)
    assert encoding(packet, Grant(("rider",), encoding=credential)) is wanted
