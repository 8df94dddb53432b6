"""The nouns of the node: what goes into the core, what comes out, and the row that keeps both.

Structs that reach the journal are arrays on disk (`array_like`), with a one-letter tag where a union needs one.
New fields go to the end and have a default: that is how an older row stays readable.
"""

from typing import Protocol

import msgspec
from msgspec import Struct

from ..errors import Reason
from ..messages.envelope import Durable


class Now(Struct, frozen=True, array_like=True):
    """Two clocks, never mixed: `mono` (seconds, never backwards, survives restarts) drives timers; `wall_ms` labels."""

    mono: float
    wall_ms: int


# -- inputs of the core ------------------------------------------------------------------------------------------------


class Event(Struct, frozen=True, array_like=True, tag="e"):
    """A durable event of an authenticated client, validated. `json` is the encoding that its answers get."""

    client: str
    body: Durable
    json: bool = False


class Rejected(Struct, frozen=True, array_like=True, tag="r"):
    """A message that is no event. `id` is empty where none could be read: then nobody can be answered."""

    client: str
    kind: str
    reason: Reason
    field: str = ""
    detail: str = ""
    id: str = ""
    json: bool = False


class PositionReport(Struct, frozen=True):
    """Where a client was, oldest first: (lat, lon) in the node's coordinate system, and when, by the publisher's
    stamp. In memory only: it has no place in a row."""

    client: str
    points: list[tuple[int, float, float]]


class Presence(Struct, frozen=True):
    """A client's first session came, or its last one went (keepalive, will, close)."""

    client: str
    present: bool


class Delivered(Struct, frozen=True, array_like=True, tag="d"):
    """Answers, by sequence, that their client has acknowledged."""

    sequences: list[int]


class Shed(Struct, frozen=True, array_like=True, tag="s"):
    """Messages that a link dropped before decoding, counted."""

    reason: Reason
    count: int


class SyncWelcomed(Struct, frozen=True, array_like=True, tag="w"):
    """The centre's greeting: the epoch to number in, and the highest contiguous batch that it holds of it. Where the
    epoch is new: how far it holds the node's old one, and before when (Unix ms) windows must not be sent again. `chain`
    stands for everything that the centre holds of this node (empty: an older centre)."""

    epoch: int
    through: int
    old_through: int = 0
    discard_before: int = 0
    history: bytes = b""


class SyncAcked(Struct, frozen=True, array_like=True, tag="a"):
    """The centre holds every batch of `epoch` up to `through`."""

    epoch: int
    through: int


class DispatchRules(Struct, frozen=True, kw_only=True):
    """How orders are dispatched. Seconds, metres per second, factors."""

    speed_mps: float = 5.5
    detour_factor: float = 1.3
    pickup_service_s: int = 240
    dropoff_service_s: int = 240
    reply_s: int = 60
    silent_s: int = 300
    give_up_s: int = 3600
    soon_free_s: int = 900
    position_age_s_max: int = 600
    radius_m_max: int = 20_000


class Rules(Struct, frozen=True, kw_only=True):
    """Everything the core needs of the configuration. Comes in as an input, so that a replay has it too."""

    node: str
    crs: str = "wgs84"
    k_anonymity: int = 5
    cell_resolution: int = 8
    retention_s: int = 7 * 24 * 3600
    dispatch: DispatchRules = DispatchRules()


class DuplicateAnswer(Struct, frozen=True, array_like=True, tag="l"):
    """The receipt that the journal holds for a repeat: it goes out again, byte for byte."""

    client: str
    payload: bytes


class Configure(Struct, frozen=True, array_like=True, tag="c"):
    """New rules: the first input of every journal, and of every reload that changes them."""

    rules: Rules


Recorded = Event | Rejected | Delivered | Shed | SyncWelcomed | SyncAcked | DuplicateAnswer | Configure
Input = Recorded | PositionReport | Presence


# -- what a decision saw and chose -------------------------------------------------------------------------------------


class RiderDistance(Struct, frozen=True, array_like=True):
    """What a decision may know of a rider's position: whole seconds of travel to the pickup, whole seconds of age."""

    rider: str
    travel_s: int
    age_s: int


class NearestObservation(Struct, frozen=True, array_like=True, tag="g"):
    """The nearest available riders to one order's pickup, nearest first."""

    order: str
    riders: list[RiderDistance]


class SilentRiders(Struct, frozen=True, array_like=True, tag="q"):
    """Riders on shift of whom nothing was heard for too long."""

    riders: list[str]


Observation = NearestObservation | SilentRiders


class Candidate(Struct, frozen=True, array_like=True):
    """A rider considered for an order: when it could pick up and drop off (wall ms), and the parts of its cost (s)."""

    rider: str
    travel_s: int
    age_s: int
    free_in_s: int
    pickup_at: int
    dropoff_at: int
    cost: dict[str, int]


class Decision(Struct, frozen=True, array_like=True):
    """One order's choice in one round. `rider` is empty where nobody was chosen; `offer` says whether it goes out now
    or is a plan that a later round may better. `rule` is the version of the policy; `why` is one sentence."""

    order: str
    rider: str
    offer: bool
    rule: str
    why: str
    candidates: list[Candidate]


# -- effects of the core -----------------------------------------------------------------------------------------------


class Answer(Struct, frozen=True, array_like=True, tag="A"):
    """A message to a client. Sequences grow by one; an answer stays pending until its client acknowledges it, or
    until `expires` (seconds, the core's monotonic clock)."""

    sequence: int
    client: str
    kind: str
    payload: bytes
    expires: float


class Acknowledge(Struct, frozen=True, array_like=True, tag="K"):
    """What became of each durable input of the batch, in order: empty where accepted or repeated, else the reason."""

    reasons: list[str]


class DuplicateLookup(Struct, frozen=True, array_like=True, tag="R"):
    """A repeat: the pipeline reads the receipt for `id` of `client` from row `row`; it returns as `DuplicateAnswer`."""

    client: str
    id: str
    row: int


class Batch(Struct, frozen=True, array_like=True, tag="B"):
    """Sealed windows, numbered for ever: the centre takes `seq` only after `seq - 1` of the same epoch, and only where
    `previous` is the hash of that one. `sha256` covers `body` (uncompressed MessagePack)."""

    node: str
    epoch: int
    seq: int
    sha256: bytes
    previous: bytes
    body: bytes


Recordable = Answer | Acknowledge | DuplicateLookup | Batch


class Row(Struct, frozen=True, array_like=True):
    """One call of the core, whole: what went in, what it saw and chose, what came out. The unit of the journal.
    Numbers grow by one from 1 and are the journal's keys."""

    number: int
    now: Now
    inputs: list[Recorded]
    seen: list[Observation]
    decisions: list[Decision]
    effects: list[Recordable]


class Commit(Struct, frozen=True):
    """Write this row; every effect after it waits until the row is on disk. Always the first effect, where any is."""

    number: int
    row: bytes


Effect = Commit | Recordable

encode_row = msgspec.msgpack.Encoder().encode
decode_row = msgspec.msgpack.Decoder(Row).decode


# -- the seam between links and the node -------------------------------------------------------------------------------


class Publish(Struct, frozen=True):
    """One publish of an authenticated client, as a link hands it over. `token` is the link's own: it comes back with
    the acknowledgement (0 for QoS 0, which gets none)."""

    client: str
    kind: str
    payload: bytes
    qos: int
    token: int


class Source(Protocol):
    """Where publishes came from, and where their acknowledgements go: one connection, or the broker link."""

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """Everything about these publishes is on disk and sent. An empty reason is success."""
        ...


class Receiver(Protocol):
    """The node's side of a link. All calls come from the event loop's thread."""

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        """All publishes of one read, in order. `read_at` is `time.perf_counter()` when the bytes were read."""
        ...

    def shed(self, client: str, reason: Reason, count: int) -> None:
        """Messages that the link dropped, by reason."""
        ...

    def delivered(self, client: str, sequences: list[int]) -> None:
        """Answers that the client has acknowledged."""
        ...

    def present(self, client: str, present: bool) -> None:
        """The client's first session came, or its last one went."""
        ...

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        """Durable, unacknowledged, unexpired answers of `client` with a sequence above `after`, oldest first, each with
        the seconds of real time until it expires. At most `limit`."""
        ...
