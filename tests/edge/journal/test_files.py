"""Tests of edge.journal.files."""

from edge.journal.files import write_atomic


def test_a_file_is_replaced_whole_and_private(tmp_path):
    """The new text stands under the old name, for its owner only, and nothing else is left."""
    path = tmp_path / "ports.json"
    for text in ("one\n", "two\n"):
        write_atomic(path, text)
        assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
