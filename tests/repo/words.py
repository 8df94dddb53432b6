"""Private vocabulary that the code base no longer uses, and where it is left.

python -m tests.repo.words        prints every use as `file:line word`

Identifiers are checked by their parts (`on_heard` has the parts `on` and `heard`); comments and sentences in strings by
the words of PROSE, and by the same parts between backticks. A string without a space is a name in a report or in a
protocol, and is not checked.
"""

import io
import re
import tokenize
from collections.abc import Iterator

from tests.repo.project import ROOT, files

FOLDERS = ("edge/", "central/", "bench/", "deploy/", "tests/")

SKIPPED = ("tests/repo/words.py", "tests/repo/test_words.py", "bench/figures/", "tests/data/")

PARTS = frozenset(
    "said say says saying unsaid told tell tells telling heard hear hears unheard sight sights witness "
    "testimony glance glances sighting sightings sighted stirred hush happening happenings commitment "
    "commitments vicinity sieve recall recalls recalled linger tally owed intake debt debts verdict verdicts "
    "patience mortal mortals occupant occupants stranger strangers soiled choked farewell parcel parcels greet "
    "greets greeted greeting flying haste recut nonsense superseded agenda agendas household street streets "
    "weather mates judge judges judged introduced caught".split()
)
"""Parts of identifiers, in lower case."""

NAMES = frozenset(
    "Said Say Sight Witness Testimony Glance Happening Book Books Recall Recalls Gathered gathered "
    "Tally Intake Debt Caught Wheel wheel Mortal Occupant Parcel Standing standing Judge Failure Doors Weather "
    "Greeting book books take_back still_s came went ground asking joins put_off regulate house rooms divide "
    "withhold beyond".split()
)
"""Whole identifiers, without leading underscores."""

PROSE = re.compile(
    r"\b(said|says?|saying|told|tells?|telling|heard|hears?|unheard|the house|the rooms|strangers?|parcels?|"
    r"greet(?:s|ed|ing|ings)?|farewells?|weather|agendas?|nonsense|verdicts?|judge[sd]?|judging|glance[sd]?|sightings?|"
    r"sighted|sieve|tally|testimony|owe[sd]?|linger\w*|soiled|choked|recut|household|superseded|patience|commitments?|"
    r"happenings|vicinity|hush|stirred|the wheel|recall(?:s|ed)?|occupants?|mates)\b",
    re.IGNORECASE,
)

ALLOWED = {
    "tell": ("bench/lab/process.py",),  # of a file
    "SO_LINGER": ("bench/lab/proxy.py",),  # of the socket library
    "the wheel": ("tests/repo/test_packaging.py",),  # of Python's packages
    "wheel": ("tests/repo/test_packaging.py",),
}
"""What means something else there."""

_TEXT = (".js", ".html", ".css", ".toml", ".yaml", ".sh", ".md", ".service")


def left() -> list[str]:
    """Every use as `file:line word`."""
    checked = [name for name in files() if name.startswith(FOLDERS) and not name.startswith(SKIPPED)]
    return [
        f"{name}:{line} {word}"
        for name in checked
        for line, word in dict.fromkeys(_uses(name))
        if name not in ALLOWED.get(word, ())
    ]


def _uses(name: str) -> Iterator[tuple[int, str]]:
    path = ROOT / name
    if path.suffix == ".py":
        yield from uses_in_python(path.read_text(encoding="utf-8"))
    elif path.suffix in _TEXT:
        yield from _in_prose(path.read_text(encoding="utf-8"), 1)


def uses_in_python(source: str) -> Iterator[tuple[int, str]]:
    """Line and word of each use in one Python file."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.NAME:
            if is_private(token.string):
                yield line, token.string
        elif token.type == tokenize.COMMENT or (token.type == tokenize.STRING and " " in token.string):
            yield from _in_prose(token.string, line)


def is_private(identifier: str) -> bool:
    """Whether an identifier is one of NAMES or has one of PARTS."""
    parts = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", identifier)}
    return identifier.strip("_") in NAMES or not PARTS.isdisjoint(parts)


def _in_prose(text: str, first: int) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), first):
        for found in PROSE.finditer(line):
            yield number, found.group().lower()
        for quoted in re.findall(r"`([^`]+)`", line):
            yield from ((number, word) for word in re.findall(r"[A-Za-z_]\w*", quoted) if is_private(word))


if __name__ == "__main__":
    print("\n".join(left()))
