"""Pseudonyms in place of clients' names, where an operator wants none in the log (`log_pseudonyms`)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

CLIENT: Final = "client"
"""The field that has a client's name and nothing else; or words, which no name has."""

_WORD: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""What a name can be (`NAME_PATTERN`), without a point or a dash at its end, which may be the sentence's."""


class NamesHidden:
    """Called with the fields of an event, gives them with pseudonyms. `of` makes one; `is_client` is whether a word is
    the name of a client: a node or a scenario keeps its name."""

    def __init__(self, of: Callable[[str], str], is_client: Callable[[str], bool]) -> None:
        self._of, self._is_client = of, is_client

    def __call__(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._shown(name, value) if isinstance(value, str) else value for name, value in fields.items()}

    def _shown(self, name: str, text: str) -> str:
        if name == CLIENT and text and " " not in text:
            return self._of(text)
        return _WORD.sub(self._replaced, text)

    def _replaced(self, found: re.Match[str]) -> str:
        word = found[0]
        return self._of(word) if self._is_client(word) else word
