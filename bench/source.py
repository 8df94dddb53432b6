"""Of which commit the measured code is, and whether it was changed since: without it nobody can measure it again. And
its byte code, so that what is measured starts as what is installed."""

import compileall
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
"""The folder of this code: a checkout, or where the package was installed."""

PACKAGES: Final = ("edge", "central", "bench")


def compile_code() -> None:
    """Write the byte code of a project's sources where it is missing or old. Every installation brings it; a checkout
    where Python may write none (`PYTHONDONTWRITEBYTECODE`) would compile everything again at each start of a process,
    which takes longer than all the rest of it."""
    if (ROOT / "pyproject.toml").is_file():
        for package in PACKAGES:
            compileall.compile_dir(ROOT / package, quiet=2)


def git(*words: str) -> str | None:
    """What git prints about ROOT, without the last newline. None where it fails, or is not installed."""
    command = ["git", "--no-optional-locks", "-C", str(ROOT), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def source() -> dict[str, str | bool | None]:
    """`commit`, and `dirty`: whether a tracked file differs from it. None where ROOT is no checkout; a wheel may lie
    inside that of some other project."""
    top = git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != ROOT:
        return {"commit": None, "dirty": None}
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": git("rev-parse", "--verify", "--quiet", "HEAD"),
        "dirty": None if changed is None else changed != "",
    }
