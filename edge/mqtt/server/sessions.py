"""All sessions of one endpoint: who is there, who took whose place, who may send how much, and who is forgotten when.

A session is the pair (identity, MQTT client identifier). It holds subscriptions only; the identity holds the quota and
is what the core knows as a client.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from ...errors import Reason
from ...limits import CONNECTIONS_MAX, MESSAGES_PER_CLIENT_BURST, MESSAGES_PER_CLIENT_PER_S, PACKET_BYTES_MAX
from ...messages.culprits import Culprits
from ...messages.grants import Grant
from ..packets.codec import DisconnectReasonCode
from ..seam import Pending, Receiver
from .budgets import FailedConnects, client_budget
from .deadlines import DeadlineQueue, Will
from .outbound import OutboundQueue, Writable

SESSIONS_MAX: Final = 50_000
"""Sessions with and without a connection, about 1 kB each. The one absent for longest goes first."""

SESSIONS_PER_CLIENT_MAX: Final = 4
"""A phone, a tablet, a till and a tool for finding faults, all with one identity."""

SESSION_EXPIRY_S_MAX: Final = 24 * 3600
"""Subscriptions of an absent client are kept this long at most; its answers live by their own expiry."""

OVERSIZED_SKIPPED_S: Final = 60.0
"""A packet over the limit closes the connection. What comes so large from the same client within this time is passed
over: its library sends the same packet again for ever, and what stands behind it would never get through."""


class EndpointOptions(Struct, frozen=True, kw_only=True):
    """What an endpoint asks of its clients. With `anonymous` they need no credentials; `messages_per_s` and `burst` are
    the quota of each."""

    packet_bytes_max: int = PACKET_BYTES_MAX
    anonymous: bool = False
    messages_per_s: float = MESSAGES_PER_CLIENT_PER_S
    burst: float = MESSAGES_PER_CLIENT_BURST
    connections_max: int = CONNECTIONS_MAX


class Transport(Protocol):
    """The socket of a connection."""

    def flush(self) -> None:
        """Write what the connection has to write, and close where it is closing."""
        ...

    def abort(self) -> None:
        """Drop it with everything unwritten."""
        ...


class SessionConnection(Writable, Protocol):
    """The connection of a session, as far as the others are concerned. It has no `transport` when that is gone."""

    transport: Transport | None
    address: str
    listener: str
    claimed: str
    certificate: bytes
    received_at: float
    will: Will | None

    def end(self, reason: DisconnectReasonCode, now: float) -> None:
        """The server closes it."""
        ...


class Identity:
    """One client of the core: its sessions, its quota (a token bucket), and its budget for everything else."""

    __slots__ = ("_at", "_tokens", "budget", "connected", "name", "registry", "scheduled", "sessions", "skips_until")

    def __init__(self, name: str, registry: "Sessions", now: float) -> None:
        self.name, self.registry = name, registry
        self.sessions: dict[str, Session] = {}
        self.connected = 0
        self.scheduled = False
        self.skips_until = 0.0
        """Packets over the limit are passed over until then."""
        self._tokens, self._at = registry.options.burst, now
        self.budget = client_budget(now)

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` messages are within the quota."""
        options = self.registry.options
        tokens = min(options.burst, self._tokens + (now - self._at) * options.messages_per_s)
        taken = wanted if tokens >= wanted else int(tokens)
        self._tokens, self._at = tokens - taken, now
        return taken

    def expire(self, now: float) -> float | None:
        """Forgotten when it has no session and its buckets are full again (coming back must not refill them), and when
        its packets are no longer passed over."""
        self.scheduled = False
        if self.sessions or self.connected:
            return None
        self.take(0, now)
        missing = self.registry.options.burst - self._tokens
        full_at = now + missing / self.registry.options.messages_per_s
        following = max(full_at, self.skips_until, self.budget.full_at(now))
        if following > now:
            self.scheduled = True
            return following
        self.registry.identities.pop(self.name, None)
        return None


class Session:
    """One MQTT session, with or without a connection. `will` is that of the last one, where it has a delay."""

    __slots__ = ("client_id", "connection", "expires_at", "expiry_s", "identity", "outbound", "scheduled", "will")

    def __init__(self, identity: Identity, client_id: str, outbound: OutboundQueue) -> None:
        self.identity, self.client_id, self.outbound = identity, client_id, outbound
        self.connection: SessionConnection | None = None
        self.expiry_s = 0
        self.expires_at = 0.0
        self.scheduled = False
        self.will: Will | None = None

    def depart(self, expiry_s: int | None) -> bool:
        """A DISCONNECT may change how long the session is kept, but not make one last that was to end (5.0, 3.14.2.2).
        Whether it was allowed to."""
        if expiry_s and not self.expiry_s:
            return False
        if expiry_s is not None:
            self.expiry_s = min(expiry_s, SESSION_EXPIRY_S_MAX)
        return True

    def expire(self, now: float) -> float | None:
        """Ended where it has been absent for too long."""
        self.scheduled = False
        if self.connection is not None or self not in self.identity.registry.absent:
            return None
        if now < self.expires_at:
            self.scheduled = True
            return self.expires_at
        self.identity.registry.drop(self, now)
        return None


class Sessions:
    """The registry of the node (or centre) `name`, the second level of every topic. Everything here is called from one
    thread, with monotonic seconds as `now`. `nonce` is part of the client identifiers that it assigns, so that those of
    two runs differ. `schedule` has what is `unflushed` written in the loop's next turn."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        authenticate: Callable[[str, bytes], Grant | None],
        options: EndpointOptions,
        nonce: str,
        schedule: Callable[[], None],
    ) -> None:
        self.name, self.receiver, self.authenticate, self.options = name, receiver, authenticate, options
        self.certified: Callable[[str, bytes], Grant | str] = lambda _name, _certificate: "no certificate is known here"
        """What a client may be that has shown this certificate (DER), or a sentence why nothing. Whoever asks for
        certificates gives it."""
        self.wall_s: Callable[[], float] = lambda: 0.0
        """Unix seconds, for grants that end; given by the endpoint."""
        self.read_at: Callable[[], float] = lambda: 0.0
        """As in `Receiver.received`; given by the endpoint."""
        self.on_refused: Callable[[SessionConnection, str], None] = lambda _connection, _why: None
        """Learns of each refused identity, and why; whoever keeps a log gives it."""
        self.deadlines: Final = DeadlineQueue()
        self.shops: dict[str, dict[Session, None]] = {}
        """By shop, the sessions of other clients that act for it."""
        self.identities: dict[str, Identity] = {}
        self.absent: dict[Session, None] = {}  # in the order in which they left
        self.unauthenticated: dict[SessionConnection, None] = {}  # connections without a CONNECT yet, oldest first
        self.unflushed: dict[SessionConnection, None] = {}
        """Connections that have something to write, or are closing."""
        self.flush_comes = False
        """Whether a flush is on its way: in the loop's next turn, or before."""
        self.flush_follows = False
        """Whoever calls `wake` has the endpoint flush too, in the same turn of the loop: after the acknowledgements of
        the same commit. That saves the loop a turn for each (2 us, a system call of it)."""
        self.stopping = False
        self.count = 0
        self.takeovers = 0
        self.failed = FailedConnects()
        self.retain_ignored = 0
        """Publishes and wills with the retain flag: taken as if it were not set. Nothing is retained here."""
        self.wills_dropped = 0
        self.will_clients = Culprits()
        self.held_back = 0  # times that a connection had used up its budget
        self.held_clients = Culprits()
        self.replaced_clients = Culprits()
        self._nonce, self._schedule = nonce, schedule
        self._assigned = 0

    def assign_client_id(self) -> str:
        """An identifier for a client that brought none."""
        self._assigned += 1
        return f"auto-{self._nonce}-{self._assigned}"

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        """`seam.Link`: new durable answers by client, for every session of theirs, and of those who act for a shop."""
        several: dict[Session, None] = {}
        for name, answers in fresh.items():
            identity = self.identities.get(name)
            if identity is not None:
                for session in identity.sessions.values():
                    if session.connection is None:
                        continue
                    if session.outbound.shop and not (answers and answers[0][0].sequence == 0):
                        several[session] = None
                        continue
                    session.outbound.pull(session.connection, answers)
                    self.unflushed[session.connection] = None
            if name in self.shops:
                several.update(self.shops[name])
        for session in several:
            # Answers of two names arrive in one sequence only where all are asked for at once.
            if session.connection is not None:
                session.outbound.more = True
                session.outbound.pull(session.connection)
                self.unflushed[session.connection] = None
        if not self.flush_comes:
            self.flush_comes = True
            if not self.flush_follows:
                self._schedule()

    def flush_soon(self, connection: SessionConnection) -> None:
        """A connection has something to write, or is closing: it is flushed in the loop's next turn, if not before."""
        self.unflushed[connection] = None
        if not self.flush_comes:
            self.flush_comes = True
            self._schedule()

    def refuse(self, connection: SessionConnection, reason: str, now: float, why: str = "") -> None:
        """A connection does not come in, for one of REFUSALS: it is closed. `why`: in words, for its identity."""
        self.failed.refuse(connection.address, reason, now)
        if why:
            self.on_refused(connection, why)
        connection.closing = True

    def enter(
        self,
        connection: SessionConnection,
        name: str,
        client_id: str,
        *,
        shop: str,
        clean: bool,
        expiry_s: int,
        now: float,
    ) -> tuple[Session, bool]:
        """Make or resume a session for an authenticated connection, and whether it was present before. A connection
        that had it is closed. `shop` is the one that the client acts for; a session of another shop is not
        resumed."""
        shop = "" if shop == name else shop
        identity = self._identity(name, now)
        session = identity.sessions.get(client_id)
        before = session.connection if session else None
        if session and (
            clean
            or session.expiry_s == 0
            or (not before and session.expires_at <= now)
            or session.outbound.shop != shop
        ):
            self._remove(session, now)
            session = None
        present = session is not None
        if session is None:
            if len(identity.sessions) >= SESSIONS_PER_CLIENT_MAX:
                self._evict(identity, now)
            outbound = OutboundQueue(name, shop, f"ds/{self.name}/down/", self.receiver)
            session = identity.sessions[client_id] = Session(identity, client_id, outbound)
            if shop:
                self.shops.setdefault(shop, {})[session] = None
            self.count += 1
        self.absent.pop(session, None)
        if session.will is not None:
            session.will.cancel()
            session.will = None
        session.connection, session.expiry_s = connection, min(expiry_s, SESSION_EXPIRY_S_MAX)
        identity.connected += 1
        if identity.connected == 1:
            self.receiver.present(name, True)
        if before is not None:
            self.takeovers += 1
            self.replaced_clients.blame(name, now)
            before.end(DisconnectReasonCode.SESSION_TAKEN_OVER, now)
        if self.count > SESSIONS_MAX and self.absent:
            self.drop(next(iter(self.absent)), now)
        return session, present

    def visit(self, name: str, now: float) -> Identity:
        """The identity of an authenticated client, be it without a session: then it is forgotten soon."""
        identity = self._identity(name, now)
        if not (identity.sessions or identity.connected or identity.scheduled):
            identity.scheduled = True
            self.deadlines.add(now, identity)
        return identity

    def _identity(self, name: str, now: float) -> Identity:
        identity = self.identities.get(name)
        if identity is None:
            identity = self.identities[name] = Identity(name, self, now)
        return identity

    def leave(self, connection: SessionConnection, session: Session, now: float) -> None:
        """A connection that had entered is gone."""
        identity, will = session.identity, None if self.stopping else connection.will
        identity.connected -= 1
        kept = identity.sessions.get(session.client_id) is session
        if session.connection is connection:
            session.connection = None
            if session.expiry_s and kept:
                session.expires_at = now + session.expiry_s
                self.absent[session] = None
                if not session.scheduled:
                    session.scheduled = True
                    self.deadlines.add(session.expires_at, session)
            else:
                self._remove(session, now)
                kept = False
        if will is not None and kept and will.delay_s:
            if session.connection is None:  # else another connection has the session, and the client is back
                session.will = will
                will.wait(now + min(will.delay_s, session.expiry_s), self.deadlines, self.fulfil)
        elif will is not None:
            self.fulfil(will, now)
        if identity.connected == 0 and not self.stopping:
            self.receiver.present(identity.name, False)
        self._forget(identity, now)

    def fulfil(self, will: Will, now: float) -> None:
        """Publish a will, within the quota of its client."""
        client = will.publish.client
        if self.identities[client].take(1, now):
            self.receiver.received(self, [will.publish], self.read_at())
        else:
            self.receiver.shed(client, Reason.OVER_QUOTA, 1)

    def drop_will(self, client: str, now: float) -> None:
        """A client of 3.1.1 has a will that can be no event of its own, and no way to learn it."""
        self.wills_dropped += 1
        self.will_clients.blame(client, now)
        self.receiver.shed(client, Reason.FORBIDDEN_TOPIC, 1)

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """`seam.Source`: of wills, which nobody waits for."""

    def stop(self, now: float) -> None:
        """From now on nobody is reported as gone, and no will comes of it: it is we who go. Those that wait already are
        of clients who were gone before."""
        self.stopping = True
        for session in self.absent:
            if session.will is not None:
                session.will.expire(now)

    def drop(self, session: Session, now: float) -> None:
        """End a session that has no connection."""
        self._remove(session, now)
        self._forget(session.identity, now)

    def _remove(self, session: Session, now: float) -> None:
        if session.identity.sessions.get(session.client_id) is session:
            del session.identity.sessions[session.client_id]
            self.count -= 1
            if shop := session.outbound.shop:
                del self.shops[shop][session]
                if not self.shops[shop]:
                    del self.shops[shop]
        self.absent.pop(session, None)
        if session.will is not None:
            session.will.expire(now)

    def _evict(self, identity: Identity, now: float) -> None:
        """Make room among one identity's sessions by ending the one absent for longest, or else the one silent for
        longest: it may be the connection of a device that has got a new one."""
        absent = (session for session in identity.sessions.values() if session.connection is None)
        oldest = min(absent, key=lambda session: session.expires_at - session.expiry_s, default=None)
        if oldest is not None:
            self._remove(oldest, now)
            return
        silent = {session: session.connection for session in identity.sessions.values()}
        oldest, connection = min(silent.items(), key=lambda each: each[1].received_at if each[1] else 0.0)
        self._remove(oldest, now)
        if connection is not None:
            self.takeovers += 1
            self.replaced_clients.blame(identity.name, now)
            connection.end(DisconnectReasonCode.QUOTA_EXCEEDED, now)

    def _forget(self, identity: Identity, now: float) -> None:
        if not identity.sessions and not identity.connected and not identity.scheduled:
            following = identity.expire(now)
            if following is not None:
                self.deadlines.add(following, identity)
