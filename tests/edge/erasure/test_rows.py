"""What of a row stays when one client is forgotten."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.model import Acknowledge, Answer, Batch, Delivered, Now, RecordedEvent, Rejected, Row, ScenarioRecord
from edge.erasure.rows import Erasure
from edge.errors import Reason
from edge.messages.envelope import ENCODE
from edge.scenarios.dispatch.messages import MESSAGES

pack = msgspec.msgpack.encode
NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,12}\Z")


def erasure(client: str = "alice") -> Erasure:
    return Erasure(client, "gone-1", MESSAGES)


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


@pytest.mark.parametrize(
    ("fields", "namesake"), [({"order": "alice"}, "order"), ({"id": "alice"}, "id"), ({"shop": "alice"}, "")]
)
def test_a_thing_of_others_with_the_same_name_is_noticed(fields: dict[str, str], namesake: str) -> None:
    """An order or an event, where it cannot be known what is meant; a shop may be the client itself."""
    made = erasure()
    made.row(
        row([RecordedEvent("bob", msgspec.Raw(pack({"kind": "order.place", "id": "i", "order": "o"} | fields)))], [])
    )
    assert made.namesake == namesake


@pytest.mark.parametrize("json", [False, True])
def test_elsewhere_a_stand_in_takes_the_place_of_the_name(json: bool) -> None:
    """In fields, in keys, in sentences and in what is packed inside of something; longer names are other names."""
    text = "alice is nearer than alice-2, x.alice, alice.b and Alice; not alice."
    renamed = "gone-1 is nearer than alice-2, x.alice, alice.b and Alice; not gone-1."
    found = erasure().renamed(ENCODE[json]({"rider": "alice", "why": [text, {"alice": 1}]}))  # type: ignore[arg-type]
    assert (msgspec.json if json else msgspec.msgpack).decode(found) == {
        "rider": "gone-1",
        "why": [renamed, {"gone-1": 1}],
    }
    inner = pack(["alice", pack({"to": "alice"})])
    _, within = msgspec.msgpack.decode(erasure().renamed(inner))
    assert msgspec.msgpack.decode(within) == {"to": "gone-1"}


def test_a_shop_has_its_stand_in_too() -> None:
    """Where others act for it, and in the events of others."""
    item = RecordedEvent(
        "till-2", msgspec.Raw(pack({"kind": "kitchen.ready", "order": "o", "shop": "alice"})), shop="alice"
    )
    found = erasure().row(row([item], []))
    assert found is not None
    (after,) = found.inputs
    assert isinstance(after, RecordedEvent)
    assert (after.shop, msgspec.msgpack.decode(after.body)["shop"]) == ("gone-1", "gone-1")
    assert [erasure().name(each) for each in ("alice", "bob")] == ["gone-1", "bob"]


@given(NAMES, NAMES, st.binary(max_size=60))
def test_a_row_of_others_stays_to_the_byte(client: str, other: str, noise: bytes) -> None:
    """Whatever bytes are in it; so do bytes that only look like something that is packed."""
    batch = Batch("n-1", 1, 1, noise, noise, noise)
    made = row([event(f"x{other}", "order.place", order="o-1")], [answer(f"x{other}", "receipt"), batch], pack([noise]))
    found = Erasure(f"y{client}", "gone-1", MESSAGES).row(made)
    assert found is None or b"y" + client.encode() in msgspec.msgpack.encode(made)


@given(
    NAMES,
    st.recursive(
        NAMES | st.integers(0, 2**40) | st.binary(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    ),
)
def test_nothing_packed_has_the_name_afterwards(client: str, value: object) -> None:
    """And where it is not, the bytes are the same."""
    packed = pack([value, client, {client: f"Who is {client}?"}])
    found = msgspec.msgpack.decode(Erasure(client, "+", MESSAGES).renamed(packed))
    assert found[1:] == ["+", {"+": "Who is +?"}]


def test_what_is_left_is_found() -> None:
    """The name as a word, and the numbers of a door that the client has sent; not those of others, or of a shop."""
    made = erasure()
    door = {"lat": 1.25, "lon": 2.5}
    other = {"lat": 3.25, "lon": 4.5}
    made.row(row([event("alice", "order.place", order="o-1", dropoff=door, prep_s=0)], []))
    made.row(row([event("bob", "order.place", order="o-2", dropoff=other)], []))
    found = [made.is_in(pack(each)) for each in ("alice", [1.25], {"x": 2.5}, "alice-2", [3.25, 4.5], [1, 0])]
    assert found == [True, True, True, False, False, False]
    made.row(row([event("bob", "order.place", order="o-3", pickup=door)], []))
    assert [made.is_in(pack(each)) for each in ("alice", [1.25])] == [True, False]


def test_bytes_that_are_not_packed_stay() -> None:
    """Also where the name is among them."""
    assert erasure().renamed(b"\xc1alice") == b"\xc1alice"
    assert erasure().renamed(b"{alice") == b"{alice"
