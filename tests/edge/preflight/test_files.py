"""Tests of edge.preflight.files. (What each wrong file is called stands in the table of set-ups.)"""

from pathlib import Path

import pytest

from edge.identity.tokens import make_key
from edge.preflight.files import LINES_MAX
from tests.edge.journals import filled
from tests.edge.preflight.setups import setup


def test_every_wrong_line_is_named_up_to_a_bound(tmp_path: Path) -> None:
    """Three wrong lines are three findings with their numbers; of a file that is all wrong, the first are listed."""
    for count in (3, 10 * LINES_MAX):
        folder = tmp_path / str(count)
        folder.mkdir()
        with setup(folder) as site:
            path = folder / "credentials"
            path.write_text("wrong\n" * count + path.read_text())
            found = [finding.text for finding in site.look().findings if finding.name == "credentials"]
        assert len(found) == min(count, LINES_MAX)
        for number, text in enumerate(found, 1):
            assert f"line {number}:" in text


def test_a_folder_that_is_not_there_yet_is_made_by_the_start(tmp_path: Path) -> None:
    """Nothing is found, and nothing is made."""
    with setup(tmp_path) as site:
        site.options["data_dir"] = "a/b/c"
        assert site.look().ok
        assert not (tmp_path / "a").exists()


def test_a_key_for_phones_is_enough(tmp_path: Path) -> None:
    """With token_keys an empty credentials file is nothing to warn of."""
    with setup(tmp_path) as site:
        (tmp_path / "credentials").write_text("")
        make_key(tmp_path / "key.json", tmp_path / "keys.json", "ES256")
        site.options["token_keys"] = "keys.json"
        names = {finding.name for finding in site.look().findings}
    assert names.isdisjoint({"no_client", "no_shop", "no_rider", "token_keys"})


@pytest.mark.parametrize("rows", [0, 3])
def test_what_the_journal_holds_is_a_fact(tmp_path: Path, rows: int) -> None:
    """Rows and size, of one that is there."""
    with setup(tmp_path) as site:
        if rows:
            filled(site.data / "journal.sqlite3", rows)
        facts = site.look().facts
    assert facts.get("journal_rows", 0) == rows
