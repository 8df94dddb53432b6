"""Tests of edge.core.decode: what every publish becomes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from edge.core.decode import Catalog
from edge.core.model import Event, Observed, RecordedEvent, Rejected
from edge.core.scenario import Message, Scenario
from edge.errors import DoorstepError, JournalError, Reason
from edge.messages.envelope import FORBIDDEN, INSTANT_MS_MIN, UNKNOWN, Text, Up, encode, free_texts
from edge.messages.grants import EVERYBODY, Grant
from edge.messages.roles import ROLES
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages import catalog
from edge.scenarios.dispatch.messages.board import BoardList
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS
from edge.scenarios.dispatch.messages.up import OrdersList, OrderTrack, RiderPosition
from edge.scenarios.labels import Labels
from tests.messages import AT, BAD, GOOD, HABITS, pack, text

CATALOG = Catalog([Dispatch])


def decode(kind: str, payload: bytes, crs: str = "wgs84") -> Event | Observed | Rejected:
    return CATALOG.decode("client-1", kind, payload, crs)


@pytest.mark.parametrize(("kind", "fields"), GOOD)
@pytest.mark.parametrize("dump", [pack, text])
def test_good_messages_become_inputs(kind, fields, dump):
    """A good message becomes an event or an observation with exactly its fields, in either encoding."""
    made = decode(kind, dump(fields))
    if kind == "order.track":
        assert made == Observed("client-1", OrderTrack(order="o-1", v=2))
        return
    if kind == "orders.list":
        assert made == Observed("client-1", OrdersList(v=2))
        return
    if kind == "board.list":
        assert made == Observed("client-1", BoardList(offset=100))
        return
    if kind == "rider.position":
        assert isinstance(made, Observed)
        assert isinstance(made.body, RiderPosition)
        assert made.body.points == [tuple(point) for point in fields["points"]]
        return
    event = made
    assert isinstance(event, Event)
    assert event.json == (dump is text)
    for name, value in fields.items():
        if name == "place" or not hasattr(event.body, name):
            continue
        got = getattr(event.observed or event.body, name)
        if isinstance(value, dict):
            got = {"lat": got.lat, "lon": got.lon}
        assert got == value


@pytest.mark.parametrize(("kind", "fields"), [case for case in GOOD if case[0] in DURABLE_KINDS])
@pytest.mark.parametrize("json", [False, True])
def test_what_is_decoded_encodes_to_the_same(kind, fields, json):
    """Decoding, encoding and decoding again comes back to the same event."""
    first = decode(kind, text(fields))
    assert isinstance(first, Event)
    again = decode(kind, encode(first.body, json))
    assert isinstance(again, Event)
    assert again.body == first.body


@pytest.mark.parametrize(("what", "kind", "payload", "reason", "field"), BAD, ids=[case[0] for case in BAD])
def test_bad_messages_are_refused_by_name(what, kind, payload, reason, field):
    """A bad message becomes one rejection that names the reason and the field, and never an exception."""
    rejected = decode(kind, payload)
    assert isinstance(rejected, Rejected)
    assert rejected.reason == reason, what
    assert rejected.field == field
    assert len(rejected.detail) <= 400


@pytest.mark.parametrize(("what", "payload"), HABITS, ids=[case[0] for case in HABITS])
def test_habits_of_libraries_change_nothing(what, payload):
    """What JavaScript and Windows write in their own way is the same order."""
    made, usual = decode("order.place", payload), decode("order.place", text(GOOD[0][1]))
    assert isinstance(made, Event), what
    assert isinstance(usual, Event)
    assert made.body == usual.body


@pytest.mark.parametrize("dump", [pack, text])
@pytest.mark.parametrize(
    ("kind", "field", "value", "field_refused"),
    [
        ("order.place", "at", AT // 1000, "at"),
        ("order.place", "at", AT / 1000 + 0.123, "at"),
        ("order.place", "ready_at", AT // 1000 + 600, "ready_at"),
        ("order.place", "at", AT // 1000 - 300 * 86_400, "at"),
        ("order.place", "at", AT // 1000 - 400 * 86_400, None),
        ("order.place", "at", AT // 1000 + 400 * 86_400, None),
        ("order.place", "at", 0, None),
        ("order.place", "at", 90_000, None),
        ("order.place", "at", AT, None),
        ("order.place", "at", -1, "at"),
        ("order.place", "at", 90_000.5, "at"),
        ("order.place", "prep_s", -5, "prep_s"),
        ("price.set", "from_at", AT // 1000, "prices[0].from_at"),
        ("price.set", "until_at", AT // 1000, "prices[0].until_at"),
    ],
)
def test_a_time_in_seconds_is_refused_as_one(kind, field, value, field_refused, dump):
    """Read as seconds within a year of the node's clock: refused with what is expected. Any other early time is of a
    clock that was never set, and becomes an event of the earliest instant."""
    catalog = Catalog([Dispatch, Labels])
    if kind == "price.set":
        fields = {"id": "e-1", "at": AT, "prices": [{"sku": "a", "price_cents": 1, field: value}]}
    else:
        fields = {**GOOD[0][1], field: value}
    made = catalog.decode("client-1", kind, dump(fields), "wgs84", wall_ms=AT)
    if field_refused is None:
        assert isinstance(made, Event)
        assert made.body.at == max(value, INSTANT_MS_MIN)
        return
    assert isinstance(made, Rejected)
    assert made.reason == Reason.MALFORMED
    assert ("looks like seconds" in made.detail) == (1e9 < value < 1e10)
    assert made.field == field_refused


def test_half_an_emoji_in_a_text_is_replaced():
    """A text cut within a character by JavaScript is taken, in JSON and in MessagePack."""
    fields = {**GOOD[2][1], "reason": "?"}
    packed = pack({**fields, "reason": "???"}).replace(b"\xa3???", b"\xa3\xed\xa0\xbd")
    for payload in (packed, text(fields).replace(b'"?"', rb'"\ud83d"')):
        made = decode("order.cancel", payload)
        assert isinstance(made, Event)
        assert made.observed.reason == "\ufffd"  # type: ignore[union-attr]


def test_a_rejection_keeps_the_id_so_that_it_can_be_answered():
    """Where the id can be read, the refusal carries it, a number as its digits; where it is no name, it does not."""
    named = decode("order.place", text({"id": "e-1", "at": 1}))
    hostile = decode("order.place", text({"id": "../x", "at": 1}))
    number = decode("order.place", text({"id": 17, "at": 1}))
    assert [each.id for each in (named, hostile, number) if isinstance(each, Rejected)] == ["e-1", "", "17"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(FORBIDDEN, Reason.FORBIDDEN_TOPIC), (UNKNOWN, Reason.UNKNOWN_KIND), ("x", Reason.UNKNOWN_KIND)],
)
def test_a_topic_without_a_kind_is_refused_with_the_id(kind, reason):
    """Nothing of the topic is in the refusal; the client's own name is, as it should be written."""
    made = decode(kind, text({"id": "e-1", "at": 1}))
    assert isinstance(made, Rejected)
    assert (made.reason, made.id) == (reason, "e-1")
    assert made.kind == ("x" if kind == "x" else UNKNOWN)
    assert "/up/client-1/" in made.detail or "known kinds" in made.detail


@pytest.mark.parametrize(
    ("kind", "named", "left_out"),
    [("order.nothing", "order.place", "rider."), ("nothing.at.all", "order.*", "order.place")],
)
def test_an_unknown_kind_is_refused_with_the_known_ones(kind, named, left_out):
    """Those of its group; where there is no such group, the groups."""
    made = decode(kind, text({"id": "e-1", "at": 1}))
    assert isinstance(made, Rejected)
    assert named in made.detail
    assert left_out not in made.detail


@pytest.mark.parametrize(("kind", "fields"), GOOD)
@pytest.mark.parametrize("role", ROLES)
def test_a_kind_is_for_the_roles_that_it_names(kind, fields, role):
    """Each role with each kind: allowed where the kind names it, else refused with the roles that it needs."""
    made = CATALOG.decode("c-1", kind, text(fields), "wgs84", Grant((role,), "shop-1" if role == "shop" else ""))
    if role in CATALOG.kinds[kind].roles:
        assert not isinstance(made, Rejected)
    else:
        assert isinstance(made, Rejected)
        assert (made.reason, made.id) == (Reason.NOT_ALLOWED, fields.get("id", ""))
        assert made.detail.startswith("it needs the role ")
        assert made.detail.endswith(f"this client has {role}")


def test_a_client_without_a_role_may_send_nothing():
    """Deny by default."""
    made = [CATALOG.decode("c-1", kind, text(fields), "wgs84", Grant()) for kind, fields in GOOD]
    assert {each.reason for each in made if isinstance(each, Rejected)} == {Reason.NOT_ALLOWED}
    assert all(isinstance(each, Rejected) for each in made)


@pytest.mark.parametrize(
    ("grant", "shops", "reason"),
    [
        (Grant(("customer",)), {"shop-1"}, None),
        (Grant(("customer",)), {"shop-2"}, Reason.UNKNOWN_SHOP),
        (Grant(("customer",)), set(), Reason.UNKNOWN_SHOP),
        (Grant(("shop",), "shop-1"), {"shop-1", "shop-2"}, None),
        (Grant(("shop",), "shop-2"), {"shop-1", "shop-2"}, Reason.NOT_ALLOWED),
        (Grant(("customer", "shop"), "shop-2"), {"shop-1", "shop-2"}, None),
        (EVERYBODY, None, None),
        (EVERYBODY, {"shop-2"}, Reason.UNKNOWN_SHOP),
    ],
)
def test_an_order_names_a_shop_that_exists(grant, shops, reason):
    """And a shop places orders for itself only."""
    made = CATALOG.decode("c-1", "order.place", text(GOOD[0][1]), "wgs84", grant, shops)
    assert (made.reason if isinstance(made, Rejected) else None) == reason
    if isinstance(made, Event):
        assert made.shop == ("c-1" if grant is EVERYBODY else grant.shop)
        recorded = CATALOG.recorded(made, "order.place")
        assert isinstance(recorded, RecordedEvent)
        assert CATALOG.opened(recorded).shop == made.shop
    else:
        assert isinstance(made, Rejected)
        assert (made.id, made.field) == (GOOD[0][1]["id"], "shop")


@pytest.mark.parametrize(("kind", "fields"), GOOD)
@pytest.mark.parametrize("dump", [pack, text])
def test_every_truncation_is_refused(kind, fields, dump):
    """No prefix of a message is a message."""
    payload = dump(fields)
    for length in range(min(len(payload), 400)):
        rejected = decode(kind, payload[:length])
        assert isinstance(rejected, Rejected)


@pytest.mark.parametrize(("kind", "fields"), GOOD)
def test_every_flipped_byte_is_an_event_or_a_refusal(kind, fields):
    """A message with any one byte changed is decoded or refused, never an exception."""
    payload = bytearray(pack(fields)[:400])
    for index in range(len(payload)):
        for mask in (0x01, 0x80, 0xFF):
            payload[index] ^= mask
            decode(kind, bytes(payload))
            payload[index] ^= mask


@given(st.sampled_from([*DURABLE_KINDS, "rider.position", "x.y"]), st.binary(max_size=300))
def test_any_bytes_are_an_event_or_a_refusal(kind, payload):
    """Arbitrary bytes never raise."""
    assert isinstance(decode(kind, payload), Event | Rejected | Observed)


@pytest.mark.parametrize(
    ("grant", "shop", "taken"),
    [
        (Grant(("shop",), "noodle-bar"), "noodle-bar", True),
        (Grant(("shop",), "noodle-bar"), "tea-house", False),
        (Grant(("customer",)), "noodle-bar", False),
        (Grant(("customer",)), None, True),
        (EVERYBODY, "noodle-bar", False),
        (EVERYBODY, "c-1", True),
    ],
)
def test_a_client_asks_about_the_shop_that_it_acts_for(grant, shop, taken):
    """Another shop's orders are nobody's business; where there are no roles, a shop has its own name only."""
    made = CATALOG.decode("c-1", "orders.list", text({"shop": shop}), "wgs84", grant)
    if taken:
        assert made == Observed("c-1", OrdersList(shop=shop))
    else:
        assert isinstance(made, Rejected)
        assert (made.reason, made.field) == ("not_allowed", "shop")


def test_the_place_of_a_shift_is_no_part_of_the_event():
    """Where a shift begins is observed, and never stored."""
    event = decode("rider.shift", text(GOOD[3][1]))
    assert isinstance(event, Event)
    assert b"place" not in encode(event.body, json=True)
    assert event.observed is not None
    assert event.observed.place is not None  # type: ignore[attr-defined]
    assert decode("rider.shift", text(GOOD[4][1])).observed is None  # type: ignore[union-attr]


@pytest.mark.parametrize(("kind", "fields"), [case for case in GOOD if case[0] in DURABLE_KINDS])
def test_a_recorded_event_opens_to_what_it_was(kind, fields):
    """The bytes that a row keeps are the event again."""
    event = decode(kind, text(fields))
    assert isinstance(event, Event)
    kept = RecordedEvent(event.client, msgspec.Raw(encode(event.body, json=False)), event.json)
    assert CATALOG.opened(kept) == Event(event.client, event.body, event.json)


@pytest.mark.parametrize("scenarios", [[Dispatch], []])
def test_a_recorded_event_of_a_missing_scenario_names_its_kind(scenarios):
    """The journal has rows of a scenario that is off, or in a folder that the command was not given."""
    kept = RecordedEvent("till-1", msgspec.Raw(msgspec.msgpack.encode({"kind": "price.set", "id": "p-1"})), False)
    with pytest.raises(JournalError, match=r"kind 'price\.set', which no scenario here has.*--scenario-path"):
        Catalog(scenarios).opened(kept)


def test_a_recorded_event_of_another_version_is_an_error_of_its_field():
    """The scenario is here, but its message had another form."""
    kept = RecordedEvent("till-1", msgspec.Raw(msgspec.msgpack.encode({"kind": "order.place", "id": 7})), False)
    with pytest.raises(msgspec.ValidationError):
        CATALOG.opened(kept)


def test_a_kind_belongs_to_one_scenario():
    """Two scenarios that claim one kind are refused by name."""

    class Twin(Dispatch):
        name = "twin"

    with pytest.raises(DoorstepError, match=r"dispatch and twin both have the kind 'order\.place'"):
        Catalog([Dispatch, Twin])


def test_only_what_is_kept_is_converted(monkeypatch):
    """Of 120 points one: a message in another system must not cost much more than one in the node's own."""
    asked = []
    monkeypatch.setattr(catalog, "converted", lambda *place: asked.append(place) or place[:2])
    points = [[AT + number, 31.2, 121.4] for number in range(120)]
    decode("rider.position", text({"points": points, "crs": "gcj02"}))
    decode("order.place", text({**GOOD[0][1], "crs": "gcj02"}))
    assert len(asked) == 3


def test_another_coordinate_system_is_converted():
    """A message that names the other system is converted; the shift is some hundred metres in China."""
    fields = {**GOOD[0][1], "crs": "gcj02"}
    event = decode("order.place", text(fields))
    assert isinstance(event, Event)
    moved = event.body.pickup  # type: ignore[union-attr]
    assert 0.001 < abs(moved.lat - 31.2) + abs(moved.lon - 121.4) < 0.02
    seen = decode("rider.position", text({"points": [[AT, 31.2, 121.4]], "crs": "gcj02"}))
    assert isinstance(seen, Observed)
    assert seen.body.points == [(AT, moved.lat, moved.lon)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("keeps", [False, True])
def test_what_a_person_wrote_is_kept_where_that_is_asked_for(keeps):
    """Else the event has the default of the field, and only the observed message has the words, of every kind."""
    catalog_ = Catalog([Dispatch, Labels])
    catalog_.keeps_text = keeps
    kinds = dict.fromkeys(kind for kind, message in catalog_.kinds.items() if free_texts(message.body))
    assert {"order.cancel", "rider.reply", "rider.progress", "order.assign", "rider.pause"} <= kinds.keys()
    for kind, fields in [case for case in GOOD if case[0] in kinds]:
        made = catalog_.decode("client-1", kind, pack({**fields, "reason": "the bell is broken"}), "wgs84")
        assert isinstance(made, Event)
        recorded = catalog_.recorded(made, kind)
        assert isinstance(recorded, RecordedEvent)
        assert (b"bell" in bytes(recorded.body)) is keeps
        assert (made.observed or made.body).reason == "the bell is broken"  # type: ignore[attr-defined]
        assert catalog_.without_text(made.body) == msgspec.structs.replace(made.body, reason="")
        assert catalog_.without_text(catalog_.opened(recorded).body).id == fields["id"]


def test_free_text_that_a_row_could_not_do_without_is_refused():
    """A field without a default, also where the words are inside of it: the scenario cannot be used."""

    class Line(Struct, frozen=True):
        note: Text = ""

    class Basket(Up, frozen=True, kw_only=True, tag="basket"):
        lines: list[Line]

    class Shop(Scenario):
        name = "shop"
        messages = (Message("basket", Basket, roles=("customer",)),)

    with pytest.raises(DoorstepError, match=r"Basket.lines has free text and needs a default"):
        Catalog([Shop])
