"""Tests of edge.service.datadir: one process at a time, private, and whole files."""

import json
import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import BusyError, InputError
from edge.service.datadir import DataDir, holder

ROOT = Path(__file__).resolve().parents[3]

FORM = "[0-9a-f]{32}"

HOLDER = """
import sys
from edge.service.datadir import DataDir
with DataDir.open(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def make() -> str:
    return secrets.token_hex(16)


def test_the_directory_is_made_for_its_user_only(tmp_path: Path) -> None:
    """Made with its parents, mode 0700; one that others may enter is refused with the command, and left as it is."""
    with DataDir.open(tmp_path / "a" / "b") as data:
        assert stat.S_IMODE(data.path.stat().st_mode) == 0o700
    data.path.chmod(0o750)
    with pytest.raises(InputError, match=f"Others may enter .* run chmod 700 {data.path}"):
        DataDir.open(data.path)
    assert stat.S_IMODE(data.path.stat().st_mode) == 0o750
    data.path.chmod(0o700)
    with DataDir.open(str(data.path)):
        assert {stat.S_IMODE(file.stat().st_mode) for file in data.path.iterdir()} == {0o600}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give directories away")
def test_the_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    """Root would leave files there that the service's user cannot write."""
    os.chown(tmp_path, 1234, 1234)
    with pytest.raises(InputError, match="the user with number 1234"):
        DataDir.open(tmp_path)


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    """Another process that holds the directory is named by its number; killed, it holds it no longer."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"in use by process {holder.pid}.* data_dir of its own") as error:
            DataDir.open(tmp_path)
        assert error.value.exit_code == 3
        holder.kill()
        holder.wait()
    with DataDir.open(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_within_a_process_it_is_held_once(tmp_path: Path) -> None:
    """Twice in one process is twice."""
    with DataDir.open(tmp_path), pytest.raises(BusyError):
        DataDir.open(tmp_path)
    DataDir.open(tmp_path).close()


def test_a_child_process_does_not_hold_it(tmp_path: Path) -> None:
    """A program that the node starts does not keep the lock after the node."""
    data = DataDir.open(tmp_path)
    child = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(child, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        data.close()
        DataDir.open(tmp_path).close()
        running.communicate("\n")


def test_a_place_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    """A file where the directory should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: cannot be the data directory") as error:
        DataDir.open(tmp_path / "file")
    assert error.value.exit_code == 2


def test_a_kept_word_is_made_once(tmp_path: Path) -> None:
    """The same for the life of the directory, another one for another, for its owner only."""
    with DataDir.open(tmp_path / "a") as a, DataDir.open(tmp_path / "b") as b:
        made = a.kept("instance", FORM, make)
        assert b.kept("instance", FORM, make) != made
    (a.path / "instance").chmod(0o644)
    with DataDir.open(tmp_path / "a") as a:
        assert a.kept("instance", FORM, make) == made
        assert stat.S_IMODE((a.path / "instance").stat().st_mode) == 0o600
        assert sorted(file.name for file in a.path.iterdir()) == ["instance", "lock"]


@pytest.mark.parametrize("torn", [b"", b"\n", b"short", b"\xff" * 50, b"with space " * 5])
def test_a_torn_word_is_made_anew(tmp_path: Path, torn: bytes) -> None:
    """An empty or mangled file, as a power cut leaves it, is no secret and no name."""
    (tmp_path / "status.token").write_bytes(torn)
    with DataDir.open(tmp_path) as data:
        made = data.kept("status.token", FORM, make)
        assert len(made) == 32
        assert data.kept("status.token", FORM, make) == made


def test_ports_are_there_while_the_node_runs(tmp_path: Path) -> None:
    """Whole at once, replaced by the next ones, gone after the end."""
    with DataDir.open(tmp_path) as data:
        data.write_ports({"listen": 1883})
        data.write_ports({"listen": 1883, "status": 8080})
        assert json.loads((tmp_path / "ports.json").read_text()) == {"listen": 1883, "status": 8080}
        assert sorted(file.name for file in tmp_path.iterdir()) == ["lock", "ports.json"]
    assert not (tmp_path / "ports.json").exists()


def test_who_holds_it_is_known(tmp_path: Path) -> None:
    """Nobody, or the process with its number; a folder that is not there is held by nobody."""
    assert holder(tmp_path / "none") == ""
    with DataDir.open(tmp_path / "data"):
        assert holder(tmp_path / "data") == str(os.getpid())
    assert holder(tmp_path / "data") == ""
