"""The interface between MQTT and the pipeline: what a link hands over, and what it is called back with."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ..core.model import Answer
from ..errors import Reason
from ..messages.grants import EVERYBODY, Grant


class Publish(Struct, frozen=True):
    """One publish of an authenticated client, as a link hands it over. `kind` is that of its topic, or FORBIDDEN or
    UNKNOWN (of `messages.envelope`) where that has none. `token` is the link's own: it comes back with
    the acknowledgement (0 for QoS 0, which gets none). `grant` is what the client may be."""

    client: str
    kind: str
    payload: bytes
    qos: int
    token: int
    grant: Grant = EVERYBODY


Pending = tuple[Answer, float]
"""A durable, unacknowledged answer, and the seconds of real time until it expires."""


class Source(Protocol):
    """Where publishes came from, and where their acknowledgements go: one connection, or the broker link."""

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """Everything about these publishes is on disk and sent. An empty reason is success."""
        ...


class Receiver(Protocol):
    """The node's side of a link. All calls come from the event loop's thread."""

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        """All publishes of one read, in order. `read_at` is `time.perf_counter()` when the bytes were read."""
        ...

    def shed(self, client: str, reason: Reason, count: int) -> None:
        """Messages that the link dropped, by reason."""
        ...

    def delivered(self, client: str, sequences: list[int]) -> None:
        """Answers that the client has acknowledged."""
        ...

    def present(self, client: str, present: bool) -> None:
        """The client's first session came, or its last one went."""
        ...

    def pending(self, client: str, after: int, limit: int) -> list[Pending]:
        """Unexpired answers of `client` with a sequence above `after`, oldest first. At most `limit`."""
        ...


class Link(Protocol):
    """A link, as the pipeline sees it: the endpoint, or the broker."""

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        """The answers of each client that have just become durable. Whoever has sent everything before sends them as
        they are; anybody else, and where there are none for a client, asks for what is `pending`. Answers of sequence 0
        are the receipts of repeats, in a call of their own: sent once, at QoS 0, to whoever is there."""
        ...

    def pause(self) -> None:
        """Stop reading."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...
