"""The end of a run. (The whole run: test_command.)"""

import asyncio
from typing import Any, cast

from bench.outage.outages import settle


class Scripted:
    """A site and its people: receipts come at the third look, the centre is in step at the second."""

    def __init__(self) -> None:
        self.output: list[str] = []
        self._waiting = [2, 1, 0]
        self._centre = [8, 9]

    @property
    def waiting(self) -> int:
        """Events without a receipt."""
        self.output.append("waiting")
        return self._waiting.pop(0)

    async def close(self) -> None:
        """Everybody leaves."""
        self.output.append("close")

    def status(self) -> dict[str, Any]:
        """The node received nine events."""
        return {"sync": {"events_at_node": 9}}

    def summary(self) -> dict[str, Any]:
        """The centre counts eight, then nine."""
        self.output.append("summary")
        return {"events": self._centre.pop(0)}


def test_nobody_sends_any_more_when_the_sums_are_compared() -> None:
    """First the receipts, then the leaving, then the sums: a resend would move them."""
    scripted = Scripted()
    asyncio.run(settle(cast(Any, scripted), cast(Any, scripted)))
    assert scripted.output == ["waiting", "waiting", "waiting", "close", "summary", "summary"]
