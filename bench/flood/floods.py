"""What one client can flood a node with: what it sends first on each connection, and what it repeats then."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from edge.limits import PACKET_BYTES_MAX
from edge.messages.envelope import Crs, Place, encode, topic_up
from edge.scenarios.dispatch.messages.up import POSITION_POINTS_MAX, OrderPlace, RiderPosition, RiderShift

from ..load.client.workload import CENTRE
from ..load.subjects import NODE, token_of
from .wire import BINARY, PING, V5, V311, connect, frame, packet, publish, subscribe, text, unsubscribe

EVENTS: Final = 4_000
"""Different events before a flood repeats them: more than a quota lets through while one is measured."""

_PACKETS: Final = 1_000
_FAR: Final = Place(CENTRE[0] + 1.0, CENTRE[1])
"""A hundred kilometres from every rider, so that an order from there stays open."""

Bytes = Callable[[str], bytes]
"""Made for the client of this name."""


class Flood(Struct, frozen=True):
    """`words` describe it; `opening` begins each connection and `block` is then sent again and again; without one
    the connection is hung up after its opening, as often a second as the flooder may. `door` is the listener; a
    connection to `ws` is upgraded first."""

    words: str
    opening: Bytes = lambda _: b""
    block: Bytes = lambda _: b""
    door: str = "mqtt"


def flooder_of(name: str) -> str:
    """The client that sends a flood. It has every role; each flood has its own, with a budget of its own."""
    return f"eve-{name}"


def _connected(name: str, level: int = V5) -> bytes:
    return connect(name, token_of(name), level)


def _connected_v311(name: str) -> bytes:
    return _connected(name, V311)


def _in_websocket(block: Bytes) -> Flood:
    return Flood("WebSocket pings", lambda name: frame(BINARY, _connected(name)), block, "ws")


def _numbered(bodies: Iterable[bytes], name: str, kind: str) -> bytes:
    """QoS 1 in 3.1.1, where a client need not know how many may be on their way."""
    topic = topic_up(NODE, name, kind)
    return b"".join(publish(topic, body, number, level=V311) for number, body in enumerate(bodies, 1))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _order(order: str) -> bytes:
    return encode(
        OrderPlace(id=order, at=_now_ms(), order=order, shop="s", pickup=_FAR, dropoff=_FAR, prep_s=0), json=True
    )


def _orders(name: str) -> bytes:
    begun = _now_ms()
    return _numbered((_order(f"o{begun}-{number}") for number in range(EVENTS)), name, "order.place")


def _track(crs: Crs | None = None) -> bytes:
    """As many points as a message may have, a second apart, up to now."""
    begun = _now_ms() - 1000 * POSITION_POINTS_MAX
    points = [(begun + 1000 * step, _FAR.lat, _FAR.lon + step * 1e-5) for step in range(POSITION_POINTS_MAX)]
    return encode(RiderPosition(points=points, crs=crs), json=True)


def _on_shift(name: str, level: int = V5) -> bytes:
    """A rider's positions count while it is on shift."""
    at = _now_ms()
    shift = encode(RiderShift(id=f"shift-{at}", at=at, on=True, place=_FAR), json=True)
    return _connected(name, level) + publish(topic_up(NODE, name, "rider.shift"), shift, 1, level=level)


def _positions(crs: Crs | None = None) -> Flood:
    words = f"positions of {POSITION_POINTS_MAX} points, QoS 0" + (f", in {crs}" if crs else "")
    return Flood(words, _on_shift, lambda name: publish(topic_up(NODE, name, "rider.position"), _track(crs)) * 10)


def _properties(name: str) -> bytes:
    """User properties without a value, as many as a packet has room for."""
    one = b"\x26" + text("a") + text("")
    count = (PACKET_BYTES_MAX - 512) // len(one)
    return publish(topic_up(NODE, name, "rider.position"), b"{}", properties=one * count)


def _filters() -> list[str]:
    """Short ones, as many as a packet has room for. The node knows none of them."""
    return ["a"] * ((PACKET_BYTES_MAX - 512) // 4)


FLOODS: Final[dict[str, Flood]] = {
    "bytes": Flood("bytes before CONNECT that are none", block=lambda _: bytes(64 * 1024)),
    "pings-before-connect": Flood("WebSocket pings before CONNECT", block=lambda _: frame(PING) * _PACKETS, door="ws"),
    "pings": _in_websocket(lambda _: frame(PING) * _PACKETS),
    "pingreq": Flood("PINGREQ", _connected, lambda _: packet(0xC0, b"") * _PACKETS),
    "filters": Flood("SUBSCRIBE with thousands of filters", _connected, lambda _: subscribe(*_filters())),
    "unsubscribes": Flood("UNSUBSCRIBE with thousands of filters", _connected, lambda _: unsubscribe(_filters())),
    "properties": Flood("PUBLISH with thousands of user properties", _connected, lambda name: _properties(name) * 10),
    "forbidden": Flood(
        "QoS 0 to a topic of somebody else", _connected, lambda _: publish("ds/bench/up/mallory/x", b"") * _PACKETS
    ),
    "positions-qos0": _positions(),
    "positions-qos1": Flood(
        f"positions of {POSITION_POINTS_MAX} points, QoS 1",
        lambda name: _on_shift(name, V311),
        lambda name: _numbered([_track()] * 100, name, "rider.position"),
    ),
    "positions-crs": _positions("gcj02"),
    "orders": Flood("open orders of one customer, QoS 1", _connected_v311, _orders),
    "repeats": Flood(
        "the same order again and again, QoS 1",
        _connected_v311,
        lambda name: _numbered([_order("same")] * _PACKETS, name, "order.place"),
    ),
    "malformed": Flood(
        "events that cannot be read, QoS 1",
        _connected_v311,
        lambda name: _numbered([b'{"id": "m%d"' % number for number in range(EVENTS)], name, "order.place"),
    ),
    "oversized": Flood(
        "packets over the limit, QoS 1",
        _connected_v311,
        lambda name: _numbered([bytes(4 * PACKET_BYTES_MAX)] * 10, name, "order.place"),
    ),
    "failed-connects": Flood("CONNECT with a wrong token", lambda name: connect(name, "wrong")),
    "churn": Flood("CONNECT and DISCONNECT", lambda name: _connected(name) + packet(0xE0, b"")),
    "http": Flood(
        "requests to the page, without its token",
        block=lambda _: b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n" * _PACKETS,
        door="page",
    ),
}
"""By the name in the report."""
