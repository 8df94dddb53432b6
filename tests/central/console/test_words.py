"""Each text of the console has its Chinese, and nothing stands there that is not used."""

import re
from pathlib import Path

import pytest

import central.console
from central.console.render import (
    COUNT_WORDS,
    LEDGER_HINTS,
    LEDGER_WORDS,
    MEASURE_WORDS,
    PART_WORDS,
    PLACE_WORDS,
    RANGE_WORDS,
)
from central.console.words import CHINESE, choose, translated
from central.fleet.reconcile import CHANGED, DOUBLED, LOST, QUARANTINED, UNKNOWN

FOLDER = Path(central.console.__file__).parent
DIFFERENCES = {LOST, CHANGED, DOUBLED, UNKNOWN, QUARANTINED}
WRITERS = (FOLDER.parent / "operators/operators.py", FOLDER / "changes.py")
AUDITED = {
    word
    for path in WRITERS
    for word in re.findall(
        r'"((?:operator|token|login|logout|quarantine|node|rollout)\.[a-z_]+|log(?:in|out))"', path.read_text()
    )
}
"""What stands in the audit log."""


def used() -> set[str]:
    """The texts that go through the table."""
    templates = "\n".join(path.read_text(encoding="utf-8") for path in (FOLDER / "templates").iterdir())
    found = {text for text in re.findall(r"_\(\"([^\"]+)\"\)|_\('([^']+)'\)", templates) for text in text if text}
    tables = (RANGE_WORDS, MEASURE_WORDS, COUNT_WORDS, LEDGER_WORDS, LEDGER_HINTS, PART_WORDS, PLACE_WORDS)
    return found | {text for table in tables for text in table.values()}


def test_every_text_has_its_chinese() -> None:
    """Those of the templates, of the tables, and what the audit log and reconciliations name."""
    assert {text for text in used() | DIFFERENCES | AUDITED if text not in CHINESE} == set()


def test_no_text_is_left_over() -> None:
    """What stands in the table is used by a template or by the code."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py") if path.name != "words.py")
    words = {"current", "behind", "stalled", "quarantined", "clock", "never", "retired", "problem"}
    words |= {
        "viewer",
        "operator",
        "admin",
        "running",
        "failed",
        "stopped",
        "replaced",
        *DIFFERENCES,
        *AUDITED,
        "on",
        "off",
    }
    left = {text for text in CHINESE if text not in used() and f'"{text}"' not in code and text not in words}
    left -= {"The question takes too long. Ask for a shorter time."}  # the store's
    assert left == set()


@pytest.mark.parametrize(
    ("cookie", "accepts", "chosen"),
    [("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("", "fr,en;q=0.5", "en"), ("en", "zh", "en"), ("xx", "", "en")],
)
def test_a_language_is_found(cookie: str, accepts: str, chosen: str) -> None:
    """What was chosen, else what the browser asks for, else English."""
    assert choose(cookie, accepts) == chosen
    assert translated("Orders", "zh") == "订单"
    assert translated("Orders", "en") == "Orders"
