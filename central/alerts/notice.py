"""One message to one receiver: what began and what ended, and how it is written. Times are Unix ms.

The bodies stand in docs/alerts.md. Names, counts and times are all that is in them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import msgspec
from msgspec import Struct

from ..words.words import in_chinese

LISTED_MAX: Final = 200
"""Changes that one message lists; the others are counted. A person reads fewer."""

BYTES_MAX: Final = {"wecom": 4_000, "dingtalk": 15_000}
"""Of the text for a robot: WeCom takes 4,096 bytes, DingTalk 20,000."""


class Change(Struct, frozen=True):
    """A condition that began `since`, or has ended at `at`."""

    ended: bool
    at: int
    since: int
    alarm: str
    node: str
    about: str = ""
    detail: str = ""


class Notice(Struct, frozen=True):
    """The content of one message. `more` are changes that are only counted. `is_test`: nothing has happened."""

    centre: str
    at: int
    changes: list[Change] = []
    more: int = 0
    is_test: bool = False


class Style(Struct, frozen=True):
    """How a receiver wants it."""

    template: str
    language: str
    zone: tzinfo
    link: str = ""


_WORDS: Final = {
    "stalled": ("connected, and nothing new of it is stored", "已连接，但没有新数据入库"),
    "behind": ("nothing comes of it", "没有收到它的数据"),
    "quarantined": ("batches of it are kept aside", "有批次无法入库，已被隔离"),
    "clock": ("its clock differs from the centre's", "节点时钟与本中心相差过大"),
    "problem": ("it reports the problem {about}", "节点报告了问题 {about}"),
    "certificate": ("its certificate ends soon", "证书即将到期"),
    "rollout": ("roll-out {about} went back there", "配置发布 {about} 在此节点失败，已自动回退"),
    "ledger": ("the ledger of {about} differs", "门店账本与节点记录不一致：{about}"),
    "data": ("what it sends is not as it should be: {about}", "上报的数据异常：{about}"),
}
_BEGAN: Final = ("{count} {alarms}", "{count} 条告警")
_ENDED: Final = ("{count} over", "{count} 条恢复")
_SINCE: Final = ("since {since}", "自 {since}")
_OVER: Final = ("over, {since} to {at}", "已恢复，{since} 至 {at}")
_MORE: Final = ("and {count} more", "另有 {count} 条")
_LINK: Final = ("Console", "控制台")
_TEST: Final = ("A test: this is how alerts of {centre} arrive.", "测试消息：{centre} 的告警将以此方式送达。")


def body(notice: Notice, style: Style) -> str:
    """The whole message, as JSON; the same at every attempt."""
    if style.template == "wecom":
        content: dict[str, Any] = {"msgtype": "markdown", "markdown": {"content": _markdown(notice, style)}}
    elif style.template == "dingtalk":
        text = {"title": title(notice, style), "text": _markdown(notice, style)}
        content = {"msgtype": "markdown", "markdown": text}
    else:
        content = _standard(notice, style)
    return msgspec.json.encode(content).decode()


def title(notice: Notice, style: Style) -> str:
    """One line: how many began and ended."""
    if notice.is_test:
        return _in(style, _TEST).format(centre=notice.centre)
    began = sum(not each.ended for each in notice.changes)
    ended = len(notice.changes) - began
    alarms = "alarm" if began == 1 else "alarms"
    counts = ((_BEGAN, began), (_ENDED, ended))
    parts = [_in(style, words).format(count=count, alarms=alarms) for words, count in counts if count]
    if notice.more:
        parts.append(_in(style, _MORE).format(count=notice.more))
    return f"{notice.centre}: {', '.join(parts)}"


def _standard(notice: Notice, style: Style) -> dict[str, Any]:
    listed = notice.changes[:LISTED_MAX]
    data: dict[str, Any] = {
        "centre": notice.centre,
        "began": [_fields(each) for each in listed if not each.ended],
        "ended": [_fields(each) | {"until": _instant(each.at)} for each in listed if each.ended],
        "more": notice.more + len(notice.changes) - len(listed),
        "text": "\n".join([title(notice, style), *(_line(each, style) for each in listed)]),
    }
    if style.link:
        data["link"] = style.link
    kind = "alert.test" if notice.is_test else "alert"
    return {"type": kind, "timestamp": _instant(notice.at), "data": data}


def _fields(change: Change) -> dict[str, Any]:
    texts = {"alarm": change.alarm, "node": change.node, "about": change.about, "detail": change.detail}
    return {name: text for name, text in texts.items() if text} | {"since": _instant(change.since)}


def _markdown(notice: Notice, style: Style) -> str:
    """Paragraphs, as many as a robot takes; what begins is first."""
    ordered = sorted(notice.changes, key=lambda change: change.ended)
    paragraphs = [_marked(change, style) for change in ordered]
    end = [f"[{_in(style, _LINK)}]({style.link})"] if style.link else []
    left = BYTES_MAX[style.template] - sum(len(text.encode()) + 2 for text in end) - 200
    shown = [f"**{title(notice, style)}**", *_fitting(paragraphs, left)]
    hidden = len(paragraphs) + 1 - len(shown) + notice.more
    if hidden:
        shown.append(_in(style, _MORE).format(count=hidden))
    return "\n\n".join([*shown, *end])


def _fitting(paragraphs: Sequence[str], left: int) -> Iterator[str]:
    for text in paragraphs[:LISTED_MAX]:
        left -= len(text.encode()) + 2
        if left < 0:
            return
        yield text


def _marked(change: Change, style: Style) -> str:
    text = _line(change, style).removeprefix(change.node)
    if style.template == "wecom":
        color = "info" if change.ended else "warning"
        return f'> <font color="{color}">{change.node}</font>{text}'
    return f"> **{change.node}**{text}"


def _line(change: Change, style: Style) -> str:
    what = _in(style, _WORDS[change.alarm]).format(about=change.about)
    detail = in_chinese(change.detail) if style.language == "zh" else change.detail
    detail = f" ({detail})" if detail else ""
    times = {"since": _local(change.since, style.zone), "at": _local(change.at, style.zone)}
    when = _in(style, _OVER if change.ended else _SINCE).format(**times)
    return f"{change.node}: {what}{detail}, {when}"


def _in(style: Style, words: tuple[str, str]) -> str:
    return words[1 if style.language == "zh" else 0]


def _local(at_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M")


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
