"""The two subtrees of a client: what it may publish to, and what it may subscribe to.

Topics come from strangers. Nothing of them is used but a kind that matched a narrow pattern.
"""

import re
from typing import Final

from ..limits import TOPIC_BYTES_MAX
from .codec import PubAckReasonCode, QoS, SubAckReasonCode

_KIND: Final = re.compile(r"[a-z][a-z.]{0,31}")
_HOSTILE: Final = re.compile("[\u0000-\u001f\u007f-\u009f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ufeff#+]")
"""Control characters, line and paragraph separators, marks that turn the direction of text, and wildcards."""


def parse_up(topic: str, prefix: str) -> str | PubAckReasonCode:
    """The kind of a publish to `prefix` + kind, or why it is refused."""
    if topic.startswith(prefix) and _KIND.fullmatch(topic, len(prefix)):
        return topic[len(prefix) :]
    if topic.startswith(prefix) or len(topic.encode()) > TOPIC_BYTES_MAX or _HOSTILE.search(topic):
        return PubAckReasonCode.TOPIC_NAME_INVALID
    return PubAckReasonCode.NOT_AUTHORIZED


def parse_filter(pattern: str, prefix: str) -> str | SubAckReasonCode:
    """What a filter says below `prefix`, or why it is refused."""
    if pattern.startswith("$share/"):
        return SubAckReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    levels = pattern.split("/")
    if (
        not pattern
        or len(pattern.encode()) > TOPIC_BYTES_MAX
        or _HOSTILE.search(pattern.replace("+", "").replace("#", ""))
        or any("#" in level and (level != "#" or at != len(levels) - 1) for at, level in enumerate(levels))
        or any("+" in level and level != "+" for level in levels)
    ):
        return SubAckReasonCode.TOPIC_FILTER_INVALID
    if not pattern.startswith(prefix) or pattern == prefix:
        return SubAckReasonCode.NOT_AUTHORIZED
    return pattern[len(prefix) :]


def granted(filters: dict[str, QoS], kind: str) -> QoS | None:
    """The higher QoS that `filters` (as from `parse_filter`; 0 or 1) grant to a kind; None where none matches."""
    best = None
    for pattern, qos in filters.items():
        matches = pattern in ("#", "+", "+/#", kind) or pattern == f"{kind}/#"
        if matches and (best is None or best == QoS.AT_MOST_ONCE):
            best = qos
    return best
