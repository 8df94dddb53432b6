"""Tests of edge.backup.node, beside a real node."""

from pathlib import Path

from edge.backup import manifest
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
