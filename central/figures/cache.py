"""Answers that several people share, so that pages take a bounded share of the processor whoever looks at them."""

import threading
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any, Final, TypeVar

T = TypeVar("T")

KEPT_S: Final = 2.0
SHARE: Final = 10
"""An answer is kept for KEPT_S, or for so many times as long as it took: however many ask, at most a tenth of one core
works it out."""

ANSWERS_MAX: Final = 128
"""Answers that are kept at one time; the oldest goes."""


class Cache:
    """Safe to call from any thread: one works out an answer, the others wait for it."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, work: Callable[[], T]) -> T:
        """The answer with this key, worked out now where there is none that is fresh."""
        with self._lock:
            known = self._answers.get(key)
            began = self._now()
            if known is not None and began < known[0]:
                return known[1]
            answer = work()
            took = self._now() - began
            self._answers.pop(key, None)
            self._answers[key] = (self._now() + max(KEPT_S, SHARE * took), answer)
            while len(self._answers) > ANSWERS_MAX:
                del self._answers[next(iter(self._answers))]
            return answer

    def forget(self, name: str) -> None:
        """Let the answers go whose key begins with `name`: somebody has changed what they show."""
        with self._lock:
            for key in [key for key in self._answers if isinstance(key, tuple) and key[0] == name]:
                del self._answers[key]
