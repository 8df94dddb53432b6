"""Looks at the fleet while the centre runs, and raises the alarm of nodes that are connected and do not get on."""

from collections.abc import Callable, Collection
from typing import Final

from edge.log.events import ALARM, NODE_RESUMED

from ..ingest.verify import Alarm
from ..store.reader import Reader
from .health import NO_PROGRESS, STALLED, NodeHealth, fleet_health

WATCH_S: Final = 30.0
"""Between two looks: half a window's width."""

_DETAIL: Final = "It is connected, and nothing new of it is stored. Look at its log, then at this centre's."


class Watch:
    """For one collector. `states` are those of the register, `connected` who has a session here, `wall_ms` the clock
    (Unix ms)."""

    def __init__(
        self,
        reader: Reader,
        states: Callable[[], dict[str, dict[str, int]]],
        connected: Callable[[], Collection[str]],
        wall_ms: Callable[[], int],
    ) -> None:
        self._reader, self._states, self._connected, self._wall_ms = reader, states, connected, wall_ms
        self._stalled: frozenset[str] = frozenset()

    def fleet(self) -> list[NodeHealth]:
        """How each node is, the worst first. From any thread."""
        return fleet_health(self._reader.facts(), self._states(), self._wall_ms(), self._connected())

    def look(self) -> list[tuple[str, Alarm]]:
        """Alarms for nodes that have stalled since the last look."""
        fleet = {each.node: each for each in self.fleet()}
        stalled = frozenset(node for node, each in fleet.items() if each.state == STALLED)
        for node in sorted(self._stalled - stalled):
            NODE_RESUMED.write(node=node)
        found = sorted(stalled - self._stalled)
        for node in found:
            ALARM.write(node=node, name=NO_PROGRESS, events=0, sentence=fleet[node].sentence)
        self._stalled = stalled
        return [(node, Alarm(NO_PROGRESS, _DETAIL)) for node in found]
