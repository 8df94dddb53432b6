"""`python -m tests.faults [--json FILE] [--markdown FILE] [pytest options]`: every fault of the list, whole, and a
table of them: how often it was driven, what was lost, and how long until all was well again.

Exit code 0 when every invariant held.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console
from rich.table import Table

from bench.load.machine import machine, versions
from tests.faults.conftest import WHOLE
from tests.faults.support.people import Outcome
from tests.faults.support.table import FAULTS

FOLDER: Final = Path(__file__).parent
WIDTH: Final = 150
"""Of the table where no terminal explains how wide it is."""

FIGURES: Final = ("driven", "events", "lost", "doubled", "resent")
COLUMNS: Final = ("fault", "proved by", *FIGURES, "well again", "noted")


class Whole:
    """Asks for the whole list, and gathers what each test reports."""

    def __init__(self) -> None:
        self.results: list[tuple[str, str, float, Outcome | None]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One line for each test that ran."""
        if report.when == "call" or report.failed:
            found: Any = dict(report.user_properties).get("outcome")
            outcome = Outcome(**found) if found else None
            self.results.append((report.nodeid, report.outcome, report.duration, outcome))


def rows(results: list[tuple[str, str, float, Outcome | None]]) -> list[dict[str, Any]]:
    """One entry for each test, under the numbers of the faults that it drives."""
    made: list[dict[str, Any]] = []
    for test, result, seconds, outcome in results:
        plain = test.partition("[")[0]
        numbers = [number for number, (_, tests) in FAULTS.items() if plain in tests]
        if not numbers and result == "passed":
            continue  # the table's own tests
        entry: dict[str, Any] = {"rows": numbers, "test": test, "result": result, "seconds": round(seconds, 1)}
        if outcome is not None:
            entry |= {"driven": outcome.driven, "events": outcome.events, "lost": outcome.lost}
            entry |= {"doubled": outcome.doubled, "well_s": round(outcome.well_s, 2), "resent": outcome.resent}
            entry |= {"note": outcome.note}
        made.append(entry)
    return sorted(made, key=lambda entry: (entry["rows"], entry["test"]))


def cells(entry: dict[str, Any]) -> list[str]:
    """One line of the table, in the order of COLUMNS."""
    fault = "; ".join(f"{number} {FAULTS[number][0]}" for number in entry["rows"])
    name = entry["test"].rpartition("::")[2].removeprefix("test_").replace("_", " ")
    if entry["result"] != "passed":
        return [fault, name, entry["result"].upper(), *[""] * (len(COLUMNS) - 3)]
    figures = [f"{entry[key]:,}" if key in entry else "" for key in FIGURES]
    return [fault, name, *figures, f"{entry['well_s']:.1f} s" if entry.get("well_s") else "", entry.get("note", "")]


def show(entries: list[dict[str, Any]]) -> Table:
    """The table for people."""
    table = Table(title="Faults, driven on real processes", title_justify="left")
    for name in COLUMNS:
        words = name in ("fault", "proved by", "noted")
        table.add_column(name, justify="left" if words else "right", overflow="fold", no_wrap=not words)
    output = ""
    for entry in entries:
        fault, *line = cells(entry)
        table.add_row("" if fault == output else fault, *line, style=None if entry["result"] == "passed" else "red")
        output = fault
    return table


def markdown(entries: list[dict[str, Any]]) -> str:
    """The same for a README."""
    words = ("fault", "proved by", "noted")
    lines = [COLUMNS, ["---" if name in words else "---:" for name in COLUMNS], *map(cells, entries)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Run them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table here, for scripts")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it here, for people")
    options, more = parser.parse_known_args()
    where = machine(FOLDER)
    begin = time.monotonic()
    whole = Whole()
    plugins: list[Any] = [Named(whole)]
    chosen = [] if any(Path(argument.partition("::")[0]).exists() for argument in more) else [str(FOLDER)]
    code = int(pytest.main(["-v", "--durations=0", "--durations-min=1e9", *chosen, *more], plugins=plugins))
    minutes = (time.monotonic() - begin) / 60
    entries = rows(whole.results)
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(show(entries))
    passed = sum(entry["result"] == "passed" for entry in entries)
    print(f"{passed} of {len(entries)} passed, in {minutes:.1f} minutes")
    if options.json:
        report = {"machine": where, "versions": versions(), "minutes": round(minutes, 1), "faults": entries}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(markdown(entries), encoding="utf-8")
    return code


class Named:
    """A plugin that registers `whole` under the name that the tests' conftest asks for."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._whole, WHOLE)


if __name__ == "__main__":
    sys.exit(main())
