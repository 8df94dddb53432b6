"""The only reader of the clocks that reach the core. (Stages are timed with `time.perf_counter` where they happen.)

Two clocks, never mixed: monotonic seconds drive every timer and go on where they stopped when the node restarts; wall
milliseconds are a label. For rehearsals both can be scaled (`clock_speed`): the node then lives a day in minutes, on
the same code path.
"""

import time
from typing import Final

from .core.model import Now

DOWNTIME_S_MAX: Final = 7 * 24 * 3600.0
"""Time away is read from the wall clock, which may have jumped: more than a week is not believed."""


class Clock:
    """Real or scaled time. A rehearsal fixes where the scaled wall clock stands (`wall_anchor_ms`) at one instant of
    real time (`real_anchor_ms`), so that all processes of it agree."""

    def __init__(self, speed: float = 1.0, wall_anchor_ms: int = 0, real_anchor_ms: int = 0) -> None:
        self.speed = speed
        self._wall_anchor_ms = wall_anchor_ms
        self._real_anchor_ms = real_anchor_ms
        self._scaled = speed != 1.0 or wall_anchor_ms != 0
        self._mono_start = time.monotonic()
        self._mono_base = 0.0

    def now(self) -> Now:
        """This instant on both clocks."""
        mono = self._mono_base + (time.monotonic() - self._mono_start) * self.speed
        return Now(mono, self._wall_ms() if self._scaled else int(time.time() * 1000))

    def mono(self) -> float:
        """The monotonic half of it, in seconds."""
        return self._mono_base + (time.monotonic() - self._mono_start) * self.speed

    def resume(self, last: Now) -> None:
        """Go on after `last`, the newest instant in the journal: monotonic time continues by the time away as the wall
        clock shows it, so that deadlines set before a restart keep their meaning."""
        away_s = min(max((self._wall_ms() - last.wall_ms) / 1000, 0.0), DOWNTIME_S_MAX)
        self._mono_base = last.mono + away_s
        self._mono_start = time.monotonic()

    def real_s(self, seconds: float) -> float:
        """How long `seconds` of this clock take in real time."""
        return seconds / self.speed

    def _wall_ms(self) -> int:
        real_ms = time.time() * 1000
        if not self._scaled:
            return int(real_ms)
        return int(self._wall_anchor_ms + (real_ms - self._real_anchor_ms) * self.speed)
