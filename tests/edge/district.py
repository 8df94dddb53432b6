"""A tiny district for tests of the core: one shop, some riders, orders; inputs as the links would bring them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from edge.core.model import Commit, Configure, Effect, Event, Now, Observed, Rules
from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS
from edge.scenarios.dispatch.messages.up import RiderPosition
from edge.scenarios.dispatch.options import DispatchOptions

T0 = 1_790_000_000_000
SHOP = Place(31.2000, 121.4000)
HOME = Place(31.2050, 121.4050)


def sections(**dispatch: Any) -> dict[str, msgspec.Raw]:
    """`Rules.scenarios` with these options of dispatch."""
    return {"dispatch": msgspec.Raw(msgspec.msgpack.encode(DispatchOptions(**dispatch)))}


RULES = Rules(node="n-1", scenarios=sections())


def now(seconds: float) -> Now:
    """`seconds` after the district's first instant, on both clocks."""
    return Now(float(seconds), T0 + int(seconds * 1000))


def event(client: str, kind: str, id_: str, at_s: float = 0.0, **fields: Any) -> Event:
    """An event of `kind` with the fields that the kind needs."""
    return Event(client, DURABLE_KINDS[kind](id=id_, at=T0 + int(at_s * 1000), **fields), json=True, shop=client)


def configured() -> Configure:
    """The first input of every journal."""
    return Configure(RULES)


def position(rider: str, points: list[tuple[int, float, float]]) -> Observed:
    """Where a rider was."""
    return Observed(rider, RiderPosition(points=points))


def shift(rider: str, *, on: bool = True, at_s: float = 0.0, lat: float = 31.2010, lon: float = 121.4010, **more: Any):
    """A rider begins a shift near the shop: the event and a position."""
    begun = event(rider, "rider.shift", f"{rider}-{'on' if on else 'off'}-{int(at_s)}", at_s, on=on, **more)
    return [begun, position(rider, [(T0 + int(at_s * 1000), lat, lon)])] if on else [begun]


def place(number: int, at_s: float = 0.0, client: str = "alice", ready_s: float = 60.0) -> Event:
    """An order of `client` at the shop."""
    return event(
        client,
        "order.place",
        f"place-{number}",
        at_s,
        order=f"o-{number}",
        shop="shop-1",
        pickup=SHOP,
        dropoff=HOME,
        ready_at=T0 + int((at_s + ready_s) * 1000),
    )


def row_of(effects: Sequence[Effect]) -> bytes:
    """The row of a round."""
    commit = effects[0]
    assert isinstance(commit, Commit)
    return commit.row
