"""A row, or a snapshot, without one client. Pure.

What the client sent, and what it was sent, goes whole. What others were sent about the client's things goes where the
kind has personal fields (the door in a rider's assignment). Everywhere else a stand-in takes the place of its name, for
what others did stays theirs.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, zip_longest
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ..core.model import Acknowledge, Answer, Batch, Recordable, Recorded, RecordedEvent, Rejected, Row
from ..core.scenario import Message
from ..messages.envelope import is_json

_DOUBLE: Final = struct.Struct(">d")
_WORD: Final = r"A-Za-z0-9_\-"


class Erasure:
    """One client's, with the name that takes the place of its own. `messages` are those of every scenario. Rows come in
    their sequence: whose event first names a thing and is accepted is whose it is."""

    def __init__(self, client: str, stand_in: str, messages: Sequence[Message]) -> None:
        self.stand_in = stand_in
        self._client = client
        # A name may have dots in it, and a sentence one behind it.
        self._named = re.compile(rf"(?<![{_WORD}.]){re.escape(client)}(?![{_WORD}]|\.[{_WORD}])")
        self._needle = client.encode()
        self._about = {each.kind: each.about for each in messages if each.about and each.personal}
        self._personal = {each.kind: each.personal for each in messages if each.direction == "up"}
        shops = [name for each in messages for name in ("", each.names_shop, each.acts_for)]
        self._things = ["id", *(name for name in dict.fromkeys(each.about for each in messages) if name not in shops)]
        self._owners: dict[tuple[str, str], bool] = {}
        self._places: dict[bytes, None] = {}
        self._shared: dict[bytes, None] = {}  # a shop's place is nobody's door, though somebody may live there
        self.namesake = ""
        """A field in which somebody else has the name for a thing, such as an order. After the rows."""

    def row(self, row: Row) -> Row | None:
        """The row without the client; None where it stays as it is."""
        self._look(row)
        kept: list[Recorded] = []
        stays: list[bool] = []
        for item in row.inputs:
            mine = isinstance(item, RecordedEvent | Rejected) and item.client == self._client
            if isinstance(item, RecordedEvent | Rejected):
                stays.append(not mine)
            if not mine:
                kept.append(self._input(item))
        effects = [self._effect(each, stays) for each in row.effects if not self.goes(each)]
        scenarios = [replace(each, record=self.renamed(each.record)) for each in row.scenarios]
        found = replace(row, inputs=kept, effects=effects, scenarios=scenarios)
        return None if found == row else found

    def renamed(self, packed: bytes) -> bytes:
        """MessagePack or JSON with the stand-in for the name, also in what is packed inside of it; the same bytes where
        the name is not in it."""
        if self._needle not in packed:
            return packed
        form: Any = msgspec.json if is_json(packed) else msgspec.msgpack
        try:
            before = form.decode(packed)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return packed
        after = self._walk(before)
        return packed if after == before else form.encode(after)

    def name(self, client: str) -> str:
        """The stand-in for the client's name, any other as it is."""
        return self.stand_in if client == self._client else client

    def is_in(self, packed: bytes) -> bool:
        """Whether MessagePack has the name, or a number out of the client's personal fields such as its door. After the
        rows."""
        places = [each for each in self._places if each not in self._shared]
        return self._named.search(packed.decode(errors="replace")) is not None or any(each in packed for each in places)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _look(self, row: Row) -> None:
        """Whose the things are that an accepted event names for the first time, and where the client was."""
        fields = dict.fromkeys(self._about.values())
        durable = (each for each in row.inputs if isinstance(each, RecordedEvent | Rejected))
        for item, reason in zip_longest(durable, _reasons(row), fillvalue=""):
            if isinstance(item, RecordedEvent):
                body: dict[str, Any] = msgspec.msgpack.decode(item.body)
                mine = item.client == self._client
                for field in (each for each in fields if each in body and not reason):
                    self._owners.setdefault((field, str(body[field])), mine)
                if not mine and not self.namesake:
                    self.namesake = next((each for each in self._things if body.get(each) == self._client), "")
                personal = self._personal.get(item.kind, ())
                for field, value in body.items():
                    if mine or field not in personal:
                        found = self._places if field in personal else self._shared
                        found.update(dict.fromkeys(map(_DOUBLE.pack, _numbers(value))))

    def goes(self, effect: Recordable) -> bool:
        """Whether an effect is not for others to keep. After the rows that lead to it."""
        if not isinstance(effect, Answer):
            return False
        if effect.client == self._client:
            return True
        field = self._about.get(effect.kind, "")
        if not field:
            return False
        form: Any = msgspec.json if is_json(effect.payload) else msgspec.msgpack
        return self._owners.get((field, str(form.decode(effect.payload).get(field, ""))), False)

    def _input(self, item: Recorded) -> Recorded:
        if not isinstance(item, RecordedEvent):
            return item
        body = self.renamed(bytes(item.body))
        shop = self.name(item.shop)
        return replace(item, body=msgspec.Raw(body), shop=shop) if (body, shop) != (item.body, item.shop) else item

    def _effect(self, effect: Recordable, stays: list[bool]) -> Recordable:
        if isinstance(effect, Answer):
            return replace(effect, payload=self.renamed(effect.payload))
        if isinstance(effect, Acknowledge) and len(effect.reasons) == len(stays):
            return Acknowledge(list(compress(effect.reasons, stays)))
        assert isinstance(effect, Acknowledge | Batch)
        return effect

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._named.sub(self.stand_in, value)
        if isinstance(value, bytes):
            return self.renamed(value)
        if isinstance(value, list):
            return [self._walk(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, Mapping):
            return {self._walk(key): self._walk(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
        return value


def _reasons(row: Row) -> Sequence[str]:
    """What became of each durable input."""
    return next((each.reasons for each in row.effects if isinstance(each, Acknowledge)), ())


def _numbers(value: Any) -> Iterator[float]:
    """Every number with a fraction in it: such a one is not there by chance."""
    if isinstance(value, float) and not value.is_integer():
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _numbers(each)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _numbers(each)
