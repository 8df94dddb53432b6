"""What a backup holds: each file, where it belongs, and what its bytes must be."""

import hashlib
import stat
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from ..errors import InputError

FILE_NAME: Final = "manifest.json"
FORMAT: Final = 1
Role = Literal["node", "centre"]

DATABASES: Final = ("journal.sqlite3", "centre.db", "register.db")
"""Files that a restore never replaces."""


class Item(Struct, frozen=True):
    """One file: its name in the backup, where it belongs (relative to the configuration's folder, or absolute), its
    mode, its owner and group by name, and its SHA-256."""

    name: str
    path: str
    mode: int
    owner: str
    group: str
    sha256: str


class Manifest(Struct, frozen=True):
    """A whole backup of a node, or of a centre, of this name. `holds` is in words what its databases have."""

    name: str
    doorstep: str
    made_at: str
    items: list[Item]
    role: Role = "node"
    holds: str = ""
    format: int = FORMAT


def digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, manifest: Manifest) -> None:
    """Write it into the backup's folder. Raises OSError."""
    path = folder / FILE_NAME
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all there, byte for byte.

    Raises:
        InputError: it is no backup, of another version, or damaged; the file is named.
    """
    try:
        found = msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Manifest)
    except OSError as error:
        hint = f"This is no backup ({error.strerror}). Name a folder that doorstep backup has made."
        raise InputError(str(folder), None, hint) from None
    except msgspec.DecodeError as error:
        raise InputError(str(folder / FILE_NAME), None, f"It is damaged ({error}). Take another backup.") from None
    if found.format != FORMAT:
        hint = f"It has the format {found.format}, and this version reads {FORMAT}. Install doorstep {found.doorstep}."
        raise InputError(str(folder), None, hint)
    for item in found.items:
        path = folder / item.name
        try:
            whole = path.parent == folder and digest(path) == item.sha256
        except OSError as error:
            raise InputError(str(path), None, f"It cannot be read ({error.strerror}). Take another backup.") from None
        if not whole:
            raise InputError(str(path), None, "It is not what was backed up. Take another backup.")
    return found
