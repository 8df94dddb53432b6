"""The clock of a scaled day: node and load live it at the same speed, from the same instant."""

from collections.abc import Mapping
from typing import Final

from edge.scenarios.dispatch.messages.catalog import NAME as DISPATCH

from ...lab.clock import ScaledClock
from ...lab.settings import Option

MINUTE_MS: Final = 60_000

_TIMEOUTS_REAL_S: Final = {"reply_s": (60, 3600), "silent_s": (300, 7200), "position_age_s_max": (600, 7200)}
"""Options of dispatch with their default and their largest value: how long it waits for people. People here are as
slow as this machine is, whatever the clock's speed."""


BACK_MS: Final = 300 * 86_400_000
"""A day begins so long ago, because the centre, whose clock is the real one, takes no window from tomorrow."""


class Day(ScaledClock):
    """`speed` times faster than life, from now on."""

    def __init__(self, speed: float) -> None:
        super().__init__(speed, BACK_MS)

    def real_s(self, minutes: float) -> float:
        """How long so many minutes of the day take."""
        return minutes * 60 / self.speed

    def node_options(self) -> dict[str, Option | Mapping[str, Option]]:
        """What the node's configuration needs for it."""
        timeouts = {
            name: min(max(default, round(1.5 * self.speed)), most) for name, (default, most) in _TIMEOUTS_REAL_S.items()
        }
        return {**self.options(), DISPATCH: {"pickup_service_s": 60, "dropoff_service_s": 60, **timeouts}}
