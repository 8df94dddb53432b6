"""Words and sentences for people, in English or Chinese.

Whatever is written down or read by programs (the log, `--json`, /api/status without a language, refusals) is English.
What a person reads is put into the operator's language where it is shown: words by their key in `words.toml`, sentences
by their English text in `sentences.toml`. So no part of the node knows of languages, and what has no translation
(a reason that a newer centre gives, an error of the system) is shown as it came.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

Language = Literal["en", "zh-CN"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

TEXT_CHARACTERS_MAX: Final = 4_000
"""A longer text is none of ours; looking for its sentences would take long."""

PARTS_MAX: Final = 16
"""Sentences of one text that are looked up."""

SENTENCES_KEPT_MAX: Final = 256
"""Texts whose translation is kept: a page asks for the same problems each second."""

_FOLDER: Final = Path(__file__).parent
_NOTES: Final = "note"
_SLOT: Final = re.compile(r"\{([a-z]+)(\d*)\}")
_KINDS: Final = {"n": r"[-+.,\de]+?", "path": r"[^\s\[]\S*?", "option": r"\[\w+\]|(?:\[\w+\] )?[\w.?-]+?"}
_WITHIN: Final = r"(?:(?![.?] ).)+?"
_END: Final = re.compile(r"(?<=[.?]) ")
_SPAN: Final = re.compile(r"(-?\d+) (s|min|h|days)")
_UNITS: Final = {"s": "seconds", "min": "minutes", "h": "hours", "days": "days"}
_CLOSED: Final = re.compile(r"[。：；！？）]$")


class Words:
    """The words of one language. `table` has each under its section and name, `sentences` by what it is in English."""

    def __init__(
        self, language: Language, table: Mapping[str, str], sentences: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.language = language
        self.table = table
        notes = sentences.get(_NOTES, {})
        self._notes = [_Pattern(english, there) for english, there in notes.items()]
        others = (pairs.items() for section, pairs in sentences.items() if section != _NOTES)
        self._sentences = [_Pattern(english, there) for pairs in others for english, there in pairs]
        self._cached = lru_cache(SENTENCES_KEPT_MAX)(self._looked_up)

    def word(self, key: str, **values: object) -> str:
        """The word of a key such as `order.placed`, filled in. A name that the table lacks (of somebody's own scenario)
        is shown as it is, without underscores."""
        found = self.table.get(key)
        if found is None:
            return key.partition(".")[2].replace("_", " ")
        return _filled(found, {name: str(value) for name, value in values.items()})

    def span(self, text: str) -> str:
        """A length of time as `messages.sentences.span` writes it."""
        found = _SPAN.fullmatch(text)
        return text if found is None else self.word(f"unit.{_UNITS[found[2]]}", count=found[1])

    def sentence(self, text: str) -> str:
        """One or more sentences that are in English, as far as they are known."""
        if not self._sentences or len(text) > TEXT_CHARACTERS_MAX:
            return text
        return self._cached(text)

    def note(self, text: str) -> str:
        """What happens to an order now, which is in English."""
        return _first(text, self._notes, self._part) or text

    def _looked_up(self, text: str) -> str:
        """As few parts as will do: the longest beginning that is known, then the rest."""
        parts: list[str] = []
        while text:
            ends = [found.start() for found in _END.finditer(text)][: PARTS_MAX - len(parts)]
            known = next(
                (
                    (end, there)
                    for end in [len(text), *reversed(ends)]
                    if (there := _first(text[:end], self._sentences, self._part))
                ),
                None,
            )
            end, there = known or ((ends[0], text[: ends[0]]) if ends else (len(text), text))
            parts.append(there)
            text = text[end:].lstrip(" ")
        whole = parts[0] if parts else ""
        for part in parts[1:]:
            whole += part if _CLOSED.search(whole) else f" {part}"
        return whole

    def _part(self, text: str) -> str:
        """What stands in a sentence: a length of time, or something that is a sentence or a word of its own."""
        small = text[:1].lower() + text[1:]
        tried = (self.span(text), self.sentence(text), self.sentence(small))
        return next((each for each in tried if each not in (text, small)), text)


class _Pattern:
    """A sentence in English with what is filled in, and the same in another language."""

    def __init__(self, english: str, there: str) -> None:
        self.begin = english.partition("{")[0]
        self._english, self._there = english, there

    def translated(self, text: str, part: Any) -> str | None:
        """The sentence in the other language; None where the text is another one."""
        if not text.startswith(self.begin):
            return None
        found = _compiled(self._english).fullmatch(text)
        if found is None:
            return None
        values = {name: part(value) if name.startswith("text") else value for name, value in found.groupdict().items()}
        return _filled(self._there, values)


def _first(text: str, patterns: list[_Pattern], part: Any) -> str | None:
    """What the first pattern that fits makes of a text."""
    return next((there for each in patterns if (there := each.translated(text, part)) is not None), None)


@cache
def _compiled(english: str) -> re.Pattern[str]:
    parts = _SLOT.split(english)
    expression = re.escape(parts[0])
    for kind, number, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        # Only what is looked up to the end may be several sentences.
        anything = r".+" if kind == "text" and not text and english.endswith("}") else _WITHIN
        expression += f"(?P<{kind}{number}>{_KINDS.get(kind, anything)}){re.escape(text)}"
    return re.compile(expression, re.DOTALL)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """What stands in braces, in one step: what is filled in may have braces of its own."""
    return _SLOT.sub(lambda found: values.get(found[1] + found[2], found[0]), template)


@cache
def words(language: Language) -> Words:
    """The words of a language, read once."""
    number = LANGUAGES.index(language)
    table = {
        f"{section}.{name}": both[number]
        for section, pairs in read_table("words.toml").items()
        for name, both in pairs.items()
    }
    return Words(language, table, {} if language == "en" else read_table("sentences.toml"))


def read_table(name: str) -> dict[str, dict[str, Any]]:
    """A file of this package: by section."""
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))


def known(name: str) -> Language | None:
    """The language of this name, where there is one."""
    return next((each for each in LANGUAGES if each == name), None)


def of_environment(environment: Mapping[str, str]) -> Language:
    """Chinese where the environment asks for it, by the first of LC_ALL, LC_MESSAGES, LANG that is set."""
    asked = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return "zh-CN" if asked.lower().startswith("zh") else "en"


def in_language(report: Mapping[str, Any], there: Words) -> dict[str, Any]:
    """A report of the node (/api/status) whose sentences are in another language."""
    return {
        **report,
        "sentence": there.sentence(report["sentence"]),
        "problems": [{**each, "sentence": there.sentence(each["sentence"])} for each in report["problems"]],
        "data_inventory": [
            {name: there.sentence(text) for name, text in each.items()} for each in report["data_inventory"]
        ],
    }
