"""What sources write for people, and which of it a table of translations lacks."""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from tests.repo.project import sources, tree

SLOTS: Final = re.compile(r"\{([a-z]+\d*)\}")
"""What is filled in, in a table."""

SQL: Final = re.compile(r"(?:select|insert|update|delete|create) ")
LIST_OF_NAMES: Final = re.compile(r"(?=.*_)[a-z0-9_ ]+")


def missing(places: tuple[str, ...], english: Sequence[str], allowed: Collection[str] = ()) -> Iterator[str]:
    """Sentences of the sources below `places` of which `english`, the table, has no whole. `allowed` are none."""
    table = [SLOTS.sub("{}", here) for here in english]
    for source in sources("edge", "central"):
        if not source.startswith(places):
            continue
        for text in written(source):
            if text not in allowed and not (is_there(text, table) or all(is_there(s, table) for s in parts(text))):
                yield f"{source}: {text}"


def is_there(text: str, table: Sequence[str]) -> bool:
    """Whether a sentence of the table has all of this one that is not filled in."""
    pieces = re.sub(r"^\{\}:? |^: |: \{\}$| \{\}$", "", text).split("{}")
    return any(in_sequence(pieces, here) for here in table)


def parts(text: str) -> list[str]:
    """Its sentences."""
    return re.split(r"(?<=[.?]) ", text)


def written(source: str) -> Iterator[str]:
    """What a file has in English, `{}` for what is filled in: texts of three words or more that are no docstrings."""
    within: set[int] = set()
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            within.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            within |= {id(each) for each in node.values}
    for node in ast.walk(tree(source)):
        if id(node) in within:
            continue
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
        if (
            text.count(" ") > 1
            and re.search("[a-z]{3}", text)
            and not LIST_OF_NAMES.fullmatch(text)
            and not SQL.match(text.strip())
        ):
            yield text.strip()


def in_sequence(pieces: list[str], text: str) -> bool:
    """Whether the text has all pieces, one after the other."""
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True
