"""Other names for clients, wherever a type is marked as a name of one: for `doorstep forget` and pseudonyms. Pure.

A name may be any word, also one of a state, a kind or a field. So nothing is looked for in bytes: values are decoded by
their types, and only what is marked (`Client`, `ClientKey`, `Sentence`, `Text`) is looked at.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import msgspec
import msgspec.inspect as types
from msgspec import Struct
from msgspec.structs import replace

from ..core.scenario import Scenario
from ..messages.envelope import CLIENT, CLIENT_KEY, FREE_TEXT, SENTENCE, Receipt, is_json, loose, mark_of

_WORD: Final = r"A-Za-z0-9_\-"

_Walk = Callable[[Any], Any]


class Names:
    """What becomes of names wherever a type is marked. `name` gives another one for a client's, `sentence` the same for
    a sentence that may have some, `words` for what a person wrote or the node itself: one of the texts of its mark."""

    def __init__(
        self,
        name: Callable[[str], str],
        sentence: Callable[[str], str],
        words: Callable[[str, tuple[str, ...]], str],
    ) -> None:
        self._name, self._sentence, self._words = name, sentence, words
        self._walks: dict[Any, _Walk | None] = {}

    def value(self, value: Any, form: Any) -> Any:
        """A value of this type; the same one where nothing is to be changed."""
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
            return self._name
        if mark_of(node, CLIENT_KEY):
            return self._key
        if mark_of(node, SENTENCE):
            return self._sentence
        words = mark_of(node, FREE_TEXT)
        if not words:
            return None
        fixed = cast("tuple[str, ...]", words) if isinstance(words, tuple) else ()
        return lambda text: self._words(text, fixed)

    def _key(self, key: str) -> str:
        owner, slash, rest = key.partition("/")
        return f"{self._name(owner)}{slash}{rest}"

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


class Renaming:
    """`stand_in` for `client`. `unspoken` are texts that the client wrote: they are emptied where a message passes them
    on. In a sentence, and in what others wrote, a word that equals the name is taken for it."""

    def __init__(self, client: str, stand_in: str) -> None:
        self.client, self.stand_in = client, stand_in
        self.unspoken: dict[str, None] = {}
        # A name may have dots in it, and a sentence one behind it.
        self._named = re.compile(rf"(?<![{_WORD}.]){re.escape(client)}(?![{_WORD}]|\.[{_WORD}])")
        self._needle = client.encode()
        self._names = Names(self.name, self.sentence, self._words)

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
        after = self._names.value(before, form)
        return body if after == before else codec.encode(after)

    def _words(self, text: str, fixed: tuple[str, ...]) -> str:
        if text in fixed:
            return text
        return "" if fixed and text in self.unspoken else self.sentence(text)


class Forms:
    """The types of the messages of some scenarios."""

    def __init__(self, kinds: Iterable[type[Scenario]]) -> None:
        messages = [(kind, message) for kind in kinds for message in kind.messages]
        self._bodies = {(each.direction, each.kind): each.body for _, each in messages}
        self._receipts = {each.kind: kind.receipt for kind, each in messages if each.direction == "up"}

    def up(self, kind: str) -> type[Struct]:
        """Of an event. Raises msgspec.ValidationError where no scenario has the kind."""
        return self._body("up", kind)

    def down(self, kind: str, payload: bytes) -> type[Struct]:
        """Of a message to a client. Raises msgspec.ValidationError where no scenario has the kind."""
        if kind == "receipt":
            return self._receipts.get(loose(payload).get("of", ""), Receipt)
        return self._body("down", kind)

    def _body(self, direction: str, kind: str) -> type[Struct]:
        found = self._bodies.get((direction, kind))
        if found is None:
            raise msgspec.ValidationError(f"no scenario here has the kind {kind!r}")
        return found
