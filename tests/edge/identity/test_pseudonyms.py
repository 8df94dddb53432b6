"""Tests of edge.identity.pseudonyms."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.identity.pseudonyms import KEY, KEY_FILE, PSEUDONYM, Pseudonyms, new_key
from edge.service.datadir import DataDir

NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
ONE, OTHER = Pseudonyms(b"k" * 32), Pseudonyms(b"l" * 32)


@given(NAMES, NAMES)
def test_a_person_has_one_pseudonym(client: str, other: str) -> None:
    """Always the same, not that of somebody else, nor of another node."""
    assert re.fullmatch(PSEUDONYM, ONE.of(client))
    assert (ONE.of(client) == ONE.of(other)) is (client == other)
    assert ONE.of(client) != OTHER.of(client)


def test_the_key_is_read_back(tmp_path: Path) -> None:
    """What a node makes at its start gives the same pseudonyms for ever, and is for its owner only."""
    with DataDir.open(tmp_path / "data") as data:
        made = [data.kept(KEY_FILE, KEY, new_key) for _ in range(2)]
    assert made[0] == made[1]
    assert Pseudonyms.read(tmp_path / "data").of("alice") == Pseudonyms(bytes.fromhex(made[0])).of("alice")
    assert (tmp_path / "data" / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_without_a_key_it_is_named(tmp_path: Path) -> None:
    """None there, or none of a node."""
    for text in (None, "no key"):
        if text is not None:
            (tmp_path / KEY_FILE).write_text(text)
        with pytest.raises(InputError, match="key of pseudonyms cannot be read"):
            Pseudonyms.read(tmp_path)
