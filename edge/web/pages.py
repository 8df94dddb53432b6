"""What the node's pages share: where their files are, and their words."""

import html
import re
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from ..words.words import LANGUAGES, Words, words

STATIC: Final = Path(__file__).parent / "static"
"""The files of the status page; the board has some of them, too."""


def translated(page: bytes, there: Words) -> bytes:
    """The page with the words of a language where it has `{{key}}`."""
    return re.sub(r"{{([a-z0-9_.]+)}}", lambda found: html.escape(there.table[found[1]]), page.decode()).encode()


@cache
def words_script() -> bytes:
    """The words of every language, as the script that the pages' own import."""
    return b"export const WORDS = " + msgspec.json.encode({each: words(each).table for each in LANGUAGES}) + b";\n"
