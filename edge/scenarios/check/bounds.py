"""What in a message's type has no bound, so that a client could send what no row, window or memory can hold."""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec.inspect as types

from ...messages.envelope import FREE_TEXT, mark_of

What = Literal["integer", "number", "text", "words", "bytes", "list", "map", "set", "value"]

_IN_PATTERN: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")
"""Parts of a pattern in which a quantifier is no quantifier: an escape, a set of characters."""


def unbounded(node: types.Type, path: str, inside: tuple[type, ...] = ()) -> Iterator[tuple[str, What]]:
    """(path, what) of everything in a type without a bound: integers without both limits or beyond 63 bits, numbers
    without both limits, texts, bytes, lists and maps without a length, sets (their order differs from process to
    process) and values of any type; and of texts in which anything may stand, so that a person may write there, without
    the mark of free text. A struct inside itself is looked at once."""
    match node:
        case types.IntType():
            if not _limited(node) or _beyond_63_bits(node):
                yield path, "integer"
        case types.FloatType():
            if not _limited(node):
                yield path, "number"
        case types.StrType(max_length=length, pattern=pattern):
            if length is None and not (pattern and _finite(pattern)):
                yield path, "text"
            elif pattern is None:
                yield path, "words"
        case types.BytesType(max_length=length) | types.ByteArrayType(max_length=length):
            if length is None:
                yield path, "bytes"
        case types.AnyType() | types.RawType() | types.CustomType() | types.ExtType() | types.DecimalType():
            yield path, "value"
        case _:
            yield from _within(node, path, inside)


def _within(node: types.Type, path: str, inside: tuple[type, ...]) -> Iterator[tuple[str, What]]:
    """The same for what a compound type consists of."""
    match node:
        case types.Metadata(type=inner):
            for place, what in unbounded(inner, path, inside):
                if not (what == "words" and mark_of(node, FREE_TEXT)):
                    yield place, what
        case types.StructType(cls=cls, fields=fields) if cls not in inside:
            for field in fields:
                yield from unbounded(field.type, f"{path}.{field.name}", (*inside, cls))
        case types.UnionType(types=parts) | types.TupleType(item_types=parts):
            for part in parts:
                yield from unbounded(part, path, inside)
        case types.ListType(item_type=item, max_length=length) | types.VarTupleType(item_type=item, max_length=length):
            if length is None:
                yield path, "list"
            yield from unbounded(item, f"{path}[]", inside)
        case types.SetType() | types.FrozenSetType():
            yield path, "set"
        case types.DictType(key_type=key, value_type=value, max_length=length):
            if length is None:
                yield path, "map"
            yield from unbounded(key, f"{path}{{}}", inside)
            yield from unbounded(value, f"{path}{{}}", inside)
        case _:
            pass


def _limited(node: types.IntType | types.FloatType) -> bool:
    return not (node.ge is None and node.gt is None) and not (node.le is None and node.lt is None)


def _beyond_63_bits(node: types.IntType) -> bool:
    low = node.ge if node.ge is not None else node.gt
    high = node.le if node.le is not None else node.lt
    return low is not None and high is not None and not -(2**63) <= low <= high < 2**63


def _finite(pattern: str) -> bool:
    """Whether only texts of limited length match: both ends are tied, and nothing repeats without limit. A pattern
    with alternatives counts as not finite, since its ends may belong to one of them only."""
    tied = pattern.startswith(("^", r"\A")) and pattern.endswith(("$", r"\Z"))
    bare = _IN_PATTERN.sub("x", pattern)
    return tied and not re.search(r"[*+|]|\{\d*,\}", bare)
