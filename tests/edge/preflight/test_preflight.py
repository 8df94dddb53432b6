"""Broken set-ups, one by one and together."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.lab.site import Site
from edge.preflight.preflight import Wishes, look
from edge.words.words import words as words_of
from tests.edge.preflight.setups import BROKEN, Setup, setup

MACHINE = {"clock", "descriptors", "slow_disk", "no_room_for_upgrade"}
"""What depends on where the tests run."""

LATIN_WORDS = re.compile(r"(?<![\w.-])(?:[A-Za-z]{2,} ){3}")
COMMANDS = re.compile(r"doorstep [a-z -]+|Invalid statement \(at line")
translated = words_of("zh-CN").sentence


def test_a_good_setup_has_no_finding(tmp_path: Path) -> None:
    """With credentials, TLS and a data directory: nothing is found but what the machine is."""
    with setup(tmp_path) as site:
        site.tls()
        report = site.look()
    assert {finding.name for finding in report.findings} <= MACHINE
    assert report.facts["clients"] == 3
    assert float(report.facts["certificate_days"]) > 0


@pytest.mark.parametrize(("change", "name", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_each_broken_setup_is_named(tmp_path: Path, change: Callable[[Setup], None], name: str, words: str) -> None:
    """What is wrong in one way is found under its name, with what to do, and nothing else is. (`everybody, from
    everywhere` is two.) In Chinese no sentence of it stays in English."""
    with setup(tmp_path) as site:
        change(site)
        report = site.look()
    found = [finding for finding in report.findings if finding.name not in MACHINE]
    assert [finding.name for finding in found] == name.split()
    assert words in found[0].text
    assert [line for each in found if LATIN_WORDS.search(line := COMMANDS.sub("", translated(each.text)))] == []


def test_everything_is_found_at_once(tmp_path: Path) -> None:
    """Wrong in fourteen ways: fourteen findings from one look."""
    together = {
        "an option that does not exist",
        "an option out of bounds",
        "a wrong option in a section",
        "scenarios for others to write",
        "a line that is none",
        "a role that is none",
        "keys that are none",
        "a token for others to read",
        "a port that is taken",
        "a key for others to read",
        "data for others to read",
        "a newer version's journal",
        "more orders than the disk has room for",
        "a rehearsal's clock",
    }
    chosen = [case for case in BROKEN if case[0] in together]
    assert len(chosen) == len(together)
    with setup(tmp_path) as site:
        for _, change, _, _ in chosen:
            change(site)
        texts = [(finding.name, finding.text) for finding in site.look().findings]
    for case, _, name, words in chosen:
        assert any(name == found and words in text for found, text in texts) or case == "a line that is none", case
    assert sum(name == "credentials" for name, _ in texts) == 2


def test_nothing_is_tried_beside_a_running_node(tmp_path: Path) -> None:
    """Its ports are taken, by itself: that is no finding, and neither is its peer asked."""
    with Site(tmp_path).configure(["alice"]) as site:
        site.start()
        report = look(tmp_path / "edge.toml", Wishes(orders_per_day=10))
        assert report.ok, report.findings
        assert "process" in str(report.facts["running"])
        assert site.status()["serving"]
