"""`doorstep forget`, as it is typed. (What it does: tests/e2e/test_forget.py.)"""

from pathlib import Path

from click.testing import CliRunner

from edge.cli.journal.forget import forget
from edge.errors import InputError


def test_a_node_without_a_journal_is_named(tmp_path: Path) -> None:
    """And its credentials stay."""
    (tmp_path / "edge.toml").write_text('node = "n-1"\n')
    done = CliRunner().invoke(forget, ["alice", "--config", str(tmp_path / "edge.toml")])
    assert isinstance(done.exception, InputError)
    assert "journal" in str(done.exception)
