"""Tests of edge.backup.node, beside a real node."""

import shutil
from pathlib import Path

import numpy as np

from edge.app.config import load
from edge.backup import manifest
from edge.backup.restore import restore
from edge.scenarios.dispatch.travel.cells import cell_at
from edge.scenarios.dispatch.travel.table import packed
from edge.scenarios.files import missing
from tests.backups import back_up
from tests.phone import site


def test_a_backup_holds_what_a_node_needs(tmp_path: Path) -> None:
    """Configuration, credentials, the directory's identity and the journal, each with where it belongs."""
    with site(tmp_path / "box", "alice", centre=True) as made:
        found = manifest.read(back_up(made.folder / "edge.toml", tmp_path / "backups", 0))
    assert (found.role, found.name, found.holds[:5]) == ("node", "n-1", "rows ")
    assert {item.path for item in found.items} >= {
        "edge.toml",
        "credentials",
        "uplink.token",
        "edge/instance",
        "edge/journal.sqlite3",
    }


def test_what_an_option_of_a_scenario_names_is_in_it(tmp_path: Path) -> None:
    """A travel table, and the copies beside the journal by which old rows were decided: where the box is lost, the
    configuration can be used again, and a replay has all its tables."""
    box, new = tmp_path / "box", tmp_path / "new"
    (box / "streets").mkdir(parents=True)
    table = packed(9, [cell_at(52.5, 13.4, 9)], np.full((1, 1), 7, np.uint16))
    (box / "streets" / "of-today.table").write_bytes(table)
    with site(box, "alice", dispatch={"travel_table": "streets/of-today.table"}) as made:
        earlier = made.node_data / "dispatch-travel_table-earlier"
        earlier.write_bytes(table)
        kept = back_up(box / "edge.toml", tmp_path / "backups", 0)
    shutil.rmtree(box)
    restore(kept, new / "edge.toml", replace=False)
    config = load(new / "edge.toml")
    assert [Path(file).read_bytes() for file in config.files.values()] == [table]
    assert missing(new / "edge", config.kinds, config.rules().scenarios) == []
    assert (new / "edge" / earlier.name).read_bytes() == table
