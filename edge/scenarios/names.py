"""Another name for one client, wherever a type is marked as a name of one: for `doorstep forget`. Pure.

A name may be any word, also one of a state, a kind or a field. So nothing is looked for in bytes: values are decoded by
their types, and only what is marked (`Client`, `ClientKey`, `Sentence`, `Text`) is looked at.
"""

import re
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec
import msgspec.inspect as types
from msgspec import Struct
from msgspec.structs import replace

from ..messages.envelope import CLIENT, CLIENT_KEY, FREE_TEXT, SENTENCE, is_json, mark_of

_WORD: Final = r"A-Za-z0-9_\-"

_Walk = Callable[[Any], Any]


class Renaming:
    """`stand_in` for `client`. `unspoken` are texts that the client wrote: they are emptied where a message passes them
    on. In a sentence, and in what others wrote, a word that equals the name is taken for it."""

    def __init__(self, client: str, stand_in: str) -> None:
        self.client, self.stand_in = client, stand_in
        self.unspoken: dict[str, None] = {}
        # A name may have dots in it, and a sentence one behind it.
        self._named = re.compile(rf"(?<![{_WORD}.]){re.escape(client)}(?![{_WORD}]|\.[{_WORD}])")
        self._needle = client.encode()
        self._walks: dict[Any, _Walk | None] = {}

    def name(self, client: str) -> str:
        """The stand-in for the client's name, any other as it is."""
        return self.stand_in if client == self.client else client

    def sentence(self, text: str) -> str:
        """The stand-in for the name as a word."""
        return self._named.sub(self.stand_in, text)

    def packed(self, body: bytes, form: Any) -> bytes:
        """A value of this type in MessagePack or JSON; the same bytes where nothing is to be changed.

        Raises:
            msgspec.DecodeError: it is of another type, as another version wrote it.
        """
        if self._needle not in body and not any(each.encode() in body for each in self.unspoken):
            return body
        codec: Any = msgspec.json if is_json(body) else msgspec.msgpack
        before = codec.decode(body, type=form)
        after = self.value(before, form)
        return body if after == before else codec.encode(after)

    def value(self, value: Any, form: Any) -> Any:
        """The same of a value that is decoded."""
        walk = self._of(form)
        return value if walk is None else walk(value)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _of(self, form: Any) -> _Walk | None:
        if form not in self._walks:
            self._walks[form] = None  # a type inside itself; none has names there
            self._walks[form] = self._walk(types.type_info(form))
        return self._walks[form]

    def _walk(self, node: types.Type) -> _Walk | None:
        """What to do with values of a type; None: nothing."""
        match node:
            case types.Metadata(type=inner):
                return self._marked(node) or self._walk(inner)
            case types.StructType(cls=cls):
                return self._struct(cls)
            case types.UnionType(types=parts):
                return self._union(parts)
            case types.ListType(item_type=item):
                return self._list(self._walk(item))
            case types.TupleType(item_types=parts):
                return self._tuple([self._walk(part) for part in parts])
            case types.DictType(key_type=key, value_type=value):
                return self._dict(self._walk(key), self._walk(value))
            case _:
                return None

    def _marked(self, node: types.Metadata) -> _Walk | None:
        if mark_of(node, CLIENT):
            return self.name
        if mark_of(node, CLIENT_KEY):
            return self._key
        if mark_of(node, SENTENCE):
            return self.sentence
        words = mark_of(node, FREE_TEXT)
        if isinstance(words, tuple):
            fixed = cast("tuple[str, ...]", words)
            return lambda text: text if text in fixed else "" if text in self.unspoken else self.sentence(text)
        return self.sentence if words else None

    def _key(self, key: str) -> str:
        owner, slash, rest = key.partition("/")
        return f"{self.name(owner)}{slash}{rest}"

    def _struct(self, cls: type[Struct]) -> _Walk | None:
        walks = {field.name: walk for field in msgspec.structs.fields(cls) if (walk := self._of(field.type))}

        def struct(value: Struct) -> Struct:
            before = {name: getattr(value, name) for name in walks}
            after = {name: walk(before[name]) for name, walk in walks.items()}
            return value if after == before else replace(value, **after)

        return struct if walks else None

    def _union(self, parts: tuple[types.Type, ...]) -> _Walk | None:
        structs = {part.cls: self._walk(part) for part in parts if isinstance(part, types.StructType)}
        others = [walk for part in parts if not isinstance(part, types.StructType) and (walk := self._walk(part))]

        def union(value: Any) -> Any:
            if value is None:
                return None
            walk = structs.get(cast("type[Struct]", type(value)), others[0] if others else None)
            return value if walk is None else walk(value)

        return union if others or any(structs.values()) else None

    def _list(self, item: _Walk | None) -> _Walk | None:
        return None if item is None else lambda values: [item(value) for value in values]

    def _tuple(self, parts: list[_Walk | None]) -> _Walk | None:
        if not any(parts):
            return None
        return lambda values: tuple(
            value if walk is None else walk(value) for value, walk in zip(values, parts, strict=True)
        )

    def _dict(self, key: _Walk | None, value: _Walk | None) -> _Walk | None:
        if key is None and value is None:
            return None
        return lambda found: {
            (name if key is None else key(name)): (each if value is None else value(each))
            for name, each in found.items()
        }
