"""The one list of good and bad messages: round trip, truncation, fuzzing and benchmarks all draw from it.

A good case is (kind, fields). A bad case is (what is wrong, kind, payload, reason, field): `field` is what the refusal
must name ("" where the bytes are no message at all).
"""

import json
import struct
from typing import Any

import msgpack

AT = 1_790_000_000_000

GOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "order.place",
        {
            "id": "e-1",
            "at": AT,
            "order": "o-1",
            "shop": "shop-1",
            "pickup": {"lat": 31.2, "lon": 121.4},
            "dropoff": {"lat": 31.21, "lon": 121.42},
            "ready_at": AT + 600_000,
        },
    ),
    (
        "order.place",
        {
            "id": "e-2",
            "at": AT,
            "order": "o-2",
            "shop": "shop-1",
            "pickup": {"lat": -31, "lon": -121},
            "dropoff": {"lat": -31.21, "lon": -121.42},
            "prep_s": 0,
            "promise": False,
            "crs": "wgs84",
            "v": 7,
            "a_field_of_the_future": [1, {"x": None}],
        },
    ),
    ("order.cancel", {"id": "e-3", "at": AT, "order": "o-1", "reason": "zu spät ☹"}),
    ("rider.shift", {"id": "e-4", "at": AT, "on": True, "capacity": 2, "until": AT + 1, "place": {"lat": 0, "lon": 0}}),
    ("rider.shift", {"id": "e-5", "at": AT, "on": False}),
    ("rider.reply", {"id": "e-6", "at": AT, "order": "o-1", "offer": 1, "accept": True}),
    ("rider.reply", {"id": "e-7", "at": AT, "order": "o-1", "offer": 9, "accept": False, "reason": "flat tyre"}),
    ("rider.progress", {"id": "e-8", "at": AT, "order": "o-1", "step": "picked_up"}),
    ("kitchen.ready", {"id": "e-9", "at": AT, "order": "o-1"}),
    ("kitchen.delay", {"id": "e-10", "at": AT, "order": "o-1", "ready_at": AT + 5}),
    ("order.track", {"order": "o-1", "v": 2}),
    ("orders.list", {"v": 2}),
    ("board.list", {"offset": 100}),
    ("rider.position", {"points": [[AT, 31.2, 121.4]]}),
    ("rider.position", {"points": [[AT + n, 31.2, 121.4] for n in range(120)], "crs": "wgs84"}),
]


def pack(fields: dict[str, Any]) -> bytes:
    """MessagePack by an implementation that is not the node's."""
    packed = msgpack.packb(fields)
    assert packed is not None
    return packed


def text(fields: dict[str, Any]) -> bytes:
    """JSON by an implementation that is not the node's."""
    return json.dumps(fields).encode()


def _place(**changes: Any) -> dict[str, Any]:
    fields = {**GOOD[0][1], **changes}
    return {name: value for name, value in fields.items() if value is not ...}


_NAN_LAT = pack(_place()).replace(struct.pack(">d", 31.2), struct.pack(">d", float("nan")))

HABITS: list[tuple[str, bytes]] = [
    ("a whole number as float64", pack(_place(at=float(AT)))),
    ("a time with an exponent", text(_place()).replace(str(AT).encode(), f"{AT / 1e12!r}e12".encode(), 1)),
    ("a byte order mark", b"\xef\xbb\xbf" + text(_place())),
    ("NULs at the end", text(_place()) + b"\0\0"),
]
"""Good orders, as `GOOD[0]`, in the form in which some libraries and systems send them."""

BAD: list[tuple[str, str, bytes, str, str]] = [
    ("empty", "order.place", b"", "malformed", ""),
    ("one reserved byte", "order.place", b"\xc1", "malformed", ""),
    ("half of a JSON", "order.place", b'{"id":', "malformed", ""),
    ("a list", "order.place", b"\x93\x01\x02\x03", "malformed", ""),
    ("a JSON list after a space", "order.place", b" [1]", "malformed", ""),
    ("depth bomb, MessagePack", "order.place", b"\x81\xa1x" + b"\x91" * 15_000, "malformed", ""),
    ("depth bomb, JSON", "order.place", b'{"x":' + b"[" * 15_000, "malformed", ""),
    ("length bomb", "order.place", b"\xdf\xff\xff\xff\xff", "malformed", ""),
    ("string length bomb", "order.place", b"\x81\xdb\xff\xff\xff\xff", "malformed", ""),
    ("a field name that is not UTF-8", "order.place", b"\x81\xa2\xff\xfe\x01", "malformed", "order"),
    ("an order that is not UTF-8", "order.place", b"\x81\xa5order\xa2\xff\xfe", "malformed", ""),
    ("lone surrogate", "order.place", b'{"id":"\\ud800"}', "malformed", "id"),
    ("no id", "order.place", text(_place(id=...)), "malformed", "id"),
    ("id of the wrong type", "order.place", text(_place(id=7)), "malformed", "id"),
    ("id with a space", "order.place", text(_place(id="e 1")), "malformed", "id"),
    ("id with a line break", "order.place", pack(_place(id="e-1\n")), "malformed", "id"),
    ("id of 65 characters", "order.place", pack(_place(id="e" * 65)), "malformed", "id"),
    ("path in the order", "order.place", pack(_place(order="../../etc")), "malformed", "order"),
    ("right-to-left override in the shop", "order.place", pack(_place(shop="shop\u202e1")), "malformed", "shop"),
    ("negative time", "order.place", pack(_place(at=-1)), "malformed", "at"),
    ("time of 2^63", "order.place", pack(_place(at=2**63)), "malformed", "at"),
    ("time as a float", "order.place", text(_place(at=1.5)), "malformed", "at"),
    ("latitude 91", "order.place", text(_place(pickup={"lat": 91, "lon": 0})), "malformed", "pickup.lat"),
    ("latitude NaN", "order.place", _NAN_LAT, "malformed", "pickup.lat"),
    ("latitude 1e999", "order.place", text(_place()).replace(b"31.2,", b"1e999,"), "malformed", "pickup.lat"),
    ("unknown coordinate system", "order.place", text(_place(crs="bd09")), "malformed", "crs"),
    ("another kind inside", "order.place", text(_place(kind="order.cancel")), "malformed", "kind"),
    ("preparation of a week", "order.place", text(_place(prep_s=604_800)), "malformed", "prep_s"),
    ("reason of 257 characters", "order.cancel", text({**GOOD[2][1], "reason": "x" * 257}), "malformed", "reason"),
    ("an escape in the reason", "order.cancel", text({**GOOD[2][1], "reason": "\x1b[2J"}), "malformed", "reason"),
    ("a turn in the reason", "rider.reply", pack({**GOOD[6][1], "reason": "no\u202e"}), "malformed", "reason"),
    ("capacity 0", "rider.shift", text({**GOOD[3][1], "capacity": 0}), "malformed", "capacity"),
    ("capacity 9", "rider.shift", text({**GOOD[3][1], "capacity": 9}), "malformed", "capacity"),
    ("on as a number", "rider.shift", text({**GOOD[3][1], "on": 1}), "malformed", "on"),
    ("offer 0", "rider.reply", text({**GOOD[5][1], "offer": 0}), "malformed", "offer"),
    ("offer beyond 2^53", "rider.reply", text({**GOOD[5][1], "offer": 2**53}), "malformed", "offer"),
    ("offer beyond 64 bits", "rider.reply", text({**GOOD[5][1], "offer": 2**64}), "malformed", "offer"),
    ("version beyond 64 bits", "order.place", text(_place(v=2**64)), "malformed", "v"),
    ("version of 64 bits", "order.place", pack(_place(v=2**64 - 1)), "malformed", "v"),
    ("version below 64 bits", "order.place", text(_place(v=-(2**64))), "malformed", "v"),
    ("unknown step", "rider.progress", text({**GOOD[7][1], "step": "eaten"}), "malformed", "step"),
    ("no points", "rider.position", text({"points": []}), "malformed", "points"),
    ("121 points", "rider.position", text({"points": [[AT, 0, 0]] * 121}), "malformed", "points"),
    ("a point of two", "rider.position", text({"points": [[AT, 0]]}), "malformed", "points[0]"),
    ("a float and a gap", "order.place", pack(_place(at=1.79e12, prep_s=-1)), "malformed", "prep_s"),
    ("one byte too many", "order.place", b"{" + b" " * (16 * 1024), "oversized", ""),
    ("unknown kind", "order.teleport", text(_place()), "unknown_kind", ""),
    ("hostile kind", "order.place'--", b"", "unknown_kind", ""),
]

WIDE: list[float] = [2**63 - 1, 2**63, 2**64 - 1, -(2**63), -1e308, 1e308, float("inf"), float("nan")]
"""Numbers beyond every bound. MessagePack has all of them; NaN and the infinities are no JSON."""


def with_wide_numbers(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """A good message once for each of its numbers and each of WIDE in the place of that number."""
    changed: list[dict[str, Any]] = []
    for name, value in fields.items():
        if name == "a_field_of_the_future":
            continue  # the node does not read it
        changed += [{**fields, name: other} for other in _with_wide_numbers(value)]
    return changed


def _with_wide_numbers(value: Any) -> list[Any]:
    match value:
        case bool() | str():
            return []
        case dict():
            return list(with_wide_numbers(value))
        case list():
            return [
                [*value[:at], other, *value[at + 1 :]]
                for at in (0, len(value) - 1)
                for other in _with_wide_numbers(value[at])
            ]
        case _:
            return list(WIDE)
