"""A random walk: what clients may send to a scenario, in any order, with everything that phones and clocks do.

It draws from the scenario's examples: sometimes the next message of a sequence, sometimes any message of the last
sequences, again or as a new event, as the reply to what a client was sent, from another client, with a field of another
message, at the end of a field's range, or damaged. Between the steps time passes, mostly seconds, at times hours; the
wall clock jumps. The same seed walks the same way in every process.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import msgspec.inspect as types

from ...core.decode import Catalog
from ...core.model import Input, Now, Presence
from ...core.scenario import Scenario
from ...limits import NAME_PATTERN

T0: Final = 1_790_000_000_000
"""Wall ms at which a walk begins."""

POOL: Final = 200
"""Messages drawn from: the last few sequences, so that what they are about may still be open."""

RECEIVED_MAX: Final = 12
"""Messages to clients that may still be replied to."""

NEAR_MS: Final = 2 * 86_400_000
"""A whole number so near to the message's own `at` is a time too, and moves with it."""

PAUSES: Final = ((0.86, 2.0), (0.94, 60.0), (0.98, 900.0), (0.995, 6 * 3600.0), (1.0, 2 * 86_400.0))
"""(share of the steps up to here, seconds at most)."""

YEARS: Final = 10 * 365 * 86_400_000
JUMPS_MS: Final = (0, 0, 0, 0, -3_600_000, 3_600_000, -86_400_000, 86_400_000, -YEARS, YEARS)
"""How far the wall clock may be off, ms."""

DAMAGE: Final[Sequence[Any]] = (None, -1, "", "€" * 300, [], {}, 2**64 - 1)
"""What stands in a field that is damaged."""

Message = tuple[str, str, Mapping[str, Any]]
"""Client, kind, fields: what `Scenario.examples` gives."""


class Walk:
    """The steps of one walk over `messages` messages: when, and what comes."""

    def __init__(self, kind: type[Scenario], seed: int, messages: int, *, jumps: bool = True) -> None:
        self._kind = kind
        self._catalog = Catalog([kind])
        self._random = random.Random(seed)  # noqa: S311 - a walk is to be the same again, not to be secret
        self._left = messages
        self._jumps = jumps
        self._mono = 1.0
        self._off_ms = 0
        self._stream: deque[Message] = deque()
        self._pool: deque[Message] = deque(maxlen=POOL)
        self._sent: deque[tuple[str, str, bytes]] = deque(maxlen=POOL)
        self._received: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=RECEIVED_MAX)
        self._values: dict[str, deque[Any]] = {}
        self._ids = self._streams = 0
        self._names = {each.kind: _names(each.body) for each in kind.messages if each.direction == "up"}
        self._ends = {each.kind: _ends(each.body) for each in kind.messages if each.direction == "up"}

    def steps(self) -> Iterator[tuple[Now, list[Input]]]:
        """Each step's instant and inputs, until the messages are used up."""
        while self._left > 0:
            now = self._later()
            count = min(self._left, 1 if self._random.random() < 0.8 else self._random.randrange(2, 7))
            self._left -= count
            inputs = [self._input(now) for _ in range(count)]
            if self._random.random() < 0.03:
                client = self._random.choice(self._pool)[0]
                inputs.insert(0, Presence(client, self._random.random() < 0.5))
            yield now, inputs

    def received(self, client: str, fields: Mapping[str, Any]) -> None:
        """A client was sent this message: a reply to it may name what it names, such as the number of an offer."""
        self._received.append((client, fields))

    def _later(self) -> Now:
        draw = self._random.random()
        longest = next(seconds for share, seconds in PAUSES if draw <= share)
        self._mono += round(self._random.random() * longest, 3)
        if self._jumps and self._random.random() < 0.02:
            self._off_ms = self._random.choice(JUMPS_MS)
        return Now(self._mono, T0 + self._off_ms + round(self._mono * 1000))

    def _input(self, now: Now) -> Input:
        draw, pick = self._random.random(), self._random
        if draw < 0.08 and self._sent:
            return self._decoded(*pick.choice(self._sent))
        if 0.50 <= draw < 0.70 and self._received:
            client, kind, fields = self._reply()
        else:
            client, kind, fields = self._next() if draw < 0.50 or not self._pool else pick.choice(self._pool)
        made = self._now_and_here(fields, now)
        if 0.75 <= draw < 0.83:
            client = pick.choice(["stranger-1", pick.choice(self._pool)[0]])
        elif 0.83 <= draw < 0.92:
            self._mix(made)
        elif 0.92 <= draw < 0.96:
            self._stretch(kind, made)
        elif draw >= 0.96:
            self._damage(made)
        encode = msgspec.json.encode if pick.random() < 0.5 else msgspec.msgpack.encode
        message = (client, kind, encode(made))
        self._sent.append(message)
        return self._decoded(*message)

    def _decoded(self, client: str, kind: str, payload: bytes) -> Input:
        return self._catalog.decode(client, kind, payload, "wgs84")

    def _next(self) -> Message:
        """The next message of the sequence, or the first one of another."""
        if not self._stream:
            made = self._kind.examples(self._random.randrange(1, 2**31))
            self._stream.extend(self._renamed(made) if self._random.random() < 0.5 else made)
        message = self._stream.popleft()
        self._pool.append(message)
        for name, value in message[2].items():
            self._values.setdefault(name, deque(maxlen=POOL)).append(value)
        return message

    def _renamed(self, made: Sequence[Message]) -> list[Message]:
        """The same sequence between other people about other things: a node meets new names every day."""
        names = {client: None for client, _, _ in made}
        for _, kind, fields in made:
            names.update({fields[name]: None for name in self._names.get(kind, ()) if name in fields})
        self._streams += 1
        new = {name: f"{name[:54]}-{self._streams}" for name in names}
        return [(new[client], kind, _with(fields, new)) for client, kind, fields in made]

    def _now_and_here(self, fields: Mapping[str, Any], now: Now) -> dict[str, Any]:
        """The message as a new event of now: sent at once, or up to ten minutes ago from where there was no network."""
        at = fields.get("at")
        made = dict(fields)
        if isinstance(at, int):
            late_ms = self._random.randrange(600_000) if self._random.random() < 0.1 else 0
            made = {name: _moved(value, at, now.wall_ms - late_ms - at) for name, value in fields.items()}
        if "id" in made:
            self._ids += 1
            made["id"] = f"w-{self._ids}"
        return made

    def _reply(self) -> Message:
        """A message about what a client was sent, from that client; rather one that has more of its fields."""
        client, received = self._random.choice(self._received)
        drawn = [self._random.choice(self._pool) for _ in range(self._random.choice((1, 2, 12)))]
        _, kind, fields = max(drawn, key=lambda message: sum(name in received for name in message[2]))
        about = {name: received[name] for name in fields if name in received and name not in ("id", "at")}
        return client, kind, {**fields, **about}

    def _mix(self, fields: dict[str, Any]) -> None:
        """One field has the value that another message has there."""
        names = [name for name in fields if name != "id"]
        if names:
            name = self._random.choice(names)
            fields[name] = self._random.choice(self._values[name])

    def _stretch(self, kind: str, fields: dict[str, Any]) -> None:
        """One field is at an end of its range."""
        ends = self._ends.get(kind)
        if ends:
            name = self._random.choice(list(ends))
            fields[name] = self._random.choice(ends[name])

    def _damage(self, fields: dict[str, Any]) -> None:
        """One field is missing, or of another type."""
        name = self._random.choice(list(fields)) if fields else ""
        if self._random.random() < 0.5:
            fields.pop(name, None)
        else:
            fields[name] = self._random.choice(DAMAGE)


def _moved(value: Any, at: int, by: int) -> Any:
    """Every time in a value, wherever it stands, moved by so many ms."""
    return _changed(value, lambda each: each + by if type(each) is int and abs(each - at) < NEAR_MS else each)


def _with(value: Any, new: Mapping[str, str]) -> Any:
    """A value in which names are replaced, wherever they stand."""
    return _changed(value, lambda each: new.get(each, each) if isinstance(each, str) else each)


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _changed(each, change) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_changed(each, change) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return change(value)


def _names(body: type[Any]) -> list[str]:
    """The fields that name somebody or something."""
    whole = types.type_info(body)
    fields = whole.fields if isinstance(whole, types.StructType) else ()
    return [
        field.encode_name
        for field in fields
        if field.name != "id" and isinstance(field.type, types.StrType) and field.type.pattern == NAME_PATTERN
    ]


def _ends(body: type[Any]) -> dict[str, list[Any]]:
    """The first and last values of each field that has a range."""
    found: dict[str, list[Any]] = {}
    whole = types.type_info(body)
    for field in whole.fields if isinstance(whole, types.StructType) else ():
        parts = field.type.types if isinstance(field.type, types.UnionType) else (field.type,)
        values = [value for part in parts for value in _range(part)]
        if values:
            found[field.encode_name] = values
    return found


def _range(node: types.Type) -> list[Any]:
    match node:
        case types.IntType(ge=low, le=high) | types.FloatType(ge=low, le=high):
            return [end for end in (low, high) if end is not None]
        case types.StrType(max_length=length, pattern=None) if length is not None:
            return ["", "€" * length]
        case types.LiteralType(values=values):
            return list(values)
        case types.BoolType():
            return [False, True]
        case types.NoneType():
            return [None]
        case _:
            return []
