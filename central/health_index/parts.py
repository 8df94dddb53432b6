"""What a score is made of: nine parts, each from 0 to 100 by what was counted. Pure.

A part that a scenario has not is left out, and the weights of the others fill its place. docs/health.md has the meaning
of each, and why these bounds.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from edge.messages.batches import quantiles

from .options import HealthOptions

Name = Literal["response", "quality", "promise", "declines", "refusals", "freshness", "loss", "use", "trend"]
PARTS: Final[tuple[Name, ...]] = (
    "response",
    "quality",
    "promise",
    "declines",
    "refusals",
    "freshness",
    "loss",
    "use",
    "trend",
)


class Profile(Struct, frozen=True):
    """Where a scenario counts what parts are made of; empty: it has no such part. `answer` is the measure of its
    response, with its usual budget; `over` a counter of seconds, one share of each value of `answer`. Of `kept` the
    counter `late` is taken off. `orders` and `refused` count what a shop was asked for; empty: it has no figures of
    shops."""

    answer: str = ""
    budget_ms: int = 0
    over: str = ""
    kept: str = ""
    late: str = ""
    broken: str = ""
    offers: str = ""
    declined: tuple[str, ...] = ()
    orders: str = ""
    refused: str = ""


PROFILES: Final = {
    "dispatch": Profile(
        answer="placed_to_offered_ms",
        budget_ms=1_200_000,
        over="order.over_bound_s",
        kept="promise.kept",
        broken="promise.broken",
        offers="order.offered",
        declined=("offer.declined", "offer.timed_out"),
        orders="order.placed",
        refused="order.refused",
    ),
    "labels": Profile(
        answer="set_to_shown_ms",
        budget_ms=2_000,
        kept="label.shown",
        late="label.confirmed_late",
        broken="label.behind",
    ),
}
"""Scenarios of others have the parts that every scenario has."""

SCALES: Final[dict[Name, tuple[float, float]]] = {
    "response": (1.0, 2.0),
    "quality": (2.0, 15.0),
    "promise": (0.98, 0.80),
    "declines": (0.05, 0.50),
    "refusals": (0.01, 0.20),
    "freshness": (130.0, 21_600.0),
    "loss": (0.0, 0.01),
    "use": (100.0, 0.0),
    "trend": (0.95, 0.50),
}
"""For each part the value that is worth 100, and the one from which on it is worth nothing; linear between. The 90th
percentile over its budget, minutes, shares, shares, shares, seconds, a share, events a day and node, a ratio."""


SHOP_USE: Final = 20.0
"""Orders a day that are worth 100 of a shop's use."""


class Part(Struct, frozen=True, kw_only=True):
    """One part. `value` is in the unit of SCALES, but that of `response` is in milliseconds (beside `budget_ms`), and
    that of `freshness` is the share of current nodes where it is of several. `count` is of how many it is made. Where
    there is no score, `missing` has why: the scenario has `no_such` part, or there are `too_few`."""

    name: Name
    weight: int
    score: float | None = None
    value: float | None = None
    count: int = 0
    budget_ms: int = 0
    missing: Literal["", "no_such", "too_few"] = ""


class Counted(Struct, frozen=True, kw_only=True):
    """What is known of a scenario at a node, or at all of its nodes together. `days` is how long that was, `before` the
    events of as long a time just before. `lost` are events that the centre should have, and has not. `behind_s` is for
    each node for how long nothing of it is known."""

    days: float
    events: int = 0
    before: int = 0
    counters: Mapping[str, int] = {}
    answers: tuple[int, bytes] = (0, b"")
    lost: int = 0
    behind_s: tuple[float, ...] = ()


def parts_of(scenario: str, found: Counted, options: HealthOptions) -> list[Part]:
    """All nine, in their sequence."""
    profile = PROFILES.get(scenario, Profile())
    made: dict[Name, Part] = {
        part.name: part for part in (*_answers(profile, scenario, found, options), *_shares(profile, found, options))
    }
    made |= {part.name: part for part in _common(found, options)}
    return _all(made, options)


def parts_of_shop(scenario: str, found: Counted, options: HealthOptions) -> list[Part]:
    """The same of a shop, of which there is neither a sketch nor anything that only its node has. Its events are the
    orders that it was asked for."""
    profile, counted = PROFILES.get(scenario, Profile()), found.counters
    made: dict[Name, Part] = {part.name: part for part in _shares(profile, found, options)}
    if profile.over:
        made["quality"] = _quality(profile, {profile.over: 0, **counted}, counted.get(profile.answer, 0), options)
    made["refusals"] = _share("refusals", counted.get(profile.refused, 0), found.events, options)
    use = found.events / found.days
    of_use = _part("use", use * SCALES["use"][0] / SHOP_USE, options.values_min, options)
    made["use"] = replace(of_use, value=use)
    made["trend"] = _trend(found, options)
    return _all(made, options)


def _all(made: Mapping[Name, Part], options: HealthOptions) -> list[Part]:
    return [made.get(name, Part(name=name, weight=options.weights()[name], missing="no_such")) for name in PARTS]


def worth(name: Name, value: float) -> float:
    """From 0 to 100."""
    good, bad = SCALES[name]
    return 100 * min(max((value - bad) / (good - bad), 0.0), 1.0)


def _answers(profile: Profile, scenario: str, found: Counted, options: HealthOptions) -> list[Part]:
    """How long it took to answer, and how far from the best possible the answers were."""
    if not profile.answer:
        return []
    count, digest = found.answers
    budget = options.response_ms.get(scenario, profile.budget_ms)
    few = count < options.values_min
    p90 = None if few else quantiles(digest, (0.9,))[0]
    made = [
        Part(
            name="response",
            weight=options.response,
            score=None if p90 is None else worth("response", p90 / budget),
            value=p90,
            count=count,
            budget_ms=budget,
            missing="too_few" if few else "",
        )
    ]
    if profile.over:
        made.append(_quality(profile, found.counters, count, options))
    return made


def _quality(profile: Profile, counted: Mapping[str, int], count: int, options: HealthOptions) -> Part:
    over = counted.get(profile.over)  # a node of an earlier version does not count it
    minutes = over / 60 / count if over is not None and count else None
    return _part("quality", minutes, count if over is not None else 0, options)


def _shares(profile: Profile, found: Counted, options: HealthOptions) -> list[Part]:
    """Promises, and offers that came to nothing."""
    made: list[Part] = []
    counted = found.counters
    if profile.kept:
        kept = max(counted.get(profile.kept, 0) - counted.get(profile.late, 0), 0)
        made.append(_share("promise", kept, kept + counted.get(profile.broken, 0), options))
    if profile.offers:
        declined = sum(counted.get(name, 0) for name in profile.declined)
        made.append(_share("declines", declined, counted.get(profile.offers, 0), options))
    return made


def _common(found: Counted, options: HealthOptions) -> list[Part]:
    """What every scenario has."""
    refused = sum(count for name, count in found.counters.items() if name.startswith("refused."))
    made = [
        _share("refusals", refused, found.events, options),
        _share("loss", found.lost, found.events + found.lost, options),
    ]
    nodes = len(found.behind_s)
    if nodes:
        score = sum(worth("freshness", behind_s) for behind_s in found.behind_s) / nodes
        current = sum(behind_s < SCALES["freshness"][0] for behind_s in found.behind_s) / nodes
        value = found.behind_s[0] if nodes == 1 else current
        made.append(Part(name="freshness", weight=options.freshness, score=score, value=value, count=nodes))
    made.append(_part("use", found.events / found.days / max(nodes, 1), options.values_min, options))
    made.append(_trend(found, options))
    return made


def _trend(found: Counted, options: HealthOptions) -> Part:
    ratio = found.events / found.before if found.before else None
    return _part("trend", ratio, found.before, options)


def _share(name: Name, some: int, whole: int, options: HealthOptions) -> Part:
    return _part(name, min(some / whole, 1.0) if whole else None, whole, options)


def _part(name: Name, value: float | None, count: int, options: HealthOptions) -> Part:
    if value is None or count < options.values_min:
        return Part(name=name, weight=options.weights()[name], count=count, missing="too_few")
    return Part(name=name, weight=options.weights()[name], score=worth(name, value), value=value, count=count)
