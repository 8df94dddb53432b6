"""How late the load generator itself was. It shares the machine with what it measures, so every result states it."""

from collections.abc import Iterable
from typing import Any, Final

from .client.openloop import LATE_S, Outcome

LATE_SHARE_MAX: Final = 0.01
"""More late sends than this are noted beside the result."""


def lateness(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Of the worst round: the share of sends that left too late, and their p99. `too_late`: worth a note."""
    rounds = list(outcomes)
    share = max((outcome.late_share for outcome in rounds), default=0.0)
    return late(share, max((outcome.late_p99 for outcome in rounds), default=0.0))


def late(share: float, p99_ms: float) -> dict[str, Any]:
    """The same of a schedule that is no Round."""
    too_late = share > LATE_SHARE_MAX
    return {"over_ms": LATE_S * 1000, "share": share, "p99_ms": p99_ms, "too_late": too_late}


def sentence(late: dict[str, Any]) -> str:
    """The note beside a result; empty where the generator kept its schedule."""
    if not late["too_late"]:
        return ""
    return (
        f"The load generator was late: {late['share']:.1%} of the sends of one round left more than "
        f"{late['over_ms']:g} ms after they were due (p99 {late['p99_ms']:.2f} ms). It is in every figure above."
    )
