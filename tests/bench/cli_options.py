"""A measurement asked as a user does: short, whole, on real processes."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from bench.command import bench
from bench.pages.command import collect


def call(*words: str) -> Result:
    """The command's outcome; what it raises is raised."""
    return CliRunner().invoke(bench, words, catch_exceptions=False)


def read(folder: Path, *words: str) -> tuple[Result, dict[str, Any]]:
    """Run a measurement in a folder: its outcome and its report. The plot must be an SVG, the report one that the page
    of all reports can show, and nothing else may be left on the disk."""
    result = call(*words, "--data-dir", str(folder), "--json", f"{folder}/out.json", "--plot", f"{folder}/out.svg")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert ET.parse(folder / "out.svg").getroot().tag.endswith("svg")
    assert sorted(path.name for path in folder.iterdir()) == ["out.json", "out.svg"]
    report = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert {"processor", "cores", "kernel", "file_system", "measured_at", "load_average"} <= report["machine"].keys()
    assert {"python", "doorstep", "mosquitto"} <= report["versions"].keys()
    page, shown, left_out = collect([folder / "out.json"])
    assert (shown, left_out) == (1, [])
    assert report["machine"]["kernel"] in page
    return result, report
