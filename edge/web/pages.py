"""What the node's pages share: where their files are, and their words."""

import html
import re
from pathlib import Path
from typing import Final

from ..words.words import Words

STATIC: Final = Path(__file__).parent / "static"
"""The files of the status page; the board has some of them, too."""


def translated(page: bytes, there: Words) -> bytes:
    """The page with the words of a language where it has `{{key}}`."""
    return re.sub(r"{{([a-z0-9_.]+)}}", lambda found: html.escape(there.table[found[1]]), page.decode()).encode()
