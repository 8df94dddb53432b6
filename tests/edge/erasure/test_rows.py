"""What of a row stays when one client is forgotten."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.model import (
    Acknowledge,
    Answer,
    Batch,
    Configure,
    Delivered,
    Now,
    RecordedEvent,
    Rejected,
    Row,
    Rules,
    ScenarioRecord,
    decode_snapshot,
)
from edge.core.node import Node
from edge.core.scenario import Scenario
from edge.erasure.rows import Erasure
from edge.errors import Reason
from edge.messages.envelope import ENCODE, loose
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.down import Assignment, Update
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.labels import Labels

pack = msgspec.msgpack.encode
NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,12}\Z")


def erasure(client: str = "alice") -> Erasure:
    return Erasure(client, "gone-1", [Dispatch, Labels])


def event(client: str, kind: str, **fields: object) -> RecordedEvent:
    return RecordedEvent(client, msgspec.Raw(pack({"kind": kind, "id": "i", **fields})))


def answer(client: str, kind: str, *, json: bool = False, **fields: object) -> Answer:
    return Answer(1, client, kind, ENCODE[json](fields), 1.0)  # type: ignore[arg-type]


def row(inputs: list, effects: list, record: bytes = b"") -> Row:
    return Row(1, Now(1.0, 1), inputs, [ScenarioRecord("dispatch", record)], effects)


def test_what_the_client_sent_and_was_sent_goes() -> None:
    """With its reasons, one for each event or refusal; those of others keep theirs."""
    inputs = [
        event("bob", "order.place", order="o-1"),
        event("alice", "order.place", order="o-2", dropoff={"lat": 1.5, "lon": 2.5}),
        Delivered([4]),
        Rejected("alice", "order.cancel", Reason.TOO_LATE),
        event("bob", "order.cancel", order="o-1"),
    ]
    effects = [Acknowledge(["", "a", "b", "c"]), answer("alice", "receipt", id="i"), answer("bob", "receipt", id="i")]
    found = erasure().row(row(inputs, effects))
    assert found is not None
    assert found.inputs == [inputs[0], inputs[2], inputs[4]]
    assert found.effects == [Acknowledge(["", "c"]), effects[2]]


@pytest.mark.parametrize("json", [False, True])
def test_a_door_that_a_rider_has_goes_with_its_customer(json: bool) -> None:
    """It is whose order it is, not whoever acts on it; what has no door stays."""
    made = erasure()
    made.row(row([event("alice", "order.place", order="o-1"), event("bob", "order.place", order="o-2")], []))
    made.row(row([event("bob", "order.cancel", order="o-1"), event("alice", "order.cancel", order="o-2")], []))
    effects = [answer("r-1", kind, json=json, order=f"o-{n}") for n in (1, 2, 3) for kind in ("assignment", "update")]
    found = made.row(row([], effects))
    assert found is not None
    assert found.effects == effects[1:]


def test_who_names_a_thing_in_vain_does_not_own_it() -> None:
    """A kitchen that was too early, or somebody else, was refused: the door is that of whose order was accepted."""
    made = erasure()
    made.row(row([event("shop-1", "kitchen.ready", order="o-1")], [Acknowledge(["unknown_order"])]))
    made.row(row([event("alice", "order.place", order="o-1")], [Acknowledge([""])]))
    found = made.row(row([], [answer("r-1", "assignment", order="o-1")]))
    assert found is not None
    assert found.effects == []


def test_a_shop_has_its_stand_in_too() -> None:
    """Where others act for it, and in the events of others."""
    body = {"kind": "times.reset", "id": "i", "at": 1_790_000_000_000, "shop": "alice"}
    item = RecordedEvent("till-2", msgspec.Raw(pack(body)), shop="alice")
    found = erasure().row(row([item], []))
    assert found is not None
    (after,) = found.inputs
    assert isinstance(after, RecordedEvent)
    assert (after.shop, msgspec.msgpack.decode(after.body)["shop"]) == ("gone-1", "gone-1")


@given(NAMES, NAMES, st.binary(max_size=60))
def test_a_row_of_others_stays_to_the_byte(client: str, other: str, noise: bytes) -> None:
    """Whatever bytes are in it; so do bytes that only look like something that is packed."""
    batch = Batch("n-1", 1, 1, noise, noise, noise)
    made = row([event(f"x{other}", "order.place", order="o-1")], [answer(f"x{other}", "receipt"), batch], pack([noise]))
    found = Erasure(f"y{client}", "gone-1", [Dispatch]).row(made)
    assert found is None or b"y" + client.encode() in msgspec.msgpack.encode(made)


def test_a_door_that_is_left_is_found() -> None:
    """The numbers of a door that the client has sent; not those of others, or of a shop."""
    made = erasure()
    door = {"lat": 1.25, "lon": 2.5}
    other = {"lat": 3.25, "lon": 4.5}
    made.row(row([event("alice", "order.place", order="o-1", dropoff=door, prep_s=0)], []))
    made.row(row([event("bob", "order.place", order="o-2", dropoff=other)], []))
    found = [made.is_at_home(pack(each)) for each in ([1.25], {"x": 2.5}, [3.25, 4.5], [1, 0])]
    assert found == [True, True, False, False]
    made.row(row([event("bob", "order.place", order="o-3", pickup=door)], []))
    assert not made.is_at_home(pack([1.25]))


@pytest.mark.parametrize("json", [False, True])
def test_what_the_client_wrote_goes_where_it_was_passed_on(json: bool) -> None:
    """A shop's update and a rider's withdrawn offer keep the rest; the words of the node, and of others, stay."""
    made = erasure()
    texts = ("at the back", "declined", "no time")
    messages = [Update(order="o-1", state="cancelled", at=1, reason=text) for text in texts]
    messages += [Assignment(offer=1, order="o-2", state="withdrawn", at=1, reason=text) for text in texts]
    effects = [Answer(1, "shop-1", type(each).__name__.lower(), ENCODE[json](each), 1.0) for each in messages]
    found = made.row(row([event("alice", "order.cancel", order="o-1", reason="at the back")], effects))
    assert found is not None
    assert [loose(each.payload).get("reason", "") for each in found.effects if isinstance(each, Answer)] == [
        "",
        *texts[1:],
    ] * 2


def test_a_snapshot_keeps_the_answers_of_others() -> None:
    """What waits for the client goes, what waits for others stays in its sequence; with nothing to forget the bytes are
    the same."""
    node = Node([Dispatch])
    node.handle([Configure(Rules(node="n-1", scenarios={"dispatch": msgspec.Raw(pack(DispatchOptions()))}))], Now(0, 0))
    for at, client in enumerate(("alice", "bob", "alice", "carol")):
        node.handle([Rejected(client, "order.place", Reason.MALFORMED, id=f"i-{at}")], Now(1.0 + at, at))
    state = decode_snapshot(node.snapshot())
    before, counters = msgspec.msgpack.decode(state.pending_answers, type=tuple[list[Answer], list[int]])
    assert [each.client for each in before] == ["alice", "bob", "alice", "carol"]
    after, same = msgspec.msgpack.decode(erasure().snapshot(state).pending_answers, type=tuple[list[Answer], list[int]])
    assert (after, same) == ([before[1], before[3]], counters)
    assert erasure("nobody").snapshot(state).pending_answers == state.pending_answers


def test_a_shop_or_a_customer_leaves_no_figure_of_a_shop() -> None:
    """A shop's own go, open or stated; a customer among those of a shop has its stand-in; of somebody else the bytes
    stay."""
    node = Node([Dispatch])
    options = {"dispatch": msgspec.Raw(pack(DispatchOptions()))}
    rules = Rules(node="n-1", k_anonymity=2, shop_scores=True, scenarios=options)
    node.handle([Configure(rules)], Now(0, 0))
    statements = node.outbox.statements
    for shop in ("noodles", "tea"):
        for person in ("alice", "bob"):
            for day in (3, 9):
                statements.shops.add(day, "dispatch", shop, "order.placed", 1, person, 5)
    statements.close("n-1", 5 * 86_400_000, 1, 1, bytes(32))
    state = decode_snapshot(node.snapshot())
    assert erasure("nobody").snapshot(state).outbox == state.outbox
    for name, kept in (("tea", True), ("alice", False)):
        after = erasure(name).snapshot(state).outbox
        assert (name.encode() in after, b"noodles" in after) == (False, True)
        assert (b"alice" in after, b"gone-1" in after) == (kept, not kept)


def test_what_cannot_be_read_is_refused() -> None:
    """A kind or a scenario that is not there, a body of another version, a scenario that cannot rename: nothing is
    guessed where the name is in it."""

    class Mute(Labels):
        name = "mute"
        renamed = Scenario.renamed

    cases = [
        row([event("bob", "nothing", shop="alice")], []),
        row([event("bob", "order.place", shop="alice")], []),
        row([], [Answer(1, "bob", "nothing", pack({"shop": "alice"}), 1.0)]),
        Row(1, Now(1.0, 1), [], [ScenarioRecord("mute", pack(["alice"]))], []),
        Row(1, Now(1.0, 1), [], [ScenarioRecord("nothing", pack(["alice"]))], []),
    ]
    for each in cases:
        with pytest.raises(msgspec.DecodeError):
            Erasure("alice", "gone-1", [Dispatch, Mute]).row(each)
