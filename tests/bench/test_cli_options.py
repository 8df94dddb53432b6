"""Where reports go. (Whole measurements run in the tests of their commands.)"""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from bench.cli_options import Progress, ask, check_writable
from bench.plotting import panels
from edge.errors import InputError


async def _measure(folder: Path, progress: Progress) -> dict[str, Any]:
    progress("something")
    (folder / "left-over").write_text("x")
    return {"benchmark": "nothing", "folder": str(folder)}


def _plot(report: dict[str, Any]) -> Figure:
    return panels(f"about {report['benchmark']}", [1.0])[0]


def test_a_measurement_has_a_folder_that_is_gone_afterwards(tmp_path: Path) -> None:
    """The folder lies where it was asked for, and nothing of it stays but the report and the drawing."""
    files = tmp_path / "out.json", tmp_path / "out.svg"
    report = ask(_measure, 1, str(tmp_path), str(files[0]), str(files[1]), _plot)
    assert Path(report["folder"]).parent == tmp_path
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert "about nothing" in files[1].read_text()
    assert report["machine"]["cores"] >= 1


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    """Nothing runs where the folder to measure in does not exist."""
    with pytest.raises(InputError, match="no such folder"):
        ask(_measure, 1, str(tmp_path / "nowhere"), None)


def test_a_report_cannot_replace_a_folder(tmp_path: Path) -> None:
    """A folder is no file to write to; a file in an existing folder is, and none at all too."""
    check_writable(None, str(tmp_path / "out.json"))
    with pytest.raises(InputError, match="existing folder"):
        check_writable(str(tmp_path))
