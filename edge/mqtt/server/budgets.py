"""What a connection may cost without a publish coming of it, and what an address may cost that fails to connect."""

import ipaddress
from typing import Final

from ...messages.culprits import Culprits
from ..packets.codec import DisconnectReasonCode, ProtocolError

WORK_PER_S: Final = 200
"""What one client may let us do in a second without a publish or an acknowledgement coming of it: connections, control
packets, filters, properties, publishes over its quota, WebSocket control frames, small frames and reads. Each unit is
about 20 us: 0.4 % of the loop. It is the client's, not its connection's: to connect anew does not refill it."""

WORK_BURST: Final = 1_000
"""The same at once: 20 ms. An honest client pings a few times a minute. Beyond it none of its connections is read from
until its bucket has something again; twice as much in one read closes the connection."""

WORK_PER_PUBLISH: Final = 8
"""What each publish or acknowledgement pays for: some libraries send each field of a PUBLISH as a frame of its own."""

WORK_PER_CONNECT: Final = 10
"""A CONNECT with the right token: a session, a hash, a CONNACK."""

FILTER_BYTES_PER_WORK: Final = 64
"""Bytes of SUBSCRIBE and UNSUBSCRIBE. A filter of one character costs 3 us."""

PROPERTY_BYTES_PER_WORK: Final = 128
"""A property of five bytes costs half a microsecond."""

FILTER_BYTES_MAX: Final = 4 * 1024
"""A SUBSCRIBE or UNSUBSCRIBE: as many filters as a session may have, at some 128 bytes each."""

PROPERTY_BYTES_MAX: Final = 1024
"""The properties of a PUBLISH: what PACKET_BYTES_MAX leaves for them."""

UNAUTHENTICATED_WORK_MAX: Final = 64
"""The same before a CONNECT was accepted, altogether: the request and CONNECT in shreds, with some pings. As WebSocket
frames 3 ms."""

FAILED_CONNECTS_BURST: Final = 100
"""CONNECTs from one address that may fail at once: the phones of one office after their tokens were changed."""

FAILED_CONNECTS_PER_S: Final = 1
"""The same for good. Beyond it nobody is accepted from the address until something has come back: a CONNECT that fails
costs about 100 us, with TLS 2 ms, and a new connection has a new budget."""

LOOPBACK_BURST: Final = 50
LOOPBACK_PER_S: Final = 200
"""The same for loopback, where a proxy may stand for everybody: 3 % of the loop."""

ADDRESSES_MAX: Final = 4_096
"""Addresses whose failed CONNECTs are known, some 200 bytes each. The one that has failed longest ago is forgotten."""

REFUSALS: Final = ("credentials", "protocol", "budget", "silent", "address")
"""Why connections are refused: a wrong name or token; a handshake of TLS, or a CONNECT, that breaks a rule; more work
before it than there is a budget for; none within CONNECT_DEADLINE_S; an address from which too many have failed."""


QUOTA_EXCEEDED: Final = int(DisconnectReasonCode.QUOTA_EXCEEDED)
_LOOPBACK: Final = "loopback"
_PUBLISH, _SUBSCRIBE, _UNSUBSCRIBE = 3, 8, 10


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

    def full_at(self, now: float) -> float:
        """When all of it is there again. Only where something comes back."""
        self.spend(0, now)
        return now + (self.burst - self.left) / self._per_s


def unauthenticated_budget(now: float) -> Budget:
    """What a connection may cost until its CONNECT is accepted; nothing comes back."""
    return Budget(UNAUTHENTICATED_WORK_MAX, 0, now)


def client_budget(now: float) -> Budget:
    """The same of all connections of one client from then on."""
    return Budget(WORK_BURST, WORK_PER_S, now)


def price_of(packet: memoryview, *, properties: bool) -> int:
    """What a whole packet costs beside the one unit of every packet, to be paid before it is decoded; `properties`:
    a PUBLISH has some (5.0). Raises ProtocolError where it has more filters or properties than a packet may have."""
    kind = packet[0] >> 4
    if kind in (_SUBSCRIBE, _UNSUBSCRIBE):
        if packet.nbytes > FILTER_BYTES_MAX:
            raise ProtocolError(f"more than {FILTER_BYTES_MAX} bytes of filters; send several packets", QUOTA_EXCEEDED)
        return packet.nbytes // FILTER_BYTES_PER_WORK
    if kind != _PUBLISH or not properties:
        return 0
    at = 2
    while packet[at - 1] & 0x80:
        at += 1
    if at + 2 <= packet.nbytes:
        at += 2 + (packet[at] << 8 | packet[at + 1]) + (2 if packet[0] & 0x06 else 0)
    if at >= packet.nbytes:
        return 0  # the codec finds what is wrong with it
    size = packet[at]
    if size & 0x80:
        size = size & 0x7F | int.from_bytes(packet[at + 1 : at + 2]) << 7  # the third byte alone is above the bound
    if size > PROPERTY_BYTES_MAX:
        raise ProtocolError(f"more than {PROPERTY_BYTES_MAX} bytes of properties in a PUBLISH", QUOTA_EXCEEDED)
    return size // PROPERTY_BYTES_PER_WORK


class FailedConnects:
    """A bucket for each address. Behind a proxy, or one router, all clients have one address: those that are connected
    stay, but new ones wait with whoever fails. Loopback has a larger one, for a proxy of this machine. `refused` counts
    by REFUSALS, `hosts` are those that were refused lately."""

    def __init__(self) -> None:
        self.refused: dict[str, int] = dict.fromkeys(REFUSALS, 0)
        self.hosts = Culprits()
        self._budgets: dict[str, Budget] = {}

    def refuse(self, host: str, reason: str, now: float) -> None:
        """Somebody does not come in from there, for one of REFUSALS."""
        self.refused[reason] += 1
        self.hosts.blame(host, now)
        self.charge(host, now)

    def charge(self, host: str, now: float) -> None:
        """A CONNECT from there has failed."""
        network = _network(host)
        if not network:
            return
        burst, per_s = FAILED_CONNECTS_BURST, FAILED_CONNECTS_PER_S
        if network == _LOOPBACK:
            burst, per_s = LOOPBACK_BURST, LOOPBACK_PER_S
        budget = self._budgets.pop(network, None) or Budget(burst, per_s, now)
        budget.spend(1, now)
        self._budgets[network] = budget
        if len(self._budgets) > ADDRESSES_MAX:
            del self._budgets[next(iter(self._budgets))]

    def admits(self, host: str, now: float) -> bool:
        """Whether a connection from there is accepted; counted where it is not."""
        if not self._budgets:
            return True
        budget = self._budgets.get(_network(host))
        if budget is None or budget.spend(0, now):
            return True
        self.refused["address"] += 1
        self.hosts.blame(host, now)
        return False


def _network(host: str) -> str:
    """What one sender has: an address, of version 6 the /64. Empty where there is none."""
    if ":" not in host:
        return _LOOPBACK if host.startswith("127.") else host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if address.is_loopback:
        return _LOOPBACK
    return address.packed[:8].hex()
