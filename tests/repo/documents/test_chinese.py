"""The pages in Chinese: as long as those in English, with the same commands, links and names."""

import re

import pytest

from tests.repo.project import ROOT

PAGES = {
    "README.zh-CN.md": "README.md",
    "deploy/README.zh-CN.md": "deploy/README.md",
    "docs/problems.zh-CN.md": "docs/problems.md",
    "docs/operating.zh-CN.md": "docs/operating.md",
    "docs/enrolment.zh-CN.md": "docs/enrolment.md",
    "docs/privacy-assessment.zh-CN.md": "docs/privacy-assessment.md",
}
CODE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)")
NAMES = re.compile(r"^\| (`.*?) \|", re.MULTILINE)


def texts(page: str) -> tuple[str, str]:
    """A page in Chinese, and the same in English."""
    return (ROOT / page).read_text(encoding="utf-8"), (ROOT / PAGES[page]).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_are_those_that_were_run(page: str) -> None:
    """Every block of code is one that the tests run from the page in English, to the byte."""
    chinese, english = texts(page)
    assert CODE.findall(chinese) == CODE.findall(english)


@pytest.mark.parametrize("page", PAGES)
def test_each_leads_to_the_same_places(page: str) -> None:
    """The same links in the same sequence; a page that there is in Chinese is linked in Chinese only."""
    chinese, english = texts(page)
    there = [link.replace(".zh-CN.md", ".md") for link in LINK.findall(chinese)]
    here = [link for link in LINK.findall(english) if ".zh-CN." not in link]
    # The first link of each leads to the other language.
    assert there[1:] == here if page == "README.zh-CN.md" else set(there[1:]) <= set(here)
    for link in LINK.findall(chinese):
        assert ((ROOT / page).parent / link).exists() or link.startswith("http"), link


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_the_tables_have_the_same_names(page: str) -> None:
    """Problems, options, defaults and figures row by row; of problems in the same sections."""
    chinese, english = texts(page)
    assert [re.findall(r"`[^`]+`", row) for row in NAMES.findall(chinese)] == [
        re.findall(r"`[^`]+`", row) for row in NAMES.findall(english)
    ]
    if page == "docs/problems.zh-CN.md":
        assert chinese.count("\n## ") == english.count("\n## ")
