"""What is in a compiled object: whose architecture, which libraries, which glibc, and whether it loads."""

import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MACHINE_NUMBERS: Final = {"amd64": 62, "arm64": 183}
"""`e_machine` in the ELF header."""

MAGIC: Final = b"\x7fELF"
_LOAD: Final = 1


def is_object(path: Path) -> bool:
    """Whether a file is an ELF object."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def architecture(path: Path) -> str:
    """`amd64`, `arm64`, or the bare number of another one."""
    number = struct.unpack_from("<H", path.read_bytes(), 18)[0]
    return next((name for name, value in MACHINE_NUMBERS.items() if value == number), str(number))


def loads(data: bytes) -> bool:
    """Whether the loader can map the object: in each loaded segment, offset and address agree modulo the alignment."""
    return all((offset - address) % max(align, 1) == 0 for offset, address, align in _segments(data))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(offset, address, alignment) of what is loaded of a 64-bit little-endian object."""
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for place in range(table, table + size * count, size):
        kind, _, offset, address, _, _, _, align = struct.unpack_from("<IIQQQQQQ", data, place)
        if kind == _LOAD:
            yield offset, address, align


def needs(path: Path) -> tuple[set[str], tuple[int, int]]:
    """The libraries that an object names, and the newest glibc among the versions of its symbols."""
    shown = subprocess.run(["readelf", "-dVW", path], check=True, capture_output=True, text=True).stdout
    libraries = set(re.findall(r"\(NEEDED\).*\[(.+?)\]", shown))
    versions = [(int(major), int(minor)) for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", shown)]
    return libraries, max(versions, default=(2, 0))


def strip(path: Path, tool: str) -> None:
    """Take the symbols for debuggers out of an object. One whose segments were moved when its wheel was made would not
    load any more (a known fault of `strip`): it stays as it was."""
    before = path.read_bytes()
    done = subprocess.run([tool, "--strip-unneeded", path], capture_output=True, text=True)
    if done.returncode or not loads(path.read_bytes()):
        path.write_bytes(before)
