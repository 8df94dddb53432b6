"""The contract of a scenario: one kind of decision as a plug-in of the node. Pure. This file is the manual for authors.

A scenario declares its messages, options and counters, and decides in rounds. The node does the rest: it decodes and
checks messages, recognises repeats, writes one row for each round, sends receipts and answers, seals windows, replays.

    observe   messages that are in memory only, such as positions, and answers to them; never part of a row
    round     events and due timers become state, outcomes, answers and counts
    sensor    the only way for a round to see what `observe` has seen; the row keeps what the sensor answered

A round is a function of the durable state, its arguments, and what the sensor answers. So a recorded round replays to
the byte, and a restarted node continues as if nothing had happened. No clock, file, socket, random source or
environment: `now` is an argument. No iteration over sets, no `hash()`; whole numbers for money, metres, milliseconds.

`doorstep scenario new NAME` writes one to start from; `doorstep scenario check NAME` runs the harness on it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from msgspec import Struct

from ..errors import Reason
from ..messages.envelope import Receipt
from ..messages.grants import Grant
from ..messages.roles import Role
from .effects import Effects
from .model import Event, Now, Row

Zone = Literal["instant", "habit", "decision", "bond"]
"""How soon an answer is of use: within 30 minutes; over 7 days; over 3 months; over a year."""

Value = float | int | str | None
"""A figure of the status report."""


class Refusal(Struct, frozen=True):
    """Why an event is not accepted: for the receipt, where `field` and `detail` help its sender."""

    reason: Reason
    field: str = ""
    detail: str = ""


class Outcome(Struct, frozen=True):
    """What became of one event: accepted, or refused. `receipt` has the scenario's own fields of the receipt."""

    refusal: Refusal | None = None
    receipt: Mapping[str, Any] = {}


class Message(Struct, frozen=True):
    """One kind of message. Up: `body` is a frozen struct derived from `messages.envelope.Up` (durable), or one with a
    `kind` tag (in memory only, QoS 0, no receipt); `roles` may send it. Down: `roles` receive it."""

    kind: str
    body: type[Struct]
    direction: Literal["up", "down"] = "up"
    roles: tuple[Role, ...] = ()
    durable: bool = True
    """Down: false for what `Scenario.observe` answers, once, at QoS 0."""
    personal: tuple[str, ...] = ()
    """Fields with information about a person."""
    answered_by: str = ""
    """Up, where it is not durable: the kind that `Scenario.observe` answers it with."""
    in_memory: tuple[str, ...] = ()
    """Fields of a durable message that reach `observe` only: in the row they have their defaults."""
    spare: bool = False
    """Down: where too many answers wait, messages of this kind go first."""
    about: str = ""
    """Down: the field with what a message is about, such as an order, by which it can be cancelled while it waits.
    Where many of a spare kind wait for a client, the newest about each thing stays."""
    names_shop: str = ""
    """A field with the name of a shop: one that exists, and, of a client that sends as a shop, its own."""
    acts_for: str = ""
    """Up, in memory only: an optional field with the name of a shop, for which the client must act. A dispatcher acts
    for every one, or for a single one, which stands there in any case where nobody else sends the kind."""
    given: tuple[tuple[str, ...], ...] = ()
    """Up: of these sets of optional fields a message has at least one. `prepare` refuses a message without; this is for
    the schemas of `doorstep scenario protocol`."""
    prepare: Callable[[Any], Struct | Refusal] | None = None
    """Called once with the decoded message: gives it one form, or refuses what no field's bound excludes. Pure."""
    prepares: str = ""
    """The optional field that `prepare` is about: without it the message needs none."""
    convert: Callable[[Any, str, str], Struct] | None = None
    """Up, with an optional field `crs`: called where that names another coordinate system than the node's, with the
    message and both. Pure."""


class Collection(Struct, frozen=True):
    """What clients can look up over HTTP: all of it that they may see at `/v1/<name>`, one at `/v1/<name>/<id>`. `body`
    is what they see of one, `over` what is left of one that has ended, where it can be asked for; `roles` may look."""

    name: str
    body: type[Struct]
    roles: tuple[Role, ...] = ()
    over: type[Struct] | None = None


class Item(Struct, frozen=True):
    """One thing of a collection, as one client may see it. `version` is another one whenever the client sees another
    `body`, but for times that differ because a clock was set."""

    id: str
    version: str
    body: Struct


class Counter(Struct, frozen=True):
    """What a scenario counts (`count`), measures (`measure`) or counts by place (`locate`). A place leaves the node
    only as an H3 cell, and only where at least `k_anonymity` people contributed. `of` names what one unit is."""

    name: str
    form: Literal["count", "measure", "locate"] = "count"
    of: str = ""


class Moment(Struct, frozen=True):
    """Something that happened, for `doorstep explain`: an event with what became of it, a message, a decision. `at` is
    wall ms."""

    row: int
    at: int
    what: str
    who: str
    text: str


class Dot(Struct, frozen=True, omit_defaults=True):
    """One thing on the map of the status page. Degrees in the node's coordinate system; `age_s` is how old the place
    or, for an order, the order is. `late_s`: by how much it will come later than promised, or has waited for somebody
    to take it; the page lists what is late. `note` is what happens to it now, for a person."""

    id: str
    lat: float
    lon: float
    state: str
    age_s: float | None = None
    late_s: float | None = None
    note: str = ""


Part = Literal["state", "record"]
"""What has clients' names in it beside messages: a snapshot, and a row's record of a round."""


class Renaming(Protocol):
    """Another name for one client."""

    def packed(self, body: bytes, form: Any) -> bytes:
        """MessagePack of the type `form`, with the other name wherever that is marked with `envelope.Client` or another
        of its marks; nothing else is touched, whatever the name is."""
        ...


class Sensor(Protocol):
    """Answers a round's questions about what is in memory only. A scenario has its own methods beside this one."""

    def record(self) -> bytes:
        """Everything that it answered, and what was decided on it: for the row."""
        ...


class NoSensor:
    """The sensor of a scenario that observes nothing."""

    def record(self) -> bytes:
        """Nothing."""
        return b""


class NoOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The section of a scenario that has no options."""


class Scenario:
    """One kind of decision. A subclass sets the class variables and writes `round`, `snapshot` and `restore`."""

    name: ClassVar[str]
    """Its section in edge.toml, its label in windows and status."""
    zone: ClassVar[Zone] = "instant"
    messages: ClassVar[tuple[Message, ...]]
    counters: ClassVar[tuple[Counter, ...]] = ()
    collections: ClassVar[tuple[Collection, ...]] = ()
    options: ClassVar[type[Any]] = NoOptions
    """Its section of the configuration: a frozen struct with defaults, bounds, and forbid_unknown_fields."""
    restart_options: ClassVar[tuple[str, ...]] = ()
    """Options that a reload does not apply."""
    file_options: ClassVar[Mapping[str, Callable[[bytes], str]]] = {}
    """Options that name a file: what takes its content, raises ValueError where it is of no use, and returns the
    checksum that `configure` gets in place of the path."""
    receipt: ClassVar[type[Receipt]] = Receipt
    """The receipt of its events."""

    def configure(self, options: Any) -> None:
        """New options apply from the next round on."""

    # -- in memory only ------------------------------------------------------------------------------------------------

    def observe(self, client: str, message: Any, now: Now) -> Struct | None:
        """A message that is not durable, a durable one before its round (with the fields that are in memory only), or
        a `model.Presence`: the client's first connection opened, or its last one closed. To a message that is not
        durable it may return an answer, which is sent once, at QoS 0, and is in no row either."""

    def live_sensor(self) -> Sensor:
        """What a live round sees."""
        return NoSensor()

    def recorded_sensor(self, record: bytes, decided: bool) -> Sensor:
        """What a recorded round saw. `decided`: the recorded decisions stand, too, because they were promised; else the
        round decides again, so that a replay can compare. Raises msgspec.DecodeError for bytes of another version."""
        return NoSensor()

    def sender(self, topic: str) -> str:
        """Whose doing a message down about `topic` is (`Message.about`); empty where that is not known. Where too many
        spare ones wait for a client, first go those of whoever caused most."""
        return ""

    def holds(self, client: str) -> str:
        """Why the state cannot do without a client now, such as an open order, in words; empty where it can. A client
        that is forgotten has another name from then on, and never sends anything again."""
        return ""

    def renamed(self, body: bytes, part: Part, names: Renaming) -> bytes:
        """What `snapshot` or a sensor's `record` gave, with another name for a client: `names.packed(body, form)` with
        the type of each. Without it, a client whose name is in either cannot be forgotten."""
        return body

    # -- a round -------------------------------------------------------------------------------------------------------

    def round(self, events: Sequence[Event], now: Now, sensor: Any, out: Effects) -> Sequence[Outcome]:
        """Deadlines that are due, then the events in their order; one outcome for each event. Called when there are
        events, or when `next_deadline` has come; a refused event changes nothing but timers, and counts of tries."""
        raise TypeError(f"{type(self).__name__} has no such method: a scenario needs round, snapshot and restore")

    def next_deadline(self) -> float | None:
        """When `round` wants to be called even without events: monotonic seconds; 0.0 at once; None never."""
        return None

    # -- snapshots -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """All durable state; nothing of what is in memory only."""
        raise TypeError(f"{type(self).__name__} has no such method: a scenario needs round, snapshot and restore")

    def restore(self, body: bytes) -> None:
        """Continue from a snapshot. Raises JournalError where another version wrote it."""
        raise TypeError(f"{type(self).__name__} has no such method: a scenario needs round, snapshot and restore")

    # -- for clients that ask ------------------------------------------------------------------------------------------

    def items(self, collection: str, client: str, grant: Grant, now: Now, only: str = "") -> Sequence[Item]:
        """What a client may see of one of `collections`, of the durable state alone: it is shown when that is on disk.
        `only` is the id of the one that is asked for. Nothing of what is in memory only; a few hundred at most."""
        return []

    # -- for people ----------------------------------------------------------------------------------------------------

    def gauges(self) -> Mapping[str, Mapping[str, Value]]:
        """Figures for status and metrics, by section. Cheap: read every second."""
        return {}

    def queues(self) -> Mapping[str, tuple[int, int]]:
        """What waits, and its bound, by name."""
        return {}

    def problems(self, now: Now) -> Mapping[str, str]:
        """What an operator should know of, as full sentences by name; read at each report."""
        return {}

    def view(self, now: Now) -> Mapping[str, list[Dot]]:
        """Layers of the map of the status page. It stays on the node."""
        return {}

    def explain(self, row: Row, key: str, when: Callable[[int], str]) -> Sequence[Any]:
        """What a row has about `key` (an order, a label, ...): `Moment`s, or structs of its own that have `row`, `at`
        and `what`. `when` writes a time (wall ms) for people."""
        return []

    def explain_to(self, row: Row, client: str, when: Callable[[int], str]) -> Sequence[Any]:
        """What a row has of decisions about `client`, for that client to read: `Moment`s, or structs of its own that
        have `row`, `at`, `what` and `text`. Nothing of anybody else: no name, no place, no door."""
        return []

    def subjects(self, row: Row) -> Sequence[str]:
        """What `explain` can be asked about, as far as it first occurs in this row; for suggestions."""
        return []

    # -- for the harness, the documents and the fuzzers ----------------------------------------------------------------

    @classmethod
    def examples(cls, seed: int) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        """Valid messages as (client, kind, fields), in a sequence that makes sense; every kind occurs. The same seed
        gives the same messages."""
        return []
