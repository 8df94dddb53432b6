"""A clock that runs faster than life: a node's by its configuration, and the same for whoever sends it events."""

import time

from .settings import Option


class ScaledClock:
    """`speed` times faster than life, from now on; it begins `back_ms` ago."""

    def __init__(self, speed: float, back_ms: int = 0) -> None:
        self.speed = speed
        self.begun_ms = time.time_ns() // 1_000_000
        self._first_ms = self.begun_ms - back_ms

    def wall_ms(self) -> int:
        """What the wall clock shows, Unix ms."""
        return int(self._first_ms + (time.time() * 1000 - self.begun_ms) * self.speed)

    def options(self) -> dict[str, Option]:
        """What a node's configuration needs to have this clock."""
        return {
            "clock_speed": self.speed,
            "clock_wall_anchor_ms": self._first_ms,
            "clock_real_anchor_ms": self.begun_ms,
        }
