"""`doorstep backup` and `doorstep restore`, as an operator runs them."""

from pathlib import Path

from click.testing import CliRunner

from central.store.open import open_store
from edge.cli.backup import backup, restore
from tests.phone import site


def test_there_and_back(tmp_path: Path) -> None:
    """The backup's name and size are printed; the restore lists what it wrote, and what to do next."""
    with site(tmp_path / "box", "alice") as made:
        config = str(made.folder / "edge.toml")
        there = CliRunner().invoke(backup, [str(tmp_path / "backups"), "--config", config, "--keep", "3"])
    assert there.exit_code == 0, there.output
    name = there.output.split(" (")[0]
    assert "MB" in there.output
    new = tmp_path / "new" / "edge.toml"
    new.parent.mkdir()
    back = CliRunner().invoke(restore, [name, "--config", str(new)])
    assert back.exit_code == 0, back.output
    assert f"{new}\n" in back.output
    assert "doorstep check" in back.output


def test_a_centre_by_the_same_commands(tmp_path: Path) -> None:
    """The configuration decides which it is; the restore names what it cannot bring back."""
    folder = tmp_path / "box"
    folder.mkdir()
    (folder / "central.toml").write_text('data_dir = "data"\n')
    (folder / "data").mkdir()
    open_store(folder / "data").close()
    there = CliRunner().invoke(backup, [str(tmp_path / "backups"), "--config", str(folder / "central.toml")])
    assert there.exit_code == 0, there.output
    new = tmp_path / "new" / "central.toml"
    new.parent.mkdir()
    back = CliRunner().invoke(restore, [there.output.split(" (")[0], "--config", str(new)])
    assert back.exit_code == 0, back.output
    assert f"{new.parent / 'data' / 'centre.db'}\n" in back.output
    assert "batches_lost" in back.output
    assert "revoke or retire again" in back.output
