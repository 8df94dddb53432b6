"""The code base speaks the field's words: what had a private name has a standard one."""

from tests.repo.project import expect_none
from tests.repo.words import is_private, left, uses_in_python


def test_no_private_word_is_left() -> None:
    """Identifiers, comments and texts use no word of the old vocabulary."""
    expect_none(left())


def test_identifiers_are_checked_by_their_parts() -> None:
    """A word counts as a whole part of a name, not inside another word."""
    assert all(is_private(name) for name in ("on_heard", "StreetEcho", "take_back", "_book"))
    assert not any(is_private(name) for name in ("essay", "bookkeeping"))


def test_strings_without_a_space_are_names() -> None:
    """Comments, docstrings and sentences are prose; a key of a report is not."""
    source = '"""It says so."""\nkey = "nonsense"\ntext = "the house rules"  # as told\n'
    assert list(uses_in_python(source)) == [(1, "says"), (3, "the house"), (3, "told")]
