"""What a day was at the node, so that both sides can be compared, then and later: `central.fleet.reconcile` does.

A node lists every window that the centre has acknowledged, by the day (of UTC) in which the window began, and closes
the list when the day is over. A closed statement never changes; windows that come late are in another one of the same
day. So the statements of a day add up, like windows.

    up    sync.statement   one `SignedStatement`; its PUBACK means that the centre has it on disk
"""

import struct
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from ..envelope import Cumulative
from .shops import ShopDays, ShopTable, without

SYNC_STATEMENT: Final = "sync.statement"

DAY_MS: Final = 86_400_000
DAYS_OPEN_MAX: Final = 8
"""Days whose windows are not stated yet. Only a node whose centre takes no statements has more; the oldest go."""

WINDOWS_MAX: Final = 8_192
"""Windows of one statement: five scenarios at a window a minute. More are counted in the sums, and not listed."""

CLOSED_MAX: Final = 16
"""Statements that the centre has not taken yet; no further day is closed before it has."""

SIGNED: Final = b"doorstep statement 1\n"
"""Stands before the body where it is signed, so that a signature under anything else is none here."""

_ENTRY: Final = struct.Struct(">BII8s")  # scenario, seconds into the day, width in seconds, digest
_WITHHELD: Final = "withheld."

_Name = Annotated[str, Meta(min_length=1, max_length=96)]
_Identifier = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,63}\Z")]
Counters = dict[_Name, Cumulative]


class Entry(NamedTuple):
    """A window as a statement lists it: `start` is Unix ms, `digest` stands for all that `digest_of` reads."""

    scenario: str
    start: int
    width_s: int
    digest: bytes


class Statement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`windows` began on `day` (of UTC, counted from 1970), packed (`entries`); `counters` are their sums by scenario
    and name. The centre had acknowledged the batches up to `through` of `epoch`; `history` is the `chain_hash` there.
    `number` counts the statements of the node's data directory, `instance`; `at` is when it was closed (Unix ms).
    `unlisted` windows are in the sums only. `shops` has what became of the orders of each shop (`shops.ShopDays`), from
    `shops_since` (Unix ms) on."""

    node: _Identifier
    number: Cumulative
    day: Annotated[int, Meta(ge=0, le=2_932_896)]
    at: Cumulative
    epoch: Cumulative
    through: Cumulative
    history: Annotated[bytes, Meta(min_length=32, max_length=32)]
    events: Cumulative = 0
    scenarios: Annotated[list[_Identifier], Meta(max_length=256)] = []
    windows: Annotated[bytes, Meta(max_length=WINDOWS_MAX * _ENTRY.size)] = b""
    counters: Annotated[dict[_Identifier, Counters], Meta(max_length=256)] = {}
    unlisted: Cumulative = 0
    instance: str = ""
    shops: Annotated[list[ShopTable], Meta(max_length=256)] = []
    shops_since: Cumulative = 0


class SignedStatement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`body` is a `Statement` in MessagePack. `signature` is that of SIGNED and the body by ECDSA with SHA-256 (DER),
    made with the key of `certificate` (DER); both are empty where the node is not enrolled."""

    body: bytes
    signature: Annotated[bytes, Meta(max_length=256)] = b""
    certificate: Annotated[bytes, Meta(max_length=8_192)] = b""


class Day(Struct, array_like=True):
    """A statement in the making."""

    day: int
    events: int = 0
    scenarios: list[str] = []
    windows: bytes = b""
    counters: dict[str, dict[str, int]] = {}
    unlisted: int = 0

    def add(self, window: Any) -> None:
        """One more window (`batches.Window`)."""
        self.events += window.events
        scenario = window.scenario
        mine = self.counters.setdefault(scenario, {})
        for name, count in window.counters.items():
            mine[name] = mine.get(name, 0) + count
        if scenario not in self.scenarios:
            self.scenarios.append(scenario)
        if len(self.windows) >= WINDOWS_MAX * _ENTRY.size:
            self.unlisted += 1
            return
        offset_s = (window.start - self.day * DAY_MS) // 1000
        self.windows += _ENTRY.pack(self.scenarios.index(scenario), offset_s, window.width_s, digest_of(window))


class Statements(Struct, array_like=True):
    """The statements of one node: `days` are open, `closed` ones wait for the centre; `number` is that of the last.
    `shops` are the figures of shops that are in none yet."""

    number: int = 0
    days: dict[int, Day] = {}
    closed: list[Statement] = []
    shops: ShopDays = field(default_factory=ShopDays)

    def add(self, windows: Iterable[Any]) -> None:
        """Windows (`batches.Window`) that the centre has acknowledged."""
        for window in windows:
            day = window.start // DAY_MS
            if day not in self.days:
                self.days[day] = Day(day)
                if len(self.days) > DAYS_OPEN_MAX:
                    del self.days[min(self.days)]
            if (mine := self.days.get(day)) is not None:
                mine.add(window)

    def is_over(self, wall_ms: int) -> bool:
        """Whether there is a day to close at `wall_ms` (Unix ms), and room for it."""
        return len(self.closed) < CLOSED_MAX and bool(self._over(wall_ms))

    def stored(self, through: int) -> None:
        """The centre has those up to this number."""
        self.closed = [statement for statement in self.closed if statement.number > through]

    def close(self, node: str, at: int, epoch: int, through: int, history: bytes) -> None:
        """State the days that are over at `at` (Unix ms), as far as there is room."""
        for day in self._over(at):
            if len(self.closed) >= CLOSED_MAX:
                break
            mine = self.days.pop(day, None) or Day(day)
            since, shops = self.shops.close(day) if day in self.shops.days else (0, [])
            self.number += 1
            self.closed.append(
                Statement(
                    node=node,
                    number=self.number,
                    day=day,
                    at=at,
                    epoch=epoch,
                    through=through,
                    history=history,
                    events=mine.events,
                    scenarios=mine.scenarios,
                    windows=mine.windows,
                    counters={name: dict(sorted(mine.counters[name].items())) for name in sorted(mine.counters)},
                    unlisted=mine.unlisted,
                    shops=shops,
                    shops_since=since,
                )
            )

    def configure_shops(self, people_min: int) -> None:
        """Figures of shops leave from now on with so many people; 0: none leave, nor do those that are stated."""
        self.shops.configure(people_min)
        if not people_min:
            self.closed = [replace(each, shops=[], shops_since=0) for each in self.closed]

    def forget(self, shop: str) -> None:
        """Remove the figures of a shop."""
        self.shops.forget(shop)
        self.closed = [replace(each, shops=without(each.shops, shop)) for each in self.closed]

    def _over(self, at: int) -> list[int]:
        """The days to be stated at `at` (Unix ms), the oldest first."""
        return sorted(day for day in {**self.days, **self.shops.days} if day < at // DAY_MS)


def entries(statement: Statement) -> Iterator[Entry]:
    """The windows of a statement. Raises ValueError where they cannot be read."""
    try:
        for scenario, offset_s, width_s, digest in _ENTRY.iter_unpack(statement.windows):
            yield Entry(statement.scenarios[scenario], statement.day * DAY_MS + offset_s * 1000, width_s, digest)
    except (struct.error, IndexError) as error:
        raise ValueError(f"the windows of statement {statement.number} cannot be read ({error})") from None


def digest_of(window: Any) -> bytes:
    """Eight bytes of the SHA-256 of a window (`batches.Window`): its span, events, counters, counts and sums of
    measures. Not of what the centre may change for the sake of people: places, and counters of what was withheld."""
    counters = sorted((name, count) for name, count in window.counters.items() if not name.startswith(_WITHHELD))
    measures = sorted((name, measure.count, measure.total) for name, measure in window.measures.items())
    whole = (window.scenario, window.start, window.width_s, window.events, counters, measures)
    return sha256(encode(whole)).digest()[:8]


encode = msgspec.msgpack.Encoder().encode
decode_statement = msgspec.msgpack.Decoder(Statement).decode
decode_signed = msgspec.msgpack.Decoder(SignedStatement).decode
