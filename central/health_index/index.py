"""The score of a scenario at a node and over all nodes, and what to do: keep it, mend it, or retire it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from edge.messages.batches import combine

from .options import HealthOptions
from .parts import PARTS, Counted, Name, Part, parts_of, parts_of_shop

KNOWN_MIN: Final = 0.5
"""The share of the weights that must have a score of their own, before all have one together."""

Advice = Literal["", "keep", "mend", "retire"]


class Health(Struct, frozen=True, kw_only=True):
    """A scenario at a node, or at a shop of it; over all nodes together where `node` is empty. Without enough data
    there is no score, and no advice. What is to be mended is `mend`, at the node `where`. `sentence` has all that in
    words. `events` of a shop are the orders that it was asked for."""

    scenario: str
    node: str
    shop: str = ""
    score: int | None = None
    advice: Advice = ""
    mend: Name | Literal[""] = ""
    where: str = ""
    sentence: str = ""
    events: int = 0
    parts: list[Part] = []


def index(found: Mapping[str, Mapping[str, Counted]], options: HealthOptions) -> list[Health]:
    """Of each scenario: over all of its nodes, and at each; the worst first, those without a score last. `found` is by
    scenario and node."""
    made: list[Health] = []
    for scenario, nodes in found.items():
        own = [_health(scenario, node, counted, options) for node, counted in nodes.items()]
        whole = _health(scenario, "", together(list(nodes.values())), options)
        if whole.advice == "mend":
            where = _worst(own, whole.mend)
            whole = replace(whole, where=where, sentence=_sentence(replace(whole, where=where), options.events_min))
        made += [whole, *own]
    return _worst_first(made)


def shop_index(found: Mapping[tuple[str, str, str], Counted], options: HealthOptions) -> list[Health]:
    """Of each shop, likewise. `found` is by scenario, node and shop."""
    least, little = options.shop_orders_min, options.retire_shop_orders_per_day
    made: list[Health] = []
    for (scenario, node, shop), counted in found.items():
        parts = parts_of_shop(scenario, counted, options)
        one = Health(scenario=scenario, node=node, shop=shop, events=counted.events, parts=parts)
        made.append(_scored(one, options, least, little))
    return _worst_first(made)


def _worst_first(made: list[Health]) -> list[Health]:
    return sorted(made, key=lambda each: (each.score is None, each.score or 0, each.scenario, each.node, each.shop))


def together(counted: Sequence[Counted]) -> Counted:
    """Several nodes as one."""
    counters: dict[str, int] = {}
    for each in counted:
        for name, count in each.counters.items():
            counters[name] = counters.get(name, 0) + count
    digests = [each.answers[1] for each in counted if each.answers[0]]
    return Counted(
        days=max(each.days for each in counted),
        events=sum(each.events for each in counted),
        before=sum(each.before for each in counted),
        counters=counters,
        answers=(sum(each.answers[0] for each in counted), combine(digests) if digests else b""),
        lost=sum(each.lost for each in counted),
        behind_s=tuple(behind_s for each in counted for behind_s in each.behind_s),
    )


def _health(scenario: str, node: str, counted: Counted, options: HealthOptions) -> Health:
    parts = parts_of(scenario, counted, options)
    made = Health(scenario=scenario, node=node, events=counted.events, parts=parts)
    return _scored(made, options, options.events_min, options.retire_events_per_day)


def _scored(made: Health, options: HealthOptions, least: int, little: int) -> Health:
    """With score and advice. `least` events are needed for a score; fewer than `little` a day are little use."""
    parts = made.parts
    known = [part for part in parts if part.score is not None and part.weight]
    weight = sum(part.weight for part in known)
    possible = sum(part.weight for part in parts if part.missing != "no_such")
    score = None
    if made.events >= least and weight and weight >= KNOWN_MIN * possible:
        score = round(sum(part.weight * (part.score or 0) for part in known) / weight)
    made = replace(made, score=score)
    by_name = {part.name: part for part in parts}
    use, trend = by_name["use"].value, by_name["trend"].value
    if use is not None and trend is not None and use < little and trend < options.retire_trend:
        made = replace(made, advice="retire")
    elif score is not None:
        worst = max(known, key=lambda part: (part.weight * (100 - (part.score or 0)), -PARTS.index(part.name)))
        wrong = score < options.mend_below or any(
            (part.score or 0) < options.mend_below for part in known if _counts(part)
        )
        made = replace(made, advice="mend", mend=worst.name, where=made.node) if wrong else replace(made, advice="keep")
    return replace(made, sentence=_sentence(made, least))


def _counts(part: Part) -> bool:
    """Use and trend alone are no reason to mend."""
    return part.name not in ("use", "trend")


def _worst(own: Sequence[Health], name: str) -> str:
    """The node where a part is worst; the one with most events of those."""
    scored = [
        (part.score, -each.events, each.node)
        for each in own
        for part in each.parts
        if part.name == name and part.score is not None
    ]
    return min(scored, default=(0.0, 0, ""))[2]


def _sentence(health: Health, least: int) -> str:
    """English; the console has its own words."""
    left_out = [part.name for part in health.parts if part.missing == "no_such" and not health.shop]
    few = [part.name for part in health.parts if part.missing == "too_few" and part.weight]
    more = f" Not part of this scenario: {', '.join(left_out)}." if left_out else ""
    more += f" Too little data: {', '.join(few)}." if few else ""
    if health.advice == "retire":
        return f"Retire it: it is little used, and less than before.{more}"
    if health.score is None:
        return f"No score yet: {health.events} of {least} {'orders' if health.shop else 'events'}.{more}"
    if health.advice == "mend":
        part = next(part for part in health.parts if part.name == health.mend)
        where = f", first at {health.where}" if health.where and health.where != health.node else ""
        return f"Mend {health.mend}{where}: it costs most, with {part.score or 0:.0f} of 100.{more}"
    return f"Keep it as it is.{more}"
