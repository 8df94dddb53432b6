"""A node that was cut off for a day: the outbox and the uplink of a real one, with the windows of a simulated day."""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from edge.core.model import Batch, Now, SyncAcked, SyncWelcomed
from edge.core.outbox import Outbox
from edge.messages.batches import Hello, Window, decode_body
from edge.uplink.options import UplinkOptions
from edge.uplink.sync import Sync

from .batches import Maker

CENTRE: Final = "centre"
MINUTE_MS: Final = 60_000


def merged(maker: Maker, start: int, minutes: int, variant: int) -> list[Window]:
    """What waits in a node's outbox after so many minutes without a centre, from `start` (Unix ms)."""
    outbox = Outbox("n")
    outbox.welcome(SyncWelcomed(1, 0))
    for minute in range(minutes):
        outbox.add(maker.windows(start + minute * MINUTE_MS, variant + minute))
    found: list[Window] = []
    while batches := outbox.cut(Now(0.0, start)):
        found += [window for batch in batches for window in decode_body(batch.body)]
        outbox.stored(1, batches[-1].seq)
    return found


class ReturningNode:
    """One of them. `on_live` gets how long each batch with a fresh window took until its acknowledgement (s)."""

    def __init__(self, name: str, urls: Sequence[str], backlog: list[Window], on_live: Callable[[float], None]) -> None:
        self._outbox = Outbox(name)
        self._outbox.add(backlog)
        self.windows = len(backlog)
        """All that ever came."""
        self.was_drained = False
        """Whether there was an instant at which the centre had everything."""
        self._on_live = on_live
        self._due: deque[float] = deque()
        """When fresh windows came that are in no batch yet."""
        self._live: deque[tuple[int, float]] = deque()
        """Batches with fresh windows, by number, and when the windows came."""
        self.sync = Sync(
            UplinkOptions(node=name, centre=CENTRE, urls=urls), self._outbox.in_flight, self._hello, self._post
        )

    @property
    def is_empty(self) -> bool:
        """Whether the centre has everything."""
        return not self._outbox.windows_waiting and not self._outbox.in_flight()

    @property
    def batches(self) -> int:
        """Those that the centre has acknowledged."""
        return self._outbox.through

    def seal(self, windows: list[Window]) -> None:
        """A minute is over."""
        self._outbox.add(windows)
        self.windows += len(windows)
        self._due.append(monotonic())
        self._cut()
        self.sync.wake()

    def _hello(self, boot: str) -> Hello:
        return self._outbox.hello(f"i-{self._outbox.node}", boot)

    def _post(self, word: SyncWelcomed | SyncAcked) -> None:
        if isinstance(word, SyncWelcomed):
            self._outbox.welcome(word)
        else:
            self._outbox.stored(word.epoch, word.through)
        now = monotonic()
        while self._live and self._live[0][0] <= self._outbox.through:
            self._on_live(now - self._live.popleft()[1])
        self.was_drained = self.was_drained or self.is_empty
        self._cut()  # the uplink sends after each word of the centre

    def _cut(self) -> None:
        # A batch takes the newest windows first.
        batches: list[Batch] = self._outbox.cut(Now(monotonic(), 0))
        if batches:
            self._live += [(batches[0].seq, due) for due in self._due]
            self._due.clear()
