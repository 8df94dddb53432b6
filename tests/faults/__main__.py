"""`python -m tests.faults [--json FILE] [pytest's own options]`: every fault of the list, whole, and a table of them.

Exit code 0 when every invariant held.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from tests.faults.conftest import WHOLE
from tests.faults.people import Outcome
from tests.faults.table import FAULTS

FOLDER = Path(__file__).parent


class Whole:
    """Asks for the whole list, and gathers what each test reports."""

    def __init__(self) -> None:
        self.results: list[tuple[str, str, float, Outcome | None]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One line for each test that ran."""
        if report.when == "call" or report.failed:
            found: Any = dict(report.user_properties).get("outcome")
            self.results.append((report.nodeid, report.outcome, report.duration, found))


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
        made.append(entry)
    return sorted(made, key=lambda entry: (entry["rows"], entry["test"]))


def show(entries: list[dict[str, Any]]) -> Table:
    """The table for people."""
    table = Table(title="Faults, driven on real processes", title_justify="left")
    for name in ("fault", "test", "driven", "events", "lost", "doubled", "resent", "well again after"):
        table.add_column(name, justify="left" if name in ("fault", "test") else "right", overflow="fold")
    for entry in entries:
        fault = "; ".join(f"{number} {FAULTS[number][0]}" for number in entry["rows"])
        name = entry["test"].rpartition("::")[2].removeprefix("test_").replace("_", " ")
        if entry["result"] != "passed":
            table.add_row(fault, name, f"[red]{entry['result']}[/red]", "", "", "", "", "")
            continue
        figures = [str(entry.get(key, "")) for key in ("driven", "events", "lost", "doubled", "resent")]
        table.add_row(fault, name, *figures, f"{entry['well_s']} s" if entry.get("well_s") else "")
    return table


def main() -> int:
    """Run them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table here, for scripts")
    options, more = parser.parse_known_args()
    whole = Whole()
    plugins: list[Any] = [Named(whole)]
    code = int(pytest.main(["-v", "--durations=0", "--durations-min=1e9", *(more or [str(FOLDER)])], plugins=plugins))
    entries = rows(whole.results)
    Console().print(show(entries))
    if options.json:
        options.json.write_text(json.dumps({"faults": entries}, indent=1) + "\n", encoding="utf-8")
    return code


class Named:
    """A plugin that registers `whole` under the name that the tests' conftest asks for."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._whole, WHOLE)


if __name__ == "__main__":
    sys.exit(main())
