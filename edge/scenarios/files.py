"""Files that options of scenarios name. The core gets what a file holds as a value, and its checksum in place of the
path, so that rules name what was decided with; copies stay beside the journal, for a recovery or a replay."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ..core.scenario import Scenario
from ..errors import ConfigError
from ..identity.files import write_atomic

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
COPIES_MAX: Final = 3
"""Of each option: the newest ones, since old rows were decided with earlier ones."""


def adopted(path: Path, kind: type[Scenario], section: Struct) -> tuple[Struct, dict[str, str]]:
    """The section with checksums for paths, which are relative to the folder of the configuration `path`; and the files
    by the names of their copies. Raises ConfigError where one cannot be used."""
    files: dict[str, str] = {}
    for option, take in kind.file_options.items():
        value: str = getattr(section, option)
        if not value:
            continue
        file = path.resolve().parent / value
        try:
            if file.stat().st_size > FILE_BYTES_MAX:
                raise ValueError(f"it is larger than {FILE_BYTES_MAX >> 20} MB")
            name = take(file.read_bytes())
        except OSError as error:
            raise ConfigError(str(path), option, value, f"It cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise ConfigError(str(path), option, value, f"The file cannot be used: {error}.") from error
        section = msgspec.structs.replace(section, **{option: name})
        files[f"{kind.name}-{option}-{name[:16]}"] = str(file)
    return section, files


def keep(folder: Path, files: Mapping[str, str]) -> None:
    """Copy the files beside the journal; of each option the oldest copies go."""
    for name, file in files.items():
        copy = folder / name
        if copy.exists():
            continue
        write_atomic(copy, Path(file).read_bytes())
        option = name.rpartition("-")[0]
        copies = sorted(_copies(folder, option), key=lambda each: each.stat().st_mtime_ns)
        for old in copies[:-COPIES_MAX]:
            old.unlink()


def take_copies(folder: Path, kinds: Iterable[type[Scenario]], files: Mapping[str, str] | None = None) -> None:
    """Take the copies beside a journal, and make those of `files`, which `adopted` has taken; what is damaged is left
    out."""
    own = files or {}
    keep(folder, own)
    for kind in kinds:
        for option, take in kind.file_options.items():
            for copy in _copies(folder, f"{kind.name}-{option}"):
                if copy.name in own:
                    continue
                try:
                    take(copy.read_bytes())
                except ValueError:
                    continue


def copies(folder: Path, kinds: Iterable[type[Scenario]]) -> list[Path]:
    """The copies beside a journal."""
    return [copy for kind in kinds for option in kind.file_options for copy in _copies(folder, f"{kind.name}-{option}")]


def missing(folder: Path, kinds: Iterable[type[Scenario]], sections: Mapping[str, msgspec.Raw]) -> list[str]:
    """The copies that these rules need, and that are not beside the journal."""
    needed: list[str] = []
    for kind in kinds:
        if kind.file_options and kind.name in sections:
            section = msgspec.msgpack.decode(sections[kind.name], type=kind.options)
            values = ((option, getattr(section, option)) for option in kind.file_options)
            needed += [f"{kind.name}-{option}-{value[:16]}" for option, value in values if value]
    return [name for name in needed if not (folder / name).exists()]


def _copies(folder: Path, option: str) -> list[Path]:
    return sorted(each for each in folder.glob(f"{option}-*") if each.suffix != ".new")
