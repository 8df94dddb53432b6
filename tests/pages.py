"""The pages of documentation: their sections, tables, blocks of code, links and anchors."""

import re
from collections.abc import Iterator
from typing import Final

from tests.repo.project import ROOT, files

PAGES: Final = [name for name in files() if name.endswith(".md")]
DOCS: Final = [name for name in PAGES if name == "README.md" or name.startswith("docs/")]
TEXT: Final = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}


def part(title: str) -> tuple[str, str]:
    """(page, text) of the one section of the documents with this heading, its subsections included."""
    found: list[tuple[str, str]] = []
    for page in DOCS:
        for match in re.finditer(rf"^(#+) {re.escape(title)}$", TEXT[page], re.MULTILINE):
            rest = TEXT[page][match.end() :]
            end = re.search(rf"^#{{1,{len(match[1])}}} ", without_code(rest), re.MULTILINE)
            found.append((page, rest[: end.start()] if end else rest))
    assert len(found) == 1, f"{len(found)} sections of README.md and docs/ are called {title!r}: {found}"
    return found[0]


def without_code(text: str) -> str:
    """The same length of text, with blanks instead of fenced code."""
    fence = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
    return fence.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables in a text, heads and rules left out."""
    found: list[list[str]] = []
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("| ") and not re.match(r"\| *-", following) and not re.match(r"\| *-", line):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def fenced() -> Iterator[tuple[str, str]]:
    """(page, command line) of every line in a ```sh block; continued lines and open quotes are joined."""
    for page in PAGES:
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", TEXT[page], re.MULTILINE | re.DOTALL):
            line = ""
            for each in block.replace("\\\n", " ").splitlines():
                line = f"{line}\n{each}" if line else each.strip()
                if line.count("'") % 2 == 0:
                    if line and not line.startswith("#"):
                        yield page, line
                    line = ""
            assert not line, f"{page}: an open quote: {line}"


def links(page: str) -> list[str]:
    """The targets of all links and images of a page, outside of code."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^ *```.*?^ *```", "", TEXT[page], flags=re.MULTILINE | re.DOTALL))


def anchors(page: str) -> set[str]:
    """The anchors that a Markdown page's headings make."""
    titles = re.findall(r"^#+ (.*)$", without_code(TEXT[page]), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def sections_of_kinds(page: str) -> dict[str, str]:
    """The text below each heading of a page about messages that is a kind."""
    pattern = r"^### `([a-z]+(?:\.[a-z]+)*)`\n(.*?)(?=^##)"
    return dict(re.findall(pattern, TEXT[page], re.MULTILINE | re.DOTALL))


def examples(page: str = "docs/wire.md") -> list[tuple[str, str]]:
    """(kind, JSON) of each message there, of both directions."""
    return [(kind, block) for kind, text in sections_of_kinds(page).items() for block in blocks(text, "json")]
