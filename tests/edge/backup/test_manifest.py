"""Tests of edge.backup.manifest."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.backup import manifest
from edge.backup.manifest import Item, Manifest
from edge.errors import InputError


@given(st.binary(max_size=100))
def test_a_digest_is_that_of_the_bytes(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    """SHA-256 of the whole file."""
    path = tmp_path_factory.mktemp("digest") / "file"
    path.write_bytes(body)
    assert manifest.digest(path) == hashlib.sha256(body).hexdigest()


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    """What was written is read, once its files are there."""
    (tmp_path / "a").write_bytes(b"1")
    item = Item("a", "etc/a", 0o640, "root", "doorstep", manifest.digest(tmp_path / "a"))
    made = Manifest("n-1", "0.1.0", "2026-11-30T00:00:00+00:00", [item], "centre", "something")
    manifest.write(tmp_path, made)
    assert manifest.read(tmp_path) == made


def test_another_versions_backup_names_that_version(tmp_path: Path) -> None:
    """A later format is refused with the version to install."""
    manifest.write(tmp_path, Manifest("n-1", "7.0.0", "2026-11-30T00:00:00+00:00", [], format=99))
    with pytest.raises(InputError, match=r"Install doorstep 7\.0\.0"):
        manifest.read(tmp_path)
