"""Tests of edge.app.uplink: which way the uplink goes, and that a damaged enrolment stops no node."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.config import load
from edge.app.uplink import Uplink
from edge.errors import ConfigError
from edge.messages.sync.report import NodeReport
from edge.service.datadir import DataDir
from edge.uplink.pushed.state import Kept
from tests.edge.certified import UPLINK, enrolled


def made(folder: Path, *lines: str) -> Uplink:
    """Of a configuration with these lines."""
    path = folder / "edge.toml"
    path.write_text("\n".join(['node = "n-1"', *lines]))
    pipeline: Any = SimpleNamespace(batches=list, node=None)
    with DataDir.open(folder / "data") as data:
        return Uplink(str(path), load(path), data, pipeline, lambda: NodeReport(at=0), Kept())


def closed(uplink: Uplink) -> set[str]:
    """The names of what would run."""
    tasks = uplink.tasks()
    for each in tasks.values():
        each.close()
    return set(tasks)


def test_without_a_centre_there_is_none(tmp_path: Path) -> None:
    """Nothing runs, and nothing ends."""
    uplink = made(tmp_path)
    assert uplink.sync is None
    assert (closed(uplink), uplink.ends_ms(), uplink.problem) == (set(), {}, "")
    uplink.set_token("other")


def test_a_token_is_what_the_option_names(tmp_path: Path) -> None:
    """And a reload changes it."""
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text("secret")
    uplink = made(tmp_path, 'uplink = "mqtt://127.0.0.1:1"', 'uplink_token_file = "token"')
    assert uplink.sync is not None
    assert uplink.sync.link.session.options.token == "secret"
    uplink.set_token("other")
    assert uplink.sync.link.session.options.token == "other"
    assert closed(uplink) == {"uplink", "report", "ledger", "statements"}


def test_an_enrolled_node_needs_no_option(tmp_path: Path) -> None:
    """Its address and its centre are those of the enrolment, it shows no token, and the status has its end."""
    (tmp_path / "data").mkdir(mode=0o700)
    found = enrolled(tmp_path / "data")
    uplink = made(tmp_path)
    assert uplink.sync is not None
    assert uplink.sync.link.url == UPLINK
    options = uplink.sync.link.session.options
    assert (options.username, options.token) == ("n-1", "")
    assert uplink.ends_ms() == {"uplink_certificate": found.ends_ms}
    assert closed(uplink) == {"uplink", "report", "ledger", "statements", "renewal"}
    (tmp_path / "ca.pem").write_text(found.settings.authority)
    assert made(tmp_path, 'uplink_ca = "ca.pem"').ends_ms()["uplink_ca"] == found.ends_ms


def test_a_damaged_enrolment_is_a_problem_and_no_end(tmp_path: Path) -> None:
    """The node would decide without an uplink; an option that does not fit stops the start, as every wrong option."""
    (tmp_path / "data").mkdir(mode=0o700)
    enrolled(tmp_path / "data")
    with pytest.raises(ConfigError, match="uplink"):
        made(tmp_path, 'uplink = "mqtt://127.0.0.1:1"')
    (tmp_path / "data" / "uplink.json").write_text("{")
    uplink = made(tmp_path)
    assert uplink.sync is None
    assert "local decisions go on" in uplink.problem
