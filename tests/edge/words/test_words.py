"""The words in each language: none is missing, each sentence of the node has its own, and nothing odd breaks them."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Reason
from edge.health.checks import STALL_CHECKS, Report, problems, sentence
from edge.health.status import STAGES, data_inventory
from edge.scenarios.dispatch.lifecycle import OrderState
from edge.words.words import TEXT_CHARACTERS_MAX, Words, in_language, known, of_environment, read_table, words
from tests.repo.project import expect_none
from tests.repo.sentences import SLOTS, missing

ENGLISH, CHINESE = words("en"), words("zh-CN")

READ_BY_PEOPLE = (
    "edge/health/checks.py",
    "edge/preflight/",
    "edge/app/config.py",
    "edge/service/options.py",
    "edge/mqtt/client/failure.py",
    "edge/uplink/refusals.py",
    "edge/webhooks/sender.py",
    "edge/scenarios/dispatch/view.py",
)
"""Where sentences are written that the page, `doorstep status` and `doorstep check` show."""

NO_SENTENCES = {
    "uplink = {}: {}",  # an option and what is wrong with it
    "{} {} about {} ({})",  # a dead letter: names
    "a day old, and {}",
    "a webhook could not be made",  # in the log
    "webhook given up: %s",
}


def pairs() -> Iterator[tuple[str, str]]:
    """Each sentence in English and in Chinese."""
    yield from (pair for section in read_table("sentences.toml").values() for pair in section.items())


def test_each_language_has_the_same_words() -> None:
    """No key is missing, no word is empty, and the same is filled in."""
    assert ENGLISH.table.keys() == CHINESE.table.keys()
    expect_none(key for words in (ENGLISH, CHINESE) for key, word in words.table.items() if not word)
    expect_none(
        key for key, word in ENGLISH.table.items() if set(SLOTS.findall(word)) != set(SLOTS.findall(CHINESE.table[key]))
    )


def test_what_is_filled_in_is_filled_in_in_both() -> None:
    """No number, name or path of a sentence gets lost, and each sentence in Chinese is Chinese."""
    expect_none(here for here, there in pairs() if not set(SLOTS.findall(here)) - {"why"} <= set(SLOTS.findall(there)))
    expect_none(here for here, there in pairs() if not set(SLOTS.findall(there)) <= set(SLOTS.findall(here)))
    expect_none(here for here, there in pairs() if SLOTS.sub("", there).isascii() and here != "with {why}")


def test_every_state_stage_and_reason_has_its_word() -> None:
    """Whatever the node counts by name."""
    wanted = [*(f"reason.{each}" for each in Reason), *(f"order.{each}" for each in OrderState)]
    wanted += [f"stage.{each}" for each in STAGES] + [f"queue.{each}" for each in STALL_CHECKS]
    assert set(wanted) <= ENGLISH.table.keys()


def test_every_sentence_that_people_read_has_a_translation() -> None:
    """What the sources write is in the table; where a sentence is changed, its translation has to be, too."""
    expect_none(missing(READ_BY_PEOPLE, [here for here, _ in pairs()], NO_SENTENCES))


STALLED = {"depth": 3, "limit": 9, "done": 1, "stalled_s": 400.0}
BAD: Report = {
    "queues": dict.fromkeys(STALL_CHECKS, STALLED),
    "clock": {"wall_ms": 1_800_000_000_000, "jump_ms": -4_000_000},
    "disk": {"free_bytes": 9_000_000},
    "journal": {"closed": True, "used_bytes": 5_000_000_000},
    "link": {
        "connected": False,
        "listeners_paused": 1,
        "connections": 7,
        "connects_refused_lately": 80,
        "connects_refused_from": "10.0.0.9 (75)",
        "connects_refused_mostly": "credentials",
        "over_quota_lately": 300,
        "over_quota_by": "alice (300)",
        "held_back_lately": 40,
        "held_back_by": "bob (40)",
        "certificate_days": -1,
        "uplink_certificate_days": 3,
        "uplink_ca_days": 5,
        "link_ca_days": 5,
    },
    "sync": {"connected": False, "last_ack_age_s": 900.0, "backlog_bytes": 4200, "gave_up": True, "error": None},
    "uptime_s": 1000,
    "unread": {"sync": "ValueError()"},
}
LATIN_WORDS = re.compile(r"(?<![\w.-])(?:[A-Za-z]{2,} ){3}")


def test_every_problem_is_there_in_chinese() -> None:
    """All at once: nothing of the sentences stays in English, and the names of clients are as they were."""
    found = [problem.sentence for problem in problems(BAD)]
    assert len(found) == 22
    translated = [CHINESE.sentence(each) for each in found]
    expect_none(each for each in translated if LATIN_WORDS.search(each.replace("doorstep credential list", "")))
    assert "3 条，7 分钟没有动过" in translated[0]
    assert any("alice (300)" in each and "bob (40)" in each for each in translated)
    whole = sentence("degraded", problems(BAD), BAD)
    assert CHINESE.sentence(whole) == f"{translated[0]}（下面还有 21 个问题。）"


def test_a_report_is_translated_where_people_read_it() -> None:
    """Its sentences, and what the node keeps; names and numbers stay as programs know them."""
    problem = {"name": "writer", "sentence": "Local decisions go on.", "serving": True}
    report = {"sentence": "All is well: events are decided here.", "problems": [problem], "state": "ok"}
    report["data_inventory"] = data_inventory(7, 5, shop_scores=True)
    translated = in_language(report, CHINESE)
    assert translated["problems"] == [{"name": "writer", "sentence": "本地照常作出决定。", "serving": True}]
    assert translated["data_inventory"][1]["how_long"] == "7 天"
    assert translated["state"] == "ok"
    assert in_language(report, ENGLISH) == report


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("Local decisions go on.", "本地照常作出决定。"),
        ("A new centre's reason. Local decisions go on.", "A new centre's reason. 本地照常作出决定。"),
        ("Name some of: {n}.", "请从中选择：{n}。"),
        ("", ""),
    ],
)
def test_what_is_not_known_stays(text: str, translated: str) -> None:
    """The rest is translated; what is filled in is not looked into for braces."""
    assert CHINESE.sentence(text) == translated
    assert ENGLISH.sentence(text) == text


@given(st.text(st.sampled_from("ab .?:{}n1"), max_size=60) | st.text(max_size=TEXT_CHARACTERS_MAX + 1))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever clients and peers put into a sentence comes out, in either language."""
    assert ENGLISH.sentence(text) == text
    assert isinstance(CHINESE.sentence(text), str)
    assert isinstance(CHINESE.note(text), str)


def test_names_of_somebody_elses_scenario_are_shown() -> None:
    """What the table lacks has its own name; a length of time has the unit of the language."""
    assert CHINESE.word("order.in_the_oven") == "in the oven"
    assert (CHINESE.span("12 min"), CHINESE.span("2 days"), ENGLISH.span("5 s")) == ("12 分钟", "2 天", "5 s")
    assert Words("en", {}, {}).span("soon") == "soon"


def test_the_environment_names_a_language() -> None:
    """The first that is set counts; all but Chinese is English."""
    assert of_environment({"LANG": "zh_CN.UTF-8"}) == "zh-CN"
    assert of_environment({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}) == "en"
    assert of_environment({"LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "C"}) == "zh-CN"
    assert of_environment({}) == of_environment({"LANG": "de_DE"}) == "en"
    assert (known("zh-CN"), known("de")) == ("zh-CN", None)
