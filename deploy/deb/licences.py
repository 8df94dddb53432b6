"""Under which licence each Python package of a package is, as its own metadata have it."""

import re
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Final, NamedTuple

ALLOWED: Final = frozenset(
    {
        *("0BSD", "Apache License 2.0", "Apache Software License", "Apache-2.0", "BSD License", "BSD-2-Clause"),
        *("BSD-3-Clause", "CC0-1.0", "MIT", "MIT License", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib", "any-OSI"),
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        *("Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License"),
        "LGPL-3.0-only",  # psycopg: whole, unchanged, in files of its own that anybody can replace
    }
)
"""What may be in a package, as projects write it. Another one ends the build: somebody has to read it first."""

_TEXT: Final = """\
Doorstep is licensed under the Apache License, version 2.0, whose text is in
/usr/share/common-licenses/Apache-2.0.

The package holds these works. The texts of their licences are in the folders
*.dist-info below /usr/lib/doorstep; libraries that they bring along are named there.

"""


class Work(NamedTuple):
    """One Python package: its name, its version, its licence."""

    name: str
    version: str
    licence: str


def works(folder: Path) -> list[Work]:
    """Each Python package below a folder."""
    found = [_metadata(path) for path in sorted(folder.rglob("*.dist-info/METADATA"))]
    return [Work(each["Name"], each["Version"], _licence(each)) for each in found]


def copyright_of(folder: Path) -> str:
    """Debian's file `copyright`: our licence, then everybody's whose work is in the package."""
    found = works(folder)
    unread = [work for work in found if not allowed(work.licence)]
    if unread:
        raise SystemExit(f"may these be in a package? If so, name their licences in ALLOWED of {__file__}: {unread}")
    return _TEXT + "".join(f"  {name} {version}: {licence}\n" for name, version, licence in found)


def allowed(expression: str) -> bool:
    """Whether every licence of an expression is one of ALLOWED; no licence at all is not."""
    parts = [part.strip() for part in re.split(r" AND | OR ", expression)]
    return all(part in ALLOWED for part in parts)


def _metadata(path: Path) -> Message:
    return Parser().parsestr(path.read_text(encoding="utf-8", errors="replace"), headersonly=True)


def _licence(metadata: Message) -> str:
    """The expression (PEP 639); in older metadata the classifiers, or else the first line of the field."""
    if metadata["License-Expression"]:
        return metadata["License-Expression"]
    classified = [
        each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier", []) if each.startswith("License")
    ]
    return " AND ".join(classified) or (metadata["License"] or "").strip().split("\n")[0]
