"""What must be true once everything is calm: people, node and centre agree on what happened, to the last event."""

from typing import TYPE_CHECKING

from edge.core.node import Node
from tests.sim.checks.broken import Broken, need

if TYPE_CHECKING:
    from tests.sim.world import World


def check_end(world: "World") -> None:
    """People, node and centre agree. Raises Broken."""
    node, store, ledger = world.process.pipeline.node, world.centre.store, world.checks.ledger
    for key in world.checks.believed:
        need(key in ledger.decided, "I1", lambda k=key: f"{k} was accepted, and is not in the journal")
    need(node.counts.received == ledger.received, "I3", lambda: f"{node.counts} and {ledger.received} in the journal")
    need(node.counts.duplicate == ledger.repeats, "I3", lambda: f"{node.counts}, {ledger.repeats} repeats")
    need(node.counts.refused == ledger.refused, "I3", lambda: f"{node.counts}, refused {ledger.refused}")
    _centre(world, node)
    shed = sum(node.counts.shed.values())
    need(shed <= world.checks.shed, "I3", lambda: f"{world.checks.shed} shed, {shed} counted")
    least = 0 if world.was_restored else world.checks.shed - world.drops_lost_max
    need(shed >= least, "I3", lambda: f"{world.checks.shed} shed, {shed} counted, at least {least} must be")
    if not (world.was_restored or world.centre_was_restored):
        counted = sum(n for name, n in store.counters.items() if name.startswith("shed."))
        need(counted == shed, "I3", lambda: f"{shed} shed, the centre counts {counted}")


def _centre(world: "World", node: Node) -> None:
    store, ledger, outbox = world.centre.store, world.checks.ledger, node.outbox
    most = ledger.received + world.rows_lost_events
    need(store.events <= most, "I1", lambda: f"the centre counts {store.events} of {most} events")
    if not (world.was_restored and world.centre_was_restored):
        accounted = store.events + store.lost + outbox.events_discarded
        need(accounted >= ledger.received, "I1", lambda: f"{accounted} of {ledger.received} events are accounted for")
    if world.was_restored:
        return
    need(not outbox.events_discarded, "I1", lambda: f"{outbox.events_discarded} events discarded without a restore")
    need(
        store.events + store.lost == ledger.received,
        "I1",
        lambda: f"{store.events} + {store.lost} lost of {ledger.received}",
    )
    if world.centre_was_restored:
        return
    corrupt = "uplink_corrupt" in world.plan.faults
    jumped = "wall_jump" in world.plan.faults
    odd = [alarm for alarm in store.alarms if not (jumped and alarm.kind == "clock_ahead")]
    need(corrupt or not odd, "I8", lambda: f"alarms without a cause: {odd}")
    totals: dict[str, int] = {}
    for name, count in store.counters.items():
        totals[name.split(".")[0]] = totals.get(name.split(".")[0], 0) + count
    refused = sum(ledger.refused.values())
    need(totals.get("refused", 0) == refused, "I3", lambda: f"{refused} refused, the centre has {totals}")
    need(
        totals.get("duplicate", 0) == ledger.repeats,
        "I3",
        lambda: f"{ledger.repeats} repeats, the centre has {totals}",
    )
    gathering: dict[str, int] = {}
    for item in node.windows._gatherings.values():
        gathering[item.name] = gathering.get(item.name, 0) + item.count
    for name, count in store.counters.items():
        if name.startswith("located."):
            what = name.removeprefix("located.")
            held = store.counters.get(f"withheld.{what}", 0) + gathering.get(what, 0)
            if store.cells.get(what, 0) + held != count:
                raise Broken("I3", f"{count} {name}, {store.cells} and {held} held")
