"""Sentences of the centre, and of the nodes whose reports it shows, in Chinese.

Whatever is written down or read by programs is English. Where a person reads it, it is put into Chinese by its English
text, as at a node (`edge.words`). What has no translation is shown as it came.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from edge.words.words import Words, read_table, words

_FILE: Final = Path(__file__).parent / "sentences.toml"


def in_chinese(text: str) -> str:
    """One or more sentences that are in English, as far as they are known."""
    return _chinese().sentence(text)


def own_sentences() -> dict[str, dict[str, str]]:
    """Those of the centre: by section, each by what it is in English."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def _chinese() -> Words:
    """Read once. The centre's own come first; what nodes report of their settings and options is theirs."""
    node = {f"node {section}": pairs for section, pairs in read_table("sentences.toml").items() if section != "note"}
    return Words("zh-CN", words("zh-CN").table, {**own_sentences(), **node})
