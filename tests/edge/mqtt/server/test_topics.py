"""The two subtrees of a client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.envelope import FORBIDDEN, UNKNOWN
from edge.mqtt.packets.codec import MalformedPacket, QoS
from edge.mqtt.server.topics import granted, parse_filter, parse_up

UP, DOWN = "ds/n1/up/c1/", "ds/n1/down/c1/"


@pytest.mark.parametrize("kind", ["a", "order.place", "x" * 32])
def test_own_kinds(kind: str):
    """A plain kind below the own prefix is what is left of the topic."""
    assert parse_up(UP + kind, UP) == kind


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("ds/n1/up/c2/order.place", FORBIDDEN),
        ("ds/n2/up/c1/order.place", FORBIDDEN),
        ("ds/n1/down/c1/receipt", FORBIDDEN),
        ("$SYS/broker", FORBIDDEN),
        ("../../etc/passwd", FORBIDDEN),
        ("ds/n1/up/c1", FORBIDDEN),
        ("ds/n1/up/c11/a", FORBIDDEN),
        (UP, UNKNOWN),
        (UP + "A", UNKNOWN),
        (UP + ".a", UNKNOWN),
        (UP + "a/b", UNKNOWN),
        (UP + "a" * 33, UNKNOWN),
        ("ds/\u2066/up/c1/a", FORBIDDEN),
        ("x" * 65_535, FORBIDDEN),
    ],
)
def test_refused_topics(topic: str, kind: str):
    """What is somebody else's is forbidden; what is the client's own has a kind or none."""
    assert parse_up(topic, UP) == kind


@pytest.mark.parametrize("text", ["a\n", "+", "order\u0001place", "#", "\u0000", "\u009f"])
def test_what_is_no_topic(text: str):
    """Wildcards and control characters end the connection, whoever's topic it is."""
    for prefix in (UP, "ds/n1/up/c2/", ""):
        with pytest.raises(MalformedPacket):
            parse_up(prefix + text, UP)


@given(st.text())
def test_a_kind_is_all_that_comes_out(text: str):
    """Whatever the topic, either it is refused or it is the prefix and a kind of narrow shape."""
    try:
        found = parse_up(UP + text, UP)
    except MalformedPacket:
        return
    if found != UNKNOWN:
        assert found == text
        assert set(found) <= set("abcdefghijklmnopqrstuvwxyz.")


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (DOWN + "\u200f", 0x8F),
        ("$share/g/" + DOWN + "#", 0x9E),
        ("x" * 300, 0x8F),
        (DOWN, 0x87),
        ("ds/n1/down/c1", 0x87),
        ("ds/n1/up/c1/#", 0x87),
        ("$SYS/#", 0x87),
        ("ds/n1/down/+/a", 0x87),
        ("ds/+/down/c1/a", 0x87),
        ("#", 0x87),
    ],
)
def test_refused_filters(pattern: str, code: int):
    """Only well-formed filters inside the own subtree pass."""
    assert parse_filter(pattern, DOWN) == code


@pytest.mark.parametrize(
    "pattern", ["", DOWN + "a#", DOWN + "#/a", DOWN + "a+", DOWN + "\u0000", "$share/g", "$share/+/a", "$share//a"]
)
def test_what_is_no_filter(pattern: str):
    """A wildcard where none may be, nothing at all, or a control character ends the connection."""
    with pytest.raises(MalformedPacket):
        parse_filter(pattern, DOWN)


@given(st.lists(st.sampled_from(["+", "a", "", "$SYS"]), min_size=1, max_size=40), st.sampled_from(["", "/#"]))
def test_well_formed_filters_are_never_malformed(levels: list[str], tail: str):
    """Whatever they match, in no more time than they are long."""
    pattern = "/".join(levels) + tail
    if pattern:
        parse_filter(pattern, DOWN)


@pytest.mark.parametrize(
    ("filters", "kind", "qos"),
    [
        ({}, "receipt", None),
        ({"#": QoS.AT_MOST_ONCE}, "receipt", 0),
        ({"receipt": QoS.AT_MOST_ONCE, "+": QoS.AT_LEAST_ONCE}, "receipt", 1),
        ({"+": QoS.AT_LEAST_ONCE, "receipt": QoS.AT_MOST_ONCE}, "receipt", 1),
        ({"update": QoS.AT_LEAST_ONCE}, "receipt", None),
        ({"receipt/#": QoS.AT_LEAST_ONCE}, "receipt", 1),
        ({"+/#": QoS.AT_LEAST_ONCE}, "receipt", 1),
        ({"+/+": QoS.AT_LEAST_ONCE}, "receipt", None),
        ({"+": QoS.AT_LEAST_ONCE, "a": QoS.AT_LEAST_ONCE, "a/b/c": QoS.AT_LEAST_ONCE}, "a/b", None),
        ({"a/#": QoS.AT_LEAST_ONCE}, "a/b", 1),
        ({"+/b": QoS.AT_MOST_ONCE}, "a/b", 0),
    ],
)
def test_the_highest_matching_qos_is_granted(filters: dict[str, QoS], kind: str, qos: int | None):
    """Of several matching filters the one with the higher QoS counts."""
    found = granted(filters, kind)
    assert (found is None) if qos is None else (found == qos)
