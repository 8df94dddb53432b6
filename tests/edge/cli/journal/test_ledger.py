"""`doorstep ledger`, as it is typed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli.journal.ledger import ledger
from edge.errors import InputError
from edge.ledger.kept import read_counts
from tests.edge.sold import DATE, GOOD, sell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node with a day of orders."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "edge.toml").write_text('node = "n-1"\n')
    sell(tmp_path / "data")
    return tmp_path


def call(folder: Path, text: str, *words: str) -> Result:
    """The command's outcome."""
    (folder / "ledger.csv").write_text(text)
    command = [str(folder / "ledger.csv"), "--config", str(folder / "edge.toml"), "--timezone", "UTC", *words]
    return CliRunner().invoke(ledger, command, catch_exceptions=True)


def test_three_planted_differences_are_found(folder: Path) -> None:
    """One missing here, one missing there, one with another amount; the same ledger twice changes nothing."""
    ledger = GOOD.replace("o-3,", "o-9,").replace("5.00 元", "50.00")
    for _ in range(2):
        done = call(folder, ledger)
        assert done.exit_code == 1
        assert f"{DATE} shop-1 o-9: line 5: missing here" in done.output
        assert f"{DATE} shop-1 o-3: missing there" in done.output
        assert f"{DATE} shop-1 o-5: line 6: other amount (here 500, there 5000)" in done.output
        words = "5 orders here, 4 lines there: 1 missing_here, 1 missing_there, 1 other_amount"
        assert f"{DATE} shop-1: {words}" in done.output
        (day,) = read_counts(folder / "data")
        assert (day.missing_here, day.missing_there, day.other_amount) == (1, 1, 1)


def test_a_good_ledger_is_no_difference(folder: Path) -> None:
    """In words and as JSON."""
    done = call(folder, GOOD)
    assert (done.exit_code, "no difference" in done.output) == (0, True)
    assert json.loads(call(folder, GOOD, "--json").output)["differences"] == []


@pytest.mark.parametrize(
    ("ledger", "words", "hint"),
    [
        ("order\no 1\n", [], "ledger.csv, line 2: 'o 1' is no order"),
        (GOOD, ["--timezone", "Nowhere"], "'Nowhere' is no time zone"),
        (GOOD, ["--columns", "total=Summe"], "'total': Write NAME=COLUMN"),
        (GOOD, ["--columns", "order=Beleg"], "There is no column 'Beleg'"),
    ],
)
def test_each_mistake_is_named(folder: Path, ledger: str, words: list[str], hint: str) -> None:
    """With the line, where it is of the file."""
    done = call(folder, ledger, *words)
    text = str(done.exception) if isinstance(done.exception, InputError) else done.output
    assert hint in text
    assert done.exit_code != 0
