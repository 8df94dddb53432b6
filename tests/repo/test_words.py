"""The code base speaks the field's words: what had a private name has a standard one."""

import pytest

from tests.repo.words import is_private, left, uses_in_python


def test_no_private_word_is_left() -> None:
    """Identifiers, comments and texts use no word of the old vocabulary."""
    found = left()
    assert not found, f"{len(found)} private words:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("identifier", "private"),
    [
        ("on_heard", True),
        ("StreetEcho", True),
        ("take_back", True),
        ("essay", False),
        ("_book", True),
        ("bookkeeping", False),
    ],
)
def test_identifiers_are_checked_by_their_parts(identifier: str, private: bool) -> None:
    """A word counts as a whole part of a name, not inside another word."""
    assert is_private(identifier) == private


def test_strings_without_a_space_are_names() -> None:
    """Comments, docstrings and sentences are prose; a key of a report is not."""
    source = '"""It says so."""\nkey = "nonsense"\ntext = "the house rules"  # as told\n'
    assert list(uses_in_python(source)) == [(1, "says"), (3, "the house"), (3, "told")]
