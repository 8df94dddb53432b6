"""Events that came by HTTP and wait for their decision: the same way into the core as a publish of MQTT, and the
receipt that the links are given when it is on disk goes back with the answer.

Nothing here outlives its request. A client that hangs up has its decision in the journal, and its receipt waits for it
as for any other client; it sends the event again with the same id.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..errors import Reason
from ..messages.envelope import loose
from ..mqtt.seam import Pending, Publish, Receiver
from .access import Caller

DECISION_S_MAX: Final = 15.0
"""An event without a decision after this is answered without one. A disk that hangs is no reason to wait for ever."""

WAITING_MAX: Final = 512
"""Events under way of all clients: about 4 kB each with their connections."""

WAITING_PER_CLIENT_MAX: Final = 32
"""Of one client: a shop's server that sends 200 orders a second to a node that needs 100 ms for each."""


class Decided(NamedTuple):
    """What became of an event: a reason where it is refused, and its receipt where it has one. `undecided`: that is not
    known yet."""

    reason: str = ""
    receipt: bytes = b""
    undecided: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """Of the receipt; none where there is none."""
        return loose(self.receipt) if self.receipt else {}


class _Waiter:
    """One event. `sequence` is that of its receipt, 0 where it is a repeat's."""

    __slots__ = ("client", "id", "receipt", "result", "sequence")

    def __init__(self, client: str, id_: str) -> None:
        self.client, self.id = client, id_
        self.receipt = b""
        self.sequence = 0
        self.result: asyncio.Future[str] = asyncio.get_running_loop().create_future()


class Events:
    """Those under way, by token and by client. A `seam.Source`, and the part of a link that hands out receipts."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._waiting: dict[int, _Waiter] = {}
        self._of: dict[str, dict[int, _Waiter]] = {}
        self._token = 0
        self.undecided = 0
        """Events that were answered without a decision."""

    def __len__(self) -> int:
        return len(self._waiting)

    def room(self, client: str) -> Reason | None:
        """Why no other event of a client can be taken now."""
        if len(self._of.get(client, ())) >= WAITING_PER_CLIENT_MAX:
            return Reason.OVER_QUOTA
        return Reason.OVERLOADED if len(self._waiting) >= WAITING_MAX else None

    async def decide(self, caller: Caller, kind: str, id_: str, payload: bytes) -> Decided:
        """Hand one event over, and wait until it is decided and on disk. Ask for `room` before. `id_` is empty for what
        has no receipt."""
        client = caller.client
        self._token += 1
        token, waiter = self._token, _Waiter(client, id_)
        self._waiting[token] = self._of.setdefault(client, {})[token] = waiter
        publish = Publish(client, kind, payload, 1, token, caller.grant)
        self._receiver.received(self, [publish], time.perf_counter())
        try:
            async with asyncio.timeout(DECISION_S_MAX):
                reason = await waiter.result
        except TimeoutError:
            self.undecided += 1
            return Decided(undecided=True)
        finally:
            self._forget(token)
        if waiter.sequence:
            self._receiver.delivered(client, [waiter.sequence])
        return Decided(reason, waiter.receipt)

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        """Receipts that are on disk now, by client, before their events are acknowledged."""
        if not self._waiting:
            return
        for client in fresh.keys() & self._of.keys():
            mine = self._of[client].values()
            for answer, _ in fresh[client]:
                if answer.kind != "receipt":
                    continue
                id_ = loose(answer.payload).get("id")
                for waiter in mine:
                    if waiter.id == id_ and not waiter.result.done():
                        waiter.receipt, waiter.sequence = answer.payload, answer.sequence

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """`seam.Source`."""
        for token, reason in zip(tokens, reasons, strict=True):
            waiter = self._waiting.get(token)
            if waiter is not None and not waiter.result.done():
                waiter.result.set_result(reason)

    def _forget(self, token: int) -> None:
        client = self._waiting.pop(token).client
        mine = self._of[client]
        del mine[token]
        if not mine:
            del self._of[client]
