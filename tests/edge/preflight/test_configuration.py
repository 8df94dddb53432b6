"""Tests of edge.preflight.configuration. (What each wrong option is called stands in the table of set-ups.)"""

from pathlib import Path

import pytest

from edge.app.config import RELOADABLE, Options
from edge.preflight.configuration import examine
from edge.preflight.finding import Report


def test_every_option_may_be_wrong_at_once(tmp_path: Path) -> None:
    """A value of a wrong type for each option: all are named, and defaults are looked at in their place."""
    path = tmp_path / "edge.toml"
    path.write_text("".join(f"{name} = 1979-05-27\n" for name in Options.__struct_fields__))
    report = Report()
    config = examine(path, report)
    assert config is not None
    assert {*Options.__struct_fields__} <= {*report.left_out}
    assert len(RELOADABLE) < len(report.findings)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"node = "])
def test_a_file_that_cannot_be_read_is_one_finding(tmp_path: Path, content: bytes | None) -> None:
    """No file, no text, no TOML: one error, and nothing more is known."""
    path = tmp_path / "edge.toml"
    if content is not None:
        path.write_bytes(content)
    report = Report()
    assert examine(path, report) is None
    assert [finding.name for finding in report.findings] == ["config_file"]
