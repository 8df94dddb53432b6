"""What clients can send as payloads: only counted refusals, whatever the bytes, and the core goes on."""

import functools

from hypothesis import given
from hypothesis import strategies as st

from edge.core.decode import Catalog
from edge.core.model import Commit, Event, Input, Observed, Rejected, decode_row
from edge.core.node import Node
from edge.errors import Reason
from edge.limits import TEXT_CHARACTERS_MAX
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS
from tests.edge.district import configured, now
from tests.fuzz.damage import damaged, every_damage, fuzzed
from tests.messages import BAD, GOOD, pack, text, with_wide_numbers

CATALOG = Catalog([Dispatch])
KINDS = (
    *DURABLE_KINDS,
    "rider.position",
    "order.track",
    "orders.list",
    "board.list",
    "riders.list",
    "order.place'--",
    "",
)
SAMPLES = [encode(fields) for _, fields in GOOD for encode in (pack, text)] + [case[2] for case in BAD]


def check(kind: str, payload: bytes) -> Input:
    """One message through the decoder, and what must be true of whatever comes out."""
    made = CATALOG.decode("c-1", kind, payload, "wgs84")
    assert isinstance(made, Event | Rejected | Observed)
    if isinstance(made, Rejected):
        assert made.reason in Reason
        assert max(len(made.detail), len(made.field)) <= TEXT_CHARACTERS_MAX
    return made


@functools.cache
def core() -> Node:
    node = Node([Dispatch])
    node.handle([configured()], now(0))
    return node


def handled(node: Node, inputs: list[Input]) -> None:
    """A round of the core: its row can be read again, and everything durable has its reason."""
    before = node.counts.received
    effects = node.handle(inputs, now(node.last.mono + 1))
    durable = [item for item in inputs if isinstance(item, Event | Rejected)]
    assert node.counts.received == before + len(durable) - len(node.repeats)  # (those are counted by the next round)
    counts = node.counts
    assert counts.received == counts.accepted + counts.duplicate + sum(counts.refused.values())
    if effects:
        assert isinstance(effects[0], Commit)
        assert decode_row(effects[0].row).effects == effects[1:]


@fuzzed
@given(st.lists(st.tuples(st.sampled_from(KINDS), damaged(SAMPLES)), min_size=1, max_size=4))
def test_damaged_messages_are_events_or_counted_refusals(messages: list[tuple[str, bytes]]) -> None:
    """Any bytes under any kind become inputs of the core, which counts each of them once and stays whole."""
    handled(core(), [check(kind, payload) for kind, payload in messages])


@fuzzed
@given(st.sampled_from(KINDS), st.binary(max_size=300))
def test_malformed_input_is_refused(kind: str, payload: bytes) -> None:
    """Random bytes, too."""
    handled(core(), [check(kind, payload)])


def test_every_cut_and_every_flipped_byte_of_a_good_message() -> None:
    """One message of each kind, in both encodings: each truncation and each flipped byte."""
    done: set[str] = set()
    for kind, fields in GOOD:
        if kind in done:
            continue
        done.add(kind)
        for encode in (pack, text):
            for payload in every_damage(encode(fields)):
                check(kind, payload)


def test_every_number_beyond_every_bound_is_refused() -> None:
    """Each number of each good message, in both encodings: the refusal names its field, and the round can be kept."""
    for kind, fields in GOOD:
        made = [check(kind, encode(wide)) for wide in with_wide_numbers(fields) for encode in (pack, text)]
        assert made
        assert all(isinstance(each, Rejected) and each.reason == Reason.MALFORMED for each in made)
        handled(core(), made)
