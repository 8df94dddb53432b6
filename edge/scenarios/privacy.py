"""What is kept of whom, where and for how long, and what leaves the node: read from the schemas of the messages, so
that it holds for every scenario that is switched on. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec
from msgspec import Struct

from ..core.scenario import Message, Scenario
from ..messages.envelope import free_texts
from .protocol.schema import field_docs

Place = Literal["journal", "memory", "nowhere"]


class KeptField(Struct, frozen=True):
    """One field of one kind of message. `personal`: it has information about a person (as have the sender's name and
    the event's id, which are in every row). `kept` is where: in the journal for `days`; in memory until the next one
    comes or the node stops (what a person wrote: until it has gone to whom it is for); or nowhere, once the message is
    sent. No field of a message leaves the node but to the
    clients that the kind is for."""

    scenario: str
    kind: str
    direction: str
    field: str
    meaning: str
    personal: bool
    kept: Place
    days: float | None
    readers: tuple[str, ...]
    """Roles that the message comes from, or goes to."""


class LeavingFigure(Struct, frozen=True):
    """One thing that goes to the centre: numbers by minute, without a name. With `people_min` it goes by place (an H3
    cell), and only where at least so many different people contributed."""

    scenario: str
    name: str
    form: str
    people_min: int | None


class Sent(Struct, frozen=True):
    """One kind of message that goes to the centre beside the figures."""

    kind: str
    meaning: str


SENT: Final = (
    Sent("sync.report", "how the node is: its version, clock, how far it has got, names of its problems"),
    Sent(
        "sync.statement",
        "the figures of a day once more, as sums and hashes, signed with the node's key; with shop_scores also counts "
        "of orders by the shop's name, of shops that at least k_anonymity people ordered from",
    ),
    Sent("sync.ledger", "how a shop's own books differ, once they were compared: counts, by the shop's name and day"),
    Sent("settings.state", "which version of the centre's settings counts, and what became of the last settings.offer"),
)
"""All that can go there beside the figures. None has a customer, a rider, or an order."""

What = Literal["name", "number", "door", "shop", "position", "zone", "words"]
"""Of clients; of orders, events, articles and labels; of a customer; of a shop; of a rider, and where it works; of a
person."""


class Stay(Struct, frozen=True):
    """What may be in one place beside a field's own, until when, and why. Whatever else is found there is a fault: the
    canary test plants marked data in every field of every message, and looks."""

    where: str
    what: tuple[What, ...]
    until: str
    why: str


STAYS: Final = (
    Stay(
        "journal", ("name", "number", "door", "shop", "zone"), "retention_days", "to answer again, explain and replay"
    ),
    Stay(
        "snapshot",
        ("name", "number", "shop", "zone"),
        "newer ones take their place: the last 2,000 orders that are over, shops lately, riders on shift",
        "to refuse late events for the right reason, to plan for shops",
    ),
    Stay(
        "backup",
        ("name", "number", "door", "shop", "zone"),
        "the operator deletes it (--keep)",
        "another box goes on from it",
    ),
    Stay("credentials", ("name",), "doorstep credential remove, or forget", "to know who may connect"),
    Stay(
        "ledger", ("name",), "the newest 512 days of shops, or forget", "the centre gets how a shop's own books differ"
    ),
    Stay("settings", ("name",), "the centre pushes others", "options of a settings.offer, such as names of shops"),
    Stay("log", ("name", "number"), "as long as the operator keeps it", "to find who is refused, or sends too much"),
    Stay(
        "status page",
        ("name", "number", "door", "shop", "position"),
        "in memory; for who has the token, from this machine",
        "to see which orders wait or are late, and where",
    ),
    Stay(
        "webhooks",
        ("name", "number"),
        "as long as the app keeps it",
        "the app informs its users; doors go there, too, with assignment in webhook_kinds",
    ),
    Stay(
        "export", ("name", "number", "door", "shop", "zone"), "as long as the person keeps it", "it is the person's own"
    ),
    Stay(
        "centre",
        ("name",),
        "3 years (days_kept_days there)",
        "it has how a shop's own books differ and, with shop_scores, how its orders went, by shop and day",
    ),
)
"""The only places beside the clients that a message is for. Of names the centre gets those of shops alone; the metrics
name nobody."""


def kept_fields(
    scenarios: Iterable[type[Scenario]], retention_days: float, keep_free_text: bool = False
) -> list[KeptField]:
    """Every field of every message, in the order of the scenarios' catalogues."""
    return [
        field
        for scenario in scenarios
        for message in scenario.messages
        for field in _fields(scenario.name, message, retention_days, keep_free_text)
    ]


def _fields(scenario: str, message: Message, retention_days: float, keep_free_text: bool) -> Iterator[KeptField]:
    meanings = field_docs(message.body)
    memory = (*message.in_memory, *(() if keep_free_text or message.direction == "down" else free_texts(message.body)))
    for field in msgspec.structs.fields(message.body):
        kept: Place = "journal" if message.durable and field.name not in memory else "memory"
        if kept == "memory" and message.direction == "down":
            kept = "nowhere"
        yield KeptField(
            scenario,
            message.kind,
            message.direction,
            field.encode_name,
            meanings.get(field.name, "").partition("\n\n")[0].replace("\n", " "),
            field.name in message.personal,
            kept,
            retention_days if kept == "journal" else None,
            message.roles,
        )


def leaving_figures(scenarios: Iterable[type[Scenario]], k_anonymity: int) -> list[LeavingFigure]:
    """Every figure that the centre gets; beside them go `SENT`."""
    return [
        LeavingFigure(scenario.name, counter.name, counter.form, k_anonymity if counter.form == "locate" else None)
        for scenario in scenarios
        for counter in scenario.counters
    ]
