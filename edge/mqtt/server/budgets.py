"""What a connection may cost without a publish coming of it, and what an address may cost that fails to connect."""

import ipaddress
from typing import Final

WORK_PER_S: Final = 200
"""What one connection may let us do in a second without a publish or an acknowledgement coming of it: control packets,
WebSocket control frames, small frames and reads. Each costs about 20 us: 0.4 % of the loop."""

WORK_BURST: Final = 1_000
"""The same at once: 20 ms. An honest client pings a few times a minute. Beyond it the connection is not read from until
its bucket has something again; twice as many packets in one read close it."""

UNAUTHENTICATED_WORK_MAX: Final = 128
"""The same before a CONNECT was accepted, altogether: the request and CONNECT in shreds, with some pings. 3 ms."""

FAILED_CONNECTS_BURST: Final = 100
"""CONNECTs from one address that may fail at once: the phones of one office after their tokens were changed."""

FAILED_CONNECTS_PER_S: Final = 1
"""The same for good. Beyond it nobody is accepted from the address until something has come back: a CONNECT that fails
costs about 100 us, with TLS 2 ms, and a new connection has a new budget."""

ADDRESSES_MAX: Final = 4_096
"""Addresses whose failed CONNECTs are known, some 200 bytes each. The one that has failed longest ago is forgotten."""


class Budget:
    """A token bucket for the work that a connection causes without a publish coming of it: `burst` at once, `per_s` for
    good (0: nothing comes back). Work is charged after it is done, so the balance may fall to minus `burst`."""

    __slots__ = ("_at", "_per_s", "burst", "left")

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        self.left = self.burst = burst
        self._per_s, self._at = per_s, now

    def spend(self, work: float, now: float) -> bool:
        """Pay for `work` (below zero: it is paid in). Whether something is left."""
        left = min(self.burst, self.left + (now - self._at) * self._per_s) - work
        self.left, self._at = max(-self.burst, min(self.burst, left)), now
        return self.left > 0

    @property
    def wait_s(self) -> float:
        """How long it takes until a whole unit is left. Only where something comes back."""
        return max(0.0, 1 - self.left) / self._per_s


def unauthenticated_budget(now: float) -> Budget:
    """What a connection may cost until its CONNECT is accepted; nothing comes back."""
    return Budget(UNAUTHENTICATED_WORK_MAX, 0, now)


def client_budget(now: float) -> Budget:
    """The same from then on."""
    return Budget(WORK_BURST, WORK_PER_S, now)


class FailedConnects:
    """A bucket for each address. Behind a proxy, or one router, all clients have one address: those that are connected
    stay, but new ones wait with whoever fails. Loopback has none, so that a proxy of this machine is not throttled."""

    def __init__(self) -> None:
        self._budgets: dict[str, Budget] = {}

    def charge(self, host: str, now: float) -> None:
        """A CONNECT from there has failed."""
        network = _network(host)
        if not network:
            return
        budget = self._budgets.pop(network, None) or Budget(FAILED_CONNECTS_BURST, FAILED_CONNECTS_PER_S, now)
        budget.spend(1, now)
        self._budgets[network] = budget
        if len(self._budgets) > ADDRESSES_MAX:
            del self._budgets[next(iter(self._budgets))]

    def admits(self, host: str, now: float) -> bool:
        """Whether a connection from there is accepted."""
        if not self._budgets:
            return True
        budget = self._budgets.get(_network(host))
        return budget is None or budget.spend(0, now)


def _network(host: str) -> str:
    """What one sender has: an address, of version 6 the /64. Empty for loopback, and where there is none."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if address.is_loopback:
        return ""
    return address.packed[:8].hex() if address.version == 6 else host
