"""The template of the impact assessment has what `doorstep privacy` prints, in both languages."""

import re

import pytest

from edge.scenarios.loader import available, load
from edge.scenarios.privacy import SENT, STAYS, kept_fields, leaving_figures
from tests.repo.project import ROOT, expect_none

PAGES = ["docs/privacy-assessment.md", "docs/privacy-assessment.zh-CN.md"]
KINDS = load(available())


def rows(page: str) -> list[list[str]]:
    """The cells of every row of a table."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n") if line.startswith("|")]


@pytest.mark.parametrize("page", PAGES)
def test_each_personal_field_is_there_with_its_place(page: str) -> None:
    """Kind, field and where it is kept by default, and none that is not personal."""
    found = {(row[0], row[1]): row[3] for row in rows(page) if len(row) == 5 and row[0].startswith("`")}
    fields = {
        (f"`{each.kind}`", f"`{each.field}`"): f"`{each.kept}`" for each in kept_fields(KINDS, 7) if each.personal
    }
    expect_none(f"{page}: {' '.join(name)} is {place}" for name, place in fields.items() if found.get(name) != place)
    expect_none(f"{page}: {' '.join(name)} is not personal" for name in found if name not in fields)


@pytest.mark.parametrize("page", PAGES)
def test_each_figure_and_each_place_is_there(page: str) -> None:
    """What goes to the centre by its form, and what may stay where."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [re.findall(r"`([^`]+)`", line) for line in text.split("\n") if line.startswith("- ")]
    figures = leaving_figures(KINDS, 5)
    forms = ("locate", "count", "measure")
    assert lines == [[each.name for each in figures if each.form == form] for form in forms]
    places = [row[0] for row in rows(page) if len(row) == 4 and row[0].startswith("`")]
    assert places == [f"`{each.where}`" for each in STAYS]
    sent = [row[0] for row in rows(page) if len(row) == 3 and row[0].startswith("`")]
    assert sent == [f"`{each.kind}`" for each in SENT]
