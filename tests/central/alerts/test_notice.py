"""Tests of central.alerts.notice: what arrives, in each form and language, within each robot's bounds."""

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alerts.notice import BYTES_MAX, LISTED_MAX, Change, Notice, Style, body, title
from central.alerts.receivers import ALARMS

AT = 1_767_225_600_000
BEGAN = Change(False, AT, AT - 90_000, "behind", "shop-7")
OVER = Change(True, AT, AT - 600_000, "problem", "shop-8", "disk_low", "")
NOTICE = Notice("centre", AT, [BEGAN, OVER])
STANDARD = Style("standard", "en", UTC, "https://centre.example")


def made(notice: Notice = NOTICE, **changes: object) -> dict:
    """The message, read again."""
    return json.loads(body(notice, msgspec.structs.replace(STANDARD, **changes)))


def test_the_webhook_of_the_specification() -> None:
    """Its type, when, and what began and ended, for programs and as a text."""
    assert made() == {
        "type": "alert",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": {
            "centre": "centre",
            "began": [{"alarm": "behind", "node": "shop-7", "since": "2025-12-31T23:58:30Z"}],
            "ended": [
                {
                    "alarm": "problem",
                    "node": "shop-8",
                    "about": "disk_low",
                    "since": "2025-12-31T23:50:00Z",
                    "until": "2026-01-01T00:00:00Z",
                }
            ],
            "more": 0,
            "text": "centre: 1 alarm, 1 over\n"
            "shop-7: nothing comes of it, since 2025-12-31 23:58\n"
            "shop-8: it reports the problem disk_low, over, 2025-12-31 23:50 to 2026-01-01 00:00",
            "link": "https://centre.example",
        },
    }


def test_the_robots_get_markdown() -> None:
    """What begins is first; WeCom has colours, and words beside them."""
    swapped = Notice("centre", AT, [OVER, BEGAN])
    wecom, dingtalk = made(swapped, template="wecom"), made(swapped, template="dingtalk")
    assert wecom == {
        "msgtype": "markdown",
        "markdown": {
            "content": "**centre: 1 alarm, 1 over**\n\n"
            '> <font color="warning">shop-7</font>: nothing comes of it, since 2025-12-31 23:58\n\n'
            '> <font color="info">shop-8</font>: it reports the problem disk_low, over, 2025-12-31 23:50 '
            "to 2026-01-01 00:00\n\n[Console](https://centre.example)"
        },
    }
    assert dingtalk["msgtype"] == "markdown"
    assert dingtalk["markdown"]["title"] == "centre: 1 alarm, 1 over"
    assert "> **shop-7**: nothing comes of it" in dingtalk["markdown"]["text"]


def test_it_speaks_chinese_and_the_centres_time() -> None:
    """In the time zone of its days."""
    text = made(language="zh", zone=ZoneInfo("Asia/Shanghai"))["data"]["text"]
    assert text.splitlines()[:2] == ["centre: 1 条告警, 1 条恢复", "shop-7: 没有收到它的数据, 自 2026-01-01 07:58"]
    counted = Notice("centre", AT, [Change(False, AT, AT, "quarantined", "shop-7", detail="2 batches")])
    assert "(2 个批次)" in made(counted, language="zh")["data"]["text"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("alarm", ALARMS)
def test_each_alarm_has_words(alarm: str, language: str) -> None:
    """In both languages."""
    notice = Notice("c", AT, [Change(False, AT, AT, alarm, "n")])
    assert made(notice, language=language)["data"]["text"].splitlines()[1].startswith("n: ")


def test_a_test_is_named_one() -> None:
    """Nothing began and nothing ended."""
    content = made(Notice("centre", AT, is_test=True))
    assert (content["type"], content["data"]["began"], content["data"]["ended"]) == ("alert.test", [], [])
    assert title(Notice("centre", AT, is_test=True), STANDARD) == "A test: this is how alerts of centre arrive."


def changes(count: int, length: int, ended: int) -> list[Change]:
    """So many, with names of that length; each `ended`-th is over."""
    name, words = "n" * length, "missing_here 1, " * (length // 16)
    return [
        Change(number % ended == 0, AT, AT, ALARMS[number % len(ALARMS)], f"{name[:50]}-{number}", name, words)
        for number in range(count)
    ]


@settings(max_examples=30)
@given(
    st.builds(changes, st.integers(0, 400), st.integers(0, 120), st.integers(1, 4)),
    st.integers(0, 10_000),
    st.sampled_from(["en", "zh"]),
)
def test_each_form_has_its_bounds_and_counts_what_it_does_not_show(
    listed: list[Change], more: int, language: str
) -> None:
    """However many nodes are behind at once: nothing disappears silently."""
    notice = Notice("centre", AT, listed, more)
    data = made(notice, language=language)["data"]
    shown = len(data["began"]) + len(data["ended"])
    assert shown <= LISTED_MAX
    assert shown + data["more"] == len(listed) + more
    for template, bound in BYTES_MAX.items():
        content = made(notice, template=template, language=language)["markdown"]
        text = content.get("content") or content["text"]
        assert len(text.encode()) <= bound
        hidden = len(listed) + more - text.count("\n\n> ")
        assert not hidden or str(hidden) in text.split("\n\n")[-2]
