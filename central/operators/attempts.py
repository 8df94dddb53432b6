"""How often somebody may try a password: by the name that is tried, and by the address that tries. Pure: seconds are of
any monotonic clock, addresses those of `network`.

Whoever knows a name can make its owner wait half a minute, not lock the owner out.
"""

import ipaddress
from typing import Final

from edge.mqtt.server.budgets import Budget

NAME_BURST, NAME_PER_S = 10, 1 / 30
"""Failures for one name: at most 2,890 guesses a day, from wherever they come."""

ADDRESS_BURST, ADDRESS_PER_S = 20, 1 / 10
"""Failures from one address: a whole office behind one router."""

KNOWN_MAX: Final = 4_096
"""Names and addresses that have failed lately; the one that has failed longest ago is forgotten."""


class Attempts:
    """Of one centre. For one thread at a time."""

    def __init__(self) -> None:
        self._budgets: dict[tuple[str, str], Budget] = {}

    def wait_s(self, name: str, network: str, now: float) -> float:
        """How long this name, or this address, has to wait before its next attempt."""
        waits = [0.0]
        for key in (("name", name), ("address", network)):
            budget = self._budgets.get(key)
            if budget is not None:
                budget.spend(0, now)
                waits.append(budget.wait_s)
        return max(waits)

    def failed(self, name: str, network: str, now: float) -> None:
        """An attempt has failed."""
        for key, burst, per_s in (
            (("name", name), NAME_BURST, NAME_PER_S),
            (("address", network), ADDRESS_BURST, ADDRESS_PER_S),
        ):
            budget = self._budgets.pop(key, None) or Budget(burst, per_s, now)
            budget.spend(1, now)
            self._budgets[key] = budget
        while len(self._budgets) > KNOWN_MAX:
            del self._budgets[next(iter(self._budgets))]

    def succeeded(self, name: str, network: str, now: float) -> None:
        """The attempt that was last counted as a failure was none."""
        for key in (("name", name), ("address", network)):
            if key in self._budgets:
                self._budgets[key].spend(-1, now)


def network(host: str) -> str:
    """What one sender has: an address, of version 6 the /64."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64))) if address.version == 6 else host
