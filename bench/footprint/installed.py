"""How much disk an installation takes: Doorstep, and everything it needs, as their own records list it."""

import re
from importlib import metadata
from typing import Any, Final

from ..source import PACKAGES, ROOT

LISTED: Final = 8
"""The largest, by name."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def installed() -> dict[str, Any]:
    """Megabytes: `total_mb` with all that is needed, `largest_mb` by name. Bytecode that a record lists is included;
    Python itself is not."""
    sizes = {name: size_mb(name) for name in needed("doorstep")}
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:LISTED]
    return {
        "total_mb": round(sum(sizes.values()), 1),
        "distributions": len(sizes),
        "largest_mb": {name: round(size, 1) for name, size in largest},
    }


def needed(name: str) -> list[str]:
    """A distribution and everything that it needs here, in alphabetical order. What is not installed is not needed."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if one in found:
            continue
        try:
            requirements = metadata.requires(one) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(one)
        for requirement in requirements:
            match = _NAME.match(requirement)
            if match and "extra ==" not in requirement:
                waiting.append(match.group(0))
    return sorted(found)


def size_mb(name: str) -> float:
    """The files that a distribution's record lists. Of ours the three packages count, wherever they
    are: an installation may be a reference to a checkout, whose bytecode is there or not."""
    total = 0
    if name == "doorstep":
        files = (file for own in PACKAGES for file in (ROOT / own).rglob("*.*") if file.suffix != ".pyc")
        return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    for file in metadata.files(name) or []:
        try:
            total += file.locate().stat().st_size  # pyright: ignore[reportAttributeAccessIssue]
        except OSError:
            continue  # a record may list what was never written
    return total / 1_000_000
