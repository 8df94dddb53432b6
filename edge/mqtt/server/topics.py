"""The two subtrees of a client: what it may publish to, and what it may subscribe to.

Topics are untrusted input. Nothing of them is used but a kind that matched a narrow pattern.
"""

import re
from typing import Final

from ...limits import CONTROL_CHARACTERS, TOPIC_BYTES_MAX, TURNING_CHARACTERS
from ...messages.envelope import FORBIDDEN, KIND, UNKNOWN
from ..packets.codec import MalformedPacket, ProtocolError, PublishPacket, QoS, SubAckReasonCode
from ..packets.validate import TOPIC_ALIAS_INVALID, check_topic

TOPIC_ALIAS_MAX: Final = 16
"""A client uses one topic for each kind it sends; there are fewer than 16 kinds."""

TOPICS_CACHED_MAX: Final = 64
"""Topics whose kind one connection remembers; more than there are kinds."""

_HOSTILE: Final = re.compile(f"[{TURNING_CHARACTERS}]")
_FILTER: Final = re.compile(rf"(?:(?:[^{CONTROL_CHARACTERS}/#+]*|\+)/)*(?:[^{CONTROL_CHARACTERS}/#+]*|[#+])")
_SHARE: Final = re.compile("\\$share/([^/#+]+)/(.+)", re.DOTALL)


class Topics:
    """The topics of one connection, below `prefix`. `known` is for `fastpath.parse`: the kinds of those that were good,
    by their bytes with the length before them as on the wire."""

    __slots__ = ("_aliases", "_kinds", "_prefix", "known")

    def __init__(self, prefix: str) -> None:
        self.known: dict[bytes, str] = {}
        self._prefix = prefix
        self._kinds: dict[str, str] = {}
        self._aliases: dict[int, str] = {}

    def kind_of(self, packet: PublishPacket) -> str:
        """The kind of a publish, or FORBIDDEN or UNKNOWN. Raises MalformedPacket where the connection has to end."""
        topic, alias = packet.topic, packet.topic_alias
        if alias is not None:
            if alias > TOPIC_ALIAS_MAX:
                raise ProtocolError(f"a topic alias over {TOPIC_ALIAS_MAX}", TOPIC_ALIAS_INVALID)
            if topic:
                self._aliases[alias] = topic
            elif alias not in self._aliases:
                raise ProtocolError("a topic alias that stands for no topic on this connection")
            topic = self._aliases[alias]
        elif not topic:
            raise ProtocolError("neither a topic nor an alias")
        kind = self._kinds.get(topic)
        if kind is not None:
            return kind
        parsed = parse_up(topic, self._prefix)
        if parsed not in (FORBIDDEN, UNKNOWN) and len(self._kinds) < TOPICS_CACHED_MAX:
            raw = topic.encode()
            self._kinds[topic] = self.known[len(raw).to_bytes(2, "big") + raw] = parsed
        return parsed


def parse_up(topic: str, prefix: str) -> str:
    """The kind of a publish to `prefix` + kind, UNKNOWN where nothing there can be a kind, FORBIDDEN for what is below
    another prefix. Raises MalformedPacket for what is no topic."""
    check_topic(topic)
    if not topic.startswith(prefix):
        return FORBIDDEN
    return topic[len(prefix) :] if KIND.fullmatch(topic, len(prefix)) else UNKNOWN


def parse_filter(pattern: str, prefix: str) -> str | SubAckReasonCode:
    """What a filter matches below `prefix`, or why it is refused. Raises MalformedPacket for what is no filter."""
    shared = pattern.startswith("$share/")
    if shared:
        match = _SHARE.fullmatch(pattern)
        pattern = match[2] if match else ""
    if not pattern or not _FILTER.fullmatch(pattern):
        raise MalformedPacket("a topic filter that is empty, or with a wildcard or control character where none may be")
    if shared:
        return SubAckReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    if len(pattern.encode()) > TOPIC_BYTES_MAX or _HOSTILE.search(pattern):
        return SubAckReasonCode.TOPIC_FILTER_INVALID
    if not pattern.startswith(prefix) or pattern == prefix:
        return SubAckReasonCode.NOT_AUTHORIZED
    return pattern[len(prefix) :]


def granted(filters: dict[str, QoS], topic: str) -> QoS | None:
    """The higher QoS that `filters` (as from `parse_filter`; 0 or 1) grant to what is below the same prefix; None where
    none matches."""
    best = None
    for pattern, qos in filters.items():
        if (best is None or best == QoS.AT_MOST_ONCE) and _matches(pattern.split("/"), topic.split("/")):
            best = qos
    return best


def _matches(pattern: list[str], levels: list[str]) -> bool:
    for at, wanted in enumerate(pattern):
        if wanted == "#":
            return True
        if at == len(levels) or wanted not in ("+", levels[at]):
            return False
    return len(pattern) == len(levels)
