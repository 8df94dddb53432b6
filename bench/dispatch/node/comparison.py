"""A day of the benchmark through a node process, and each decision of both side by side."""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from sys import executable
from typing import Any, Final

import msgspec
from msgspec import Struct

from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.times.messages import DropoffPromise

from ...demo.district.instance import Instance
from ...lab.site import UNLIMITED, Site
from ..policies.doorstep import NO_CHANGES
from .phones import Phones
from .stepped import Seam
from .tape import Messages, Round, record


class Decided(Struct, frozen=True):
    """What was decided about one order: who was asked for it, one after the other; the doors of the trip that it was
    given last, in their sequence; at which of them it is itself (from 1; 0 without a trip); and the promise."""

    riders: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    position: int = 0
    promise: DropoffPromise | None = None


class Comparison(Struct, frozen=True):
    """What the benchmark's dispatch decided, by order, and how many messages (receipts, assignments, updates, advice)
    it sent for that. `different`: the decisions of benchmark and node where they are not the same. `first`: the
    earliest message that is not the same, as a sentence; empty where there is none."""

    decided: dict[str, Decided]
    messages: int
    different: dict[str, tuple[Decided, Decided]]
    first: str

    @property
    def same(self) -> bool:
        """Every message was the same: then every decision was."""
        return not self.first

    def sentence(self) -> str:
        """For a person."""
        done = f"{len(self.decided)} orders, {self.messages} messages"
        if self.same:
            return f"{done}: the node process sends what the benchmark's dispatch does."
        return f"{done}: {len(self.different)} orders are decided otherwise by the node process. First, {self.first}."


def compare(instance: Instance, folder: Path, changes: Mapping[str, Any] = NO_CHANGES) -> Comparison:
    """Run the day in this process, with these changes of the node's options, then through a node in `folder`. Raises
    DoorstepError, IllegalDecision."""
    rounds, rules = record(instance, changes)
    ours: Messages = {}
    for each in rounds:
        for client, kind, body in each.messages():
            ours.setdefault(client, []).append((kind, body))
    return difference(ours, through_node(rounds, rules, folder))


def through_node(rounds: Sequence[Round], rules: DispatchOptions, folder: Path) -> Messages:
    """What a node process in `folder` sends that is given the same at the same times. Raises DoorstepError."""
    folder.mkdir(parents=True, exist_ok=True)
    seam = Seam(folder / "seam")
    seam.now = rounds[0].now
    clients = {client for each in rounds for client, _ in each.positions}
    clients |= {event.client for each in rounds for event in each.events}
    clients |= {client for each in rounds for client, _, _ in each.messages()}
    with Site(folder) as site:
        options = {**UNLIMITED, "anonymous": True, "dispatch": msgspec.to_builtins(rules)}
        site.configure({}, options, centre=False)
        site.node.command = [executable, "-m", "bench.dispatch.node.stepped", f"{folder}/edge.toml", f"{folder}/seam"]
        site.node.ready = site.port
        site.start()
        phones = Phones(site, seam, sorted(clients))
        for each in rounds:
            for client, body in each.positions:
                phones.send(client, body, qos=0)
            for event in each.events:
                phones.send(event.client, event.body)
            phones.round(each.now, len(each.messages()))
        phones.close()
    return phones.received


def difference(ours: Messages, theirs: Messages) -> Comparison:
    """What the benchmark's dispatch sent against what the node sent."""
    one, other = decisions(ours), decisions(theirs)
    different = {
        name: (one.get(name, NOTHING), other.get(name, NOTHING))
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    }
    return Comparison(one, sum(map(len, ours.values())), different, _first(ours, theirs))


NOTHING: Final = Decided()


def decisions(messages: Messages) -> dict[str, Decided]:
    """What was decided about each order that was placed."""
    promises: dict[str, DropoffPromise | None] = {}
    assignments: dict[str, list[tuple[str, Assignment]]] = {}
    for client, received in messages.items():
        for kind, body in received:
            if kind == "receipt" and body.of == "order.place":
                promises[body.order] = body.promise
            elif kind == "assignment" and body.stops:
                assignments.setdefault(body.order, []).append((client, body))
    in_time: Callable[[tuple[str, Assignment]], tuple[int, int]] = lambda one: (one[1].at, one[1].offer)
    return {
        name: _decided(name, sorted(assignments.get(name, ()), key=in_time), promise)
        for name, promise in promises.items()
    }


def _decided(order: str, assignments: Sequence[tuple[str, Assignment]], promise: DropoffPromise | None) -> Decided:
    if not assignments:
        return Decided(promise=promise)
    asked = tuple(rider for rider, body in assignments if body.state == "offered")
    doors = tuple(stop.order for stop in assignments[-1][1].stops if stop.at == "dropoff")
    return Decided(asked, doors, doors.index(order) + 1 if order in doors else 0, promise)


def _first(ours: Messages, theirs: Messages) -> str:
    """The earliest place at which a client got something else."""
    found: list[tuple[int, str]] = []
    for client in sorted({*ours, *theirs}):
        for one, other in zip_longest(ours.get(client, ()), theirs.get(client, ())):
            if one != other:
                at = min(each[1].at for each in (one, other) if each is not None)
                found.append((at, f"{client} was to get {_shown(one)} and got {_shown(other)}"))
                break
    return min(found)[1] if found else ""


def _shown(message: tuple[str, Any] | None) -> str:
    return "nothing" if message is None else repr(message[1])
