"""Files that options of scenarios name."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.errors import ConfigError
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.travel.cells import cell_at
from edge.scenarios.dispatch.travel.table import kept, packed, unpacked
from edge.scenarios.files import COPIES_MAX, adopted, keep, missing, take_copies


def table(value: int) -> bytes:
    """A table of one cell."""
    return packed(9, [cell_at(52.5, 13.4, 9)], np.full((1, 1), value, np.uint16))


def test_a_path_becomes_a_checksum_and_a_copy(tmp_path: Path) -> None:
    """Relative to the configuration; without a path nothing happens."""
    (tmp_path / "streets.table").write_bytes(table(1))
    config, data = tmp_path / "edge.toml", tmp_path / "data"
    data.mkdir()
    section, files = adopted(config, Dispatch, DispatchOptions(travel_table="streets.table"))
    digest = unpacked(table(1)).digest
    assert section == DispatchOptions(travel_table=digest)
    (name,) = files
    sections = {"dispatch": msgspec.Raw(msgspec.msgpack.encode(section))}
    assert missing(data, [Dispatch], sections) == [name]
    take_copies(data, [Dispatch], files)
    assert (data / name).read_bytes() == table(1)
    assert missing(data, [Dispatch], sections) == []
    assert adopted(config, Dispatch, DispatchOptions()) == (DispatchOptions(), {})


def test_the_oldest_copies_go(tmp_path: Path) -> None:
    """A few stay for old rows; a copy that is damaged is left out."""
    names: list[str] = []
    for value in range(COPIES_MAX + 2):
        file = tmp_path / f"{value}.table"
        file.write_bytes(table(value))
        _, files = adopted(tmp_path / "edge.toml", Dispatch, DispatchOptions(travel_table=file.name))
        keep(tmp_path, files)
        keep(tmp_path, files)
        names += files
        os.utime(tmp_path / names[-1], (value, value))
    assert sorted(each.name for each in tmp_path.glob("dispatch-*")) == sorted(names[-COPIES_MAX:])
    (tmp_path / names[-1]).write_bytes(b"cut off")
    take_copies(tmp_path, [Dispatch])


def test_what_a_kill_has_left_is_no_copy(tmp_path: Path) -> None:
    """A copy that was being made is not taken; the whole one beside it is."""
    left, whole = table(77), table(78)
    (tmp_path / "dispatch-travel_table-x.123.new").write_bytes(left)
    (tmp_path / "dispatch-travel_table-y").write_bytes(whole)
    take_copies(tmp_path, [Dispatch])
    assert kept(unpacked(left).digest) is None
    assert kept(unpacked(whole).digest) is not None


@pytest.mark.parametrize(("body", "hint"), [(None, "cannot be read"), (b"no table", "it is no table of travel times")])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, body: bytes | None, hint: str) -> None:
    """With the option, the path and why."""
    if body is not None:
        (tmp_path / "x.table").write_bytes(body)
    with pytest.raises(ConfigError, match=hint) as raised:
        adopted(tmp_path / "edge.toml", Dispatch, DispatchOptions(travel_table="x.table"))
    assert raised.value.field == "travel_table"
